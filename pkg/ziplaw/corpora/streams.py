"""Texts as streams of bytes: plain, gzip and zstd files, JSON lines, parquet; never a whole file in memory.

Everything here yields *pieces*: pairs (`DocumentName`, data) of a document and at most PIECE_BYTES of its UTF-8 text.
Pieces of one document follow one another and join to exactly the document.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CorpusError

PIECE_BYTES = 1 << 16
SECTION_BYTES = 1 << 14
MAX_LINE_BYTES = 1 << 28
FIELDS = ("text", "content")
JSONL_SUFFIXES = (".jsonl", ".ndjson")

_READ_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_SNIFF_BYTES = 8192


class DocumentName(NamedTuple):
    """Which document of a source a piece belongs to.

    Attributes
    ----------
    file : str
        The file within the source, as its path from the source's folder; undecodable bytes replaced.
    part : str
        The record, row, section or chapter within that file; empty when the file is one document.
    """

    file: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.part}" if self.part else self.file


Pieces = Iterator[tuple[DocumentName, bytes]]


class BinaryFile(CorpusError):
    """A file that should be text has a NUL byte near its start."""


class DamagedFile(CorpusError):
    """A packed file cannot be unpacked to its end."""


def inner_suffix(path: str | os.PathLike) -> tuple[str, str]:
    """Return (format suffix, compression suffix) in lower case: a.JSONL.gz -> (".jsonl", ".gz")."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in (".gz", ".zst") else ""
    return (suffixes[-1] if suffixes else ""), packed


def missing(package: str, what: str) -> CorpusError:
    """Return the error for an optional package that is not installed."""
    return CorpusError(f"{what} needs the Python package {package}, which is not installed: pip install {package}")


def _zstd_chunks(stream, path):
    try:
        import zstandard
    except ImportError:
        raise missing("zstandard", f"{path} (zstd)") from None
    decoder, inside = zstandard.ZstdDecompressor().decompressobj(), False
    data = stream.read(_READ_BYTES)
    try:
        while data:
            out = decoder.decompress(data)
            inside = not decoder.eof
            # a file may be several frames, one after the other
            data = decoder.unused_data if decoder.eof else b""
            if decoder.eof:
                decoder = zstandard.ZstdDecompressor().decompressobj()
            data = data or stream.read(_READ_BYTES)
            if out:
                yield out
    except zstandard.ZstdError as error:
        raise DamagedFile(f"{path} is no readable zstd file ({error}): fetch it again or unpack it yourself") from None
    if inside:
        raise DamagedFile(f"{path} ends in the middle of a zstd frame: it was cut short, fetch it again")


def chunks(path: str | os.PathLike) -> Iterator[bytes]:
    """Yield the bytes of a file piece by piece, unpacking .gz and .zst on the way.

    Raises
    ------
    CorpusError
        When a packed file is damaged or cut short, or zstandard is not installed.
    OSError
        When the file cannot be read.
    """
    packed = inner_suffix(path)[1]
    with open(path, "rb") as stream:
        if packed == ".zst":
            yield from _zstd_chunks(stream, path)
            return
        if packed != ".gz":
            while data := stream.read(_READ_BYTES):
                yield data
            return
        with gzip.open(stream) as unpacked:
            try:
                while data := unpacked.read(_READ_BYTES):
                    yield data
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise DamagedFile(f"{path} is no whole gzip file ({error}): fetch it again") from None


