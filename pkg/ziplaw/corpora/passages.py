"""Samples of a text that is far larger than what is asked for: passages spread over all of it, by chance or evenly."""

from __future__ import annotations

import hashlib

from .storage.streams import DocumentName, Pieces


class Passage(DocumentName):
    """The name of a passage of a longer document, of which other passages may be used elsewhere."""

    __slots__ = ()


def keep_share(pieces: Pieces, share: float, key: bytes) -> Pieces:
    """Keep a share of the pieces of a text, each by a hash of its content; of a document in pieces, each for itself.

    Parameters
    ----------
    pieces : iterator of (DocumentName, bytes)
        The text.
    share : float
        Chance of each piece to be kept, 0 to 1.
    key : bytes
        Of the hash.

    Yields
    ------
    (DocumentName, bytes)
        Whole documents under their own name, pieces of longer ones under the name of a `Passage`.
    """
    below = int(share * 2.0**64)
    for name, piece in _named(pieces):
        if int.from_bytes(hashlib.blake2b(piece, key=key, digest_size=8, person=b"stretch").digest(), "big") < below:
            yield name, piece


def _named(pieces: Pieces) -> Pieces:
    last, number = None, 0
    for name, piece in pieces:
        if last is not None:
            goes_on = name == last[0]
            yield _passage(last, number) if number or goes_on else last
            number = number + 1 if goes_on else 0
        last = name, piece
    if last is not None:
        yield _passage(last, number) if number else last


def _passage(named, number):
    (file, part), piece = named
    return Passage(file, f"{part}[{number}]"), piece


class Thinned:
    """Keep evenly spaced pieces of a stream of unknown length in bounded memory.

    Whenever the kept pieces exceed ``limit`` bytes, every second one is dropped and from then on twice as many are
    skipped; so the kept ones are those whose number and ``first`` add up to a multiple of s, a power of two.

    Attributes
    ----------
    kept : list of (DocumentName, bytes)
        The pieces.
    kept_bytes, total_bytes : int
        Their size, and that of all.
    """

    def __init__(self, limit: int, first: int = 0):
        self.limit = limit
        self.stride = 1
        self.kept: list[tuple[DocumentName, bytes]] = []
        self.kept_bytes = 0
        self.total_bytes = 0
        self._first = self._next = first

    def add(self, name: DocumentName, piece: bytes) -> None:
        """Take the next piece, or skip it."""
        if self._next % self.stride == 0:
            self.kept.append((name, piece))
            self.kept_bytes += len(piece)
        self._next += 1
        self.total_bytes += len(piece)
        while self.kept_bytes > self.limit and len(self.kept) > 1:
            # the number of the first that is kept: a multiple of the stride
            number = -(-self._first // self.stride)
            self.kept = self.kept[number % 2 :: 2]
            self.kept_bytes = sum(len(piece) for _, piece in self.kept)
            self.stride *= 2
