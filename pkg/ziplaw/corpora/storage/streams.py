"""Texts as streams of *pieces*: pairs (`DocumentName`, data) of a document and at most PIECE_BYTES of its UTF-8 text.

Pieces of one document follow one another and join to exactly the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

PIECE_BYTES = 1 << 16


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


def cut_up(parts: Iterator[bytes], limit: int = PIECE_BYTES) -> Iterator[bytes]:
    """Regroup a stream of bytes into pieces of at most ``limit`` bytes, cut by `safe_cut`."""
    buffer = bytearray()
    for part in parts:
        buffer += part
        start = 0
        while len(buffer) - start > limit:
            window = buffer[start : start + limit + 1]
            end = safe_cut(window, limit)
            yield bytes(window[:end])
            start += end
        del buffer[:start]
    if buffer:
        yield bytes(buffer)
