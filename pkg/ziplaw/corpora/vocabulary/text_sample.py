"""A bounded, even sample of a text: to learn a vocabulary from one part of it, and to measure it on the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..census import Census, UniqueText
from ..passages import Thinned
from ..readers import TextSource
from ..storage.streams import cut_up

# of a longer text evenly spaced pieces are taken: half as much at least
SAMPLE_BYTES = 1 << 23
BYTES_PER_ENTRY = 1 << 10
# with so many pieces or more, one in so many is not learned from
MEASURED = 8
# a text of fewer pieces is cut into so many, unless they would be smaller than this
_SMALL_PIECES, _LEAST_PIECE = 64, 1 << 10


@dataclass(frozen=True)
class TextSample:
    """What is looked at of a text, and how much there is.

    Attributes
    ----------
    learned, measured : list of bytes
        Pieces to train on and pieces to measure on: the same where there are too few for both.
    text : UniqueText
        Of all of it.
    """

    learned: list[bytes]
    measured: list[bytes]
    text: UniqueText


def read_sample(
    source: TextSource, seed: int = 0, entries: int = 0, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> TextSample:
    """Read a text to its end and keep evenly spaced pieces of it, in bounded memory.

    Parameters
    ----------
    source : TextSource
        The text.
    seed : int
        Decides where the even steps begin.
    entries : int
        Size of the vocabulary that is to be learned: SAMPLE_BYTES are kept at most, and BYTES_PER_ENTRY for each entry
        where that is more.
    progress : callable
        Wraps the pieces.
    """
    first = int.from_bytes(hashlib.blake2b(digest_size=4, key=seed.to_bytes(8, "big")).digest(), "big") if seed else 0
    thinned, census = Thinned(max(SAMPLE_BYTES, BYTES_PER_ENTRY * entries), first), Census()
    for name, piece in progress(source.pieces()):
        thinned.add(name, piece)
        census.add(name, piece)
    pieces = [piece for _, piece in thinned.kept]
    if len(pieces) < MEASURED:
        n_bytes = sum(map(len, pieces))
        pieces = list(cut_up(iter(pieces), max(_LEAST_PIECE, n_bytes // _SMALL_PIECES)))
    if len(pieces) < MEASURED:
        return TextSample(pieces, pieces, census.result())
    learned = [piece for i, piece in enumerate(pieces) if i % MEASURED != MEASURED // 2]
    return TextSample(learned, pieces[MEASURED // 2 :: MEASURED], census.result())
