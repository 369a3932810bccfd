"""Plain text files, packed or not, as pieces."""

from __future__ import annotations

from collections.abc import Iterator

from ..storage.files import BinaryFile, InputFile
from ..storage.packed import chunks
from ..storage.streams import DocumentName, Pieces, cut_up

BOM = b"\xef\xbb\xbf"
# that of UTF-32 begins with one of UTF-16, so it comes first
_BOMS = {b"\xff\xfe\0\0": 32, b"\0\0\xfe\xff": 32, b"\xff\xfe": 16, b"\xfe\xff": 16}
_SNIFF_BYTES = 8192


def _archive(head):
    """Name the kind of archive that a file begins as, or None."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    names = {
        b"PK\x03\x04": "a zip archive (or a document packed so)",
        b"7z\xbc\xaf\x27\x1c": "a 7z archive",
        b"Rar!": "a rar archive",
    }
    return next((name for magic, name in names.items() if head.startswith(magic)), None)


def checked_text(file: InputFile, binary: bool = False) -> Iterator[bytes]:
    """Yield a text file's chunks: the UTF-8 mark dropped; UTF-16, UTF-32 and binary files refused unless ``binary``."""
    head, parts = b"", chunks(file)
    for part in parts:
        head += part
        if len(head) >= _SNIFF_BYTES:
            break
    if not binary:
        for bom, bits in _BOMS.items():
            if head.startswith(bom):
                raise BinaryFile(
                    f"{file} is UTF-{bits}: convert it first, e.g. `iconv -f UTF-{bits} -t UTF-8 IN > OUT`"
                )
        at = head[:_SNIFF_BYTES].find(b"\0")
        if at >= 0 and (what := _archive(head)):
            raise BinaryFile(f"{file} is {what}: unpack it and give the folder of its files")
        if at >= 0:
            raise BinaryFile(
                f"{file} is binary (a NUL at byte {at}), not text: give token ids as .npy or .bin, "
                "or score its bytes with --tokenizer bytes"
            )
        head = head.removeprefix(BOM)
    if head:
        yield head
    yield from parts


def text_pieces(file: InputFile, binary: bool = False) -> Pieces:
    """Read one text file, packed or not.

    Parameters
    ----------
    file : InputFile
        The file.
    binary : bool
        Take any bytes as they are; by default a NUL byte in the first 8 KiB or a mark of UTF-16 or UTF-32 is refused.
    """
    for piece in cut_up(checked_text(file, binary)):
        yield DocumentName(file.document), piece
