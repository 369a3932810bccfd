"""The bytes of a file, unpacked on the way in pieces of bounded size: .gz, .zst, .xz and .bz2, or as they are."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ...errors import CorpusError
from .files import DamagedFile, InputFile, missing

READ_BYTES = 1 << 18
# what unpacks to more than both is no text but a trap: a kilobyte can stand for ten gigabytes
MAX_RATIO = 5000
FREE_BYTES = 1 << 30
# what an archive may ask for to be unpacked at all: xz -9 takes 65 MiB, zstd --ultra -22 128 MiB
_MEMORY_BYTES = 1 << 28
_ZSTD_WINDOW = 1 << 27
_ZSTD_MAGIC = 0xFD2FB528
_ZSTD_SKIPPABLE = 0x184D2A50


def chunks(file: InputFile) -> Iterator[bytes]:
    """Yield the bytes of a file piece by piece, unpacking it as ``file.packed`` says.

    No piece is larger than a few megabytes, and no more is held, whatever the file unpacks to.

    Raises
    ------
    CorpusError
        When a packed file is damaged, cut short or unpacks to more than FREE_BYTES and MAX_RATIO times its size, or
        zstandard is not installed.
    OSError
        When the file cannot be read.
    """
    with open(file, "rb") as stream:
        if not file.packed:
            while data := stream.read(READ_BYTES):
                yield data
            return
        unpacked = 0
        for data in unpack(stream, file.packed, file):
            unpacked += len(data)
            if unpacked > FREE_BYTES and unpacked > MAX_RATIO * stream.tell():
                raise CorpusError(
                    f"{file} unpacks to over {MAX_RATIO} times its size, {unpacked >> 20} MiB so far: "
                    "if that is meant, unpack it first"
                )
            yield data


def unpack(stream: BinaryIO, packed: str, file: object) -> Iterator[bytes]:
    """Yield the bytes behind a stream packed as .gz, .zst, .xz or .bz2; ``file`` is what messages call it.

    What it unpacks to is for the caller to bound; no piece is larger than a few megabytes.
    """
    return _UNPACK[packed](stream, file)


def _gzip_chunks(stream, file):
    with gzip.open(stream) as unpacked:
        try:
            while data := unpacked.read(READ_BYTES):
                yield data
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DamagedFile(f"{file} is no whole gzip file ({error}): fetch it again") from None


def _bz2_chunks(stream, file):
    with bz2.open(stream) as unpacked:
        try:
            while data := unpacked.read(READ_BYTES):
                yield data
        except (OSError, EOFError, ValueError) as error:
            raise DamagedFile(f"{file} is no whole bzip2 file ({error}): fetch it again") from None


def _xz_chunks(stream, file):
    # lzma.open has no limit of memory, and a header of twelve bytes can ask for gigabytes
    try:
        data = stream.read(READ_BYTES)
        while data:
            decoder = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_MEMORY_BYTES)
            while not decoder.eof:
                if decoder.needs_input and not data:
                    data = stream.read(READ_BYTES)
                    if not data:
                        raise DamagedFile(
                            f"{file} ends in the middle of an xz stream: it was cut short, fetch it again"
                        )
                out = decoder.decompress(data, READ_BYTES)
                data = b""
                if out:
                    yield out
            # several streams may follow one another, zeros between them
            data = decoder.unused_data.lstrip(b"\0")
            while not data and (more := stream.read(READ_BYTES)):
                data = more.lstrip(b"\0")
    except lzma.LZMAError as error:
        raise DamagedFile(f"{file} is no readable xz file ({error}): fetch it again or unpack it yourself") from None


def _zstd_chunks(stream, file):
    """Hand zstd frames (RFC 8878) to the library block by block: no block unpacks to more than 128 KiB."""
    try:
        import zstandard
    except ImportError:
        raise missing("zstandard", f"{file} (zstd)") from None
    library = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)

    def read(size):
        data = stream.read(size)
        if len(data) < size:
            raise DamagedFile(f"{file} ends in the middle of a zstd frame: it was cut short, fetch it again")
        return data

    try:
        while magic := stream.read(4):
            number = int.from_bytes(magic, "little")
            if number & ~0xF == _ZSTD_SKIPPABLE:
                left = int.from_bytes(read(4), "little")
                while left:
                    left -= len(read(min(left, READ_BYTES)))
                continue
            if number != _ZSTD_MAGIC:
                raise DamagedFile(
                    f"{file} is no readable zstd file (no frame where one must start): fetch it again or unpack it "
                    "yourself"
                )
            flags = read(1)[0]
            single, checksum = flags >> 5 & 1, flags >> 2 & 1
            size = (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
            decoder = library.decompressobj()
            decoder.decompress(magic + bytes([flags]) + read(size))
            last = False
            while not last:
                head = read(3)
                block = int.from_bytes(head, "little")
                last, repeated = block & 1, block >> 1 & 3 == 1
                if data := decoder.decompress(head + read(1 if repeated else block >> 3)):
                    yield data
            if checksum and (data := decoder.decompress(read(4))):
                yield data
    except zstandard.ZstdError as error:
        raise DamagedFile(f"{file} is no readable zstd file ({error}): fetch it again or unpack it yourself") from None


_UNPACK = {".gz": _gzip_chunks, ".zst": _zstd_chunks, ".xz": _xz_chunks, ".bz2": _bz2_chunks}