def safe_cut(data: bytes | bytearray, limit: int) -> int:
    """Return where to cut ``data`` (longer than ``limit``) so that byte-level BPE gives the same tokens either way.

    The cut stands before a lone space between two visible ASCII characters, where the usual pre-tokenizers end a word;
    without one in reach, between two UTF-8 characters.
    """
    end = limit
    while (space := data.rfind(b" ", max(1, limit // 2), end)) > 0:
        if 0x20 < data[space - 1] < 0x7F and 0x20 < data[space + 1] < 0x7F:
            return space
        end = space
    for cut in range(limit, max(0, limit - 4), -1):
        if data[cut] & 0xC0 != 0x80:
            return cut
    return limit


def section_cut(data: bytes | bytearray, limit: int) -> int:
    """Return where to cut ``data`` into sections: after the last paragraph, else line, else word, within ``limit``."""
    for mark in (b"\n\n", b"\n"):
        found = data.rfind(mark, limit // 2, limit)
        if found > 0:
            return found + len(mark)
    return safe_cut(data, limit)


def cut_up(parts: Iterator[bytes], limit: int = PIECE_BYTES, cut=safe_cut) -> Iterator[bytes]:
    """Regroup a stream of bytes into pieces of at most ``limit`` bytes, cut where ``cut`` says."""
    buffer = bytearray()
    for part in parts:
        buffer += part
        start = 0
        while len(buffer) - start > limit:
            window = buffer[start : start + limit + 1]
            end = cut(window, limit)
            yield bytes(window[:end])
            start += end
        del buffer[:start]
    if buffer:
        yield bytes(buffer)


def _checked_text(path, binary):
    """Yield a text file's chunks: the UTF-8 mark dropped, UTF-16 and binary files refused."""
    head, parts = b"", chunks(path)
    for part in parts:
        head += part
        if len(head) >= _SNIFF_BYTES:
            break
    if not binary:
        if head.startswith(_UTF16_BOMS):
            raise BinaryFile(f"{path} is UTF-16: convert it first, e.g. `iconv -f UTF-16 -t UTF-8 IN > OUT`")
        at = head[:_SNIFF_BYTES].find(b"\0")
        if at >= 0:
            raise BinaryFile(
                f"{path} is binary (a NUL at byte {at}), not text: give token ids as .npy or .bin, "
                "or score its bytes with --tokenizer bytes"
            )
        head = head.removeprefix(_BOM)
    if head:
        yield head
    yield from parts


def text_pieces(path: str | os.PathLike, file: str = "", binary: bool = False, sections: bool = False) -> Pieces:
    """Read one text file, packed or not.

    Parameters
    ----------
    path : path-like
        The file.
    file : str
        What its documents' names call the file.
    binary : bool
        Take any bytes as they are; by default a NUL byte in the first 8 KiB or a UTF-16 mark is refused.
    sections : bool
        Make every section of about SECTION_BYTES a document of its own, with its number as the part.
    """
    if not sections:
        for piece in cut_up(_checked_text(path, binary)):
            yield DocumentName(file), piece
        return
    for number, piece in enumerate(cut_up(_checked_text(path, binary), SECTION_BYTES, section_cut)):
        yield DocumentName(file, str(number)), piece


def _lines(path):
    """Yield (line number, line without its end), blank lines left out."""
    rest, number = bytearray(), 0
    for part in chunks(path):
        first = len(rest)
        rest += part
        if len(rest) > MAX_LINE_BYTES and b"\n" not in part:
            raise CorpusError(
                f"{path} line {number + 1} is longer than {MAX_LINE_BYTES} bytes: is it JSON lines, one record a line?"
            )
        if b"\n" not in part:
            continue
        end = rest.rfind(b"\n", first) + 1
        for line in bytes(rest[: end - 1]).split(b"\n"):
            number += 1
            if line.strip():
                yield number, line
        del rest[:end]
    if rest.strip():
        yield number + 1, bytes(rest)


def _choose_field(field, names, where):
    wanted = [field] if field else FIELDS
    for name in wanted:
        if name in names:
            return name
    has = ", ".join(map(str, names)) or "none"
    raise CorpusError(f"{where} has no field {' or '.join(map(repr, wanted))} (it has: {has}): name it with --field")


def _utf8(text):
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def jsonl_pieces(path: str | os.PathLike, field: str | None, notes: Counter, file: str = "") -> Pieces:
    """Read JSON lines, packed or not: one document a record.

    Parameters
    ----------
    path : path-like
        The file.
    field : str or None
        The field that holds the text; None takes the first of FIELDS that the first record has.
    notes : Counter
        Counts ``empty records``.
    file : str
        What its documents' names call the file; their parts are line numbers.

    Raises
    ------
    CorpusError
        When a line is no JSON object, or its field is missing or no string.
    """
    for number, line in _lines(path):
        where = f"{path} line {number}"
        try:
            record: Any = json.loads(line.removeprefix(_BOM).decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{where} is not valid JSON ({error}): mend or drop that line") from None
        if not isinstance(record, dict):
            raise CorpusError(f"{where} is a JSON {type(record).__name__}, not an object: one record a line is needed")
        field = field if field in record else _choose_field(field, record, where)
        text = record[field]
        if not text:
            notes["empty records"] += 1
        elif not isinstance(text, str):
            raise CorpusError(
                f"{where}: field {field!r} is a {type(text).__name__}, must be text: name another --field"
            )
        else:
            for piece in cut_up(iter([_utf8(text)])):
                yield DocumentName(file, str(number)), piece


def parquet_pieces(path: str | os.PathLike, field: str | None, notes: Counter, file: str = "") -> Pieces:
    """Read a column of strings from a parquet file, one document a row, numbered from 1; parameters as for `jsonl_pieces`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise missing("pyarrow", f"{path} (parquet)") from None
    try:
        with pq.ParquetFile(path) as table:
            column = _choose_field(field, table.schema_arrow.names, str(path))
            kind = table.schema_arrow.field(column).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise CorpusError(f"{path}: column {column!r} is {kind}, must be text: name another --field")
            row = 0
            for batch in table.iter_batches(batch_size=256, columns=[column]):
                for text in batch.column(0).to_pylist():
                    row += 1
                    if not text:
                        notes["empty records"] += 1
                        continue
                    for piece in cut_up(iter([text.encode("utf-8")])):
                        yield DocumentName(file, str(row)), piece
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"{path} is no readable parquet file ({error}): fetch it again") from None
