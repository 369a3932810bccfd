"""Pack documents of any length into corpus documents of one length: spool, split into held out and train, lay out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

_BATCH_BYTES = 1 << 20
_ID = np.dtype(np.uint32)


@dataclass(frozen=True)
class Part:
    """Documents of the source that make one part of a corpus.

    Attributes
    ----------
    units : ndarray of int64, shape (k,)
        Their numbers in the source, in the order in which they are packed.
    starts, lengths : ndarray of int64, shape (k,)
        Where their tokens stand in the spool.
    n_tokens : int
        Tokens that they come to, separators between them counted.
    """

    units: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    n_tokens: int


def spool_tokens(
    units: Iterable[Any],
    chosen: np.ndarray,
    encode: Callable[[list[Any]], list[np.ndarray]],
    n_bytes: Callable[[Any], int],
    spool: IO[bytes],
) -> np.ndarray:
    """Tokenise the chosen documents and write their ids end to end into ``spool`` as uint32.

    Parameters
    ----------
    units : iterable
        All documents of the source.
    chosen : ndarray of int64, shape (k,)
        Increasing numbers of the documents wanted.
    encode : callable
        list of documents -> list of uint32 arrays.
    n_bytes : callable
        document -> bytes; a batch is encoded when it has a megabyte.
    spool : binary file
        Emptied first.

    Returns
    -------
    ndarray of int64, shape (k,)
        Tokens in each chosen document.
    """
    spool.seek(0)
    spool.truncate()
    lengths: list[int] = []
    batch: list[Any] = []
    size = 0

    def write():
        for ids in encode(batch):
            spool.write(ids.tobytes())
            lengths.append(len(ids))
        batch.clear()

    wanted = iter(chosen.tolist())
    following = next(wanted, None)
    for number, unit in enumerate(units):
        if number != following:
            continue
        following = next(wanted, None)
        batch.append(unit)
        size += n_bytes(unit)
        if size >= _BATCH_BYTES:
            write()
            size = 0
        if following is None:
            break
    write()
    spool.flush()
    return np.array(lengths, np.int64)


def split(
    order: np.ndarray, digests: np.ndarray, starts: np.ndarray, lengths: np.ndarray, wanted: dict[str, int], gap: int
) -> dict[str, Part]:
    """Share out documents: in the given order, each part takes whole documents until it has its tokens.

    Parameters
    ----------
    order : ndarray of int64, shape (k,)
        Numbers of the documents, in the order in which they are given away.
    digests : ndarray of uint64, shape (k,)
        Hash of each, in that order. A document equal to the last one of the part before is left out.
    starts, lengths : ndarray of int64, shape (k,)
        Place and number of the tokens of each, in that order.
    wanted : dict of str to int
        Tokens that each part needs, in the order in which they are served.
    gap : int
        Separators between two documents, 0 or 1.
    """
    parts, first = {}, 0
    for name, n_tokens in wanted.items():
        # tokens that the part has after each further document; the first has no separator before it
        have = np.cumsum(lengths[first:] + gap) - gap
        taken = min(len(have), int(np.searchsorted(have, n_tokens)) + 1)
        use = slice(first, first + taken)
        total = int(have[taken - 1]) if taken else 0
        parts[name] = Part(order[use], starts[use], lengths[use], total)
        first += taken
        while 0 < first < len(order) and digests[first] == digests[first - 1]:
            first += 1
    return parts


def pack(spool: IO[bytes], part: Part, out: np.ndarray, gap: int) -> None:
    """Fill ``out`` with the ids of a part's documents plus one, ``gap`` zeros between any two, the last one cut.

    Parameters
    ----------
    spool : binary file
        Written by `spool_tokens`. It is read and not mapped: mapped pages would count as memory in use.
    part : Part
        With at least ``out.size`` tokens.
    out : ndarray of uint16 or uint32, shape (m,)
        Filled whole.
    gap : int
        Separators between two documents, 0 or 1.
    """
    at = 0
    for start, length in zip(part.starts.tolist(), part.lengths.tolist()):
        end = min(at + length, len(out))
        spool.seek(start * _ID.itemsize)
        out[at:end] = np.frombuffer(spool.read((end - at) * _ID.itemsize), _ID) + 1
        out[end : end + gap] = 0
        at = end + gap
        if at >= len(out):
            return
