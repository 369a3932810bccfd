"""A seeded sample of a text that is far larger than what is asked for: passages of it, spread over all of it."""

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
