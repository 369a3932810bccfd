"""Documents of any length as one spool of token ids on disk, and windows of fixed length read out of it."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from .passages import Passage
from .storage.streams import DocumentName

_BATCH_BYTES = 1 << 20
_ROWS_TOKENS = 1 << 20


@dataclass(frozen=True)
class Documents:
    """What stands in a spool: the documents of a source, one after the other.

    Attributes
    ----------
    starts, lengths : ndarray of int64, shape (k,)
        Where the tokens of each document stand, and how many, the separator at its end counted.
    digests : ndarray of uint64, shape (k,)
        Keyed hash of each document's content: equal documents have equal ones.
    files : ndarray of int64, shape (k,)
        Number of the file that each document is in.
    passages : ndarray of bool, shape (k,)
        What counts as a document here is a stretch of a longer one.
    sizes : ndarray of int64, shape (k,)
        Bytes (or ids) of each before it was tokenised.
    """

    starts: np.ndarray
    lengths: np.ndarray
    digests: np.ndarray
    files: np.ndarray
    passages: np.ndarray
    sizes: np.ndarray


def spool_documents(
    pieces: Iterable[tuple[DocumentName, Any]],
    encode: Callable[[list[Any]], list[np.ndarray]],
    spool: IO[bytes],
    dtype: np.dtype,
    gap: int,
    key: bytes,
) -> Documents:
    """Tokenise a source piece by piece and write ids + 1 end to end into ``spool``.

    Parameters
    ----------
    pieces : iterable of (DocumentName, bytes or ndarray)
        Those of one document follow one another.
    encode : callable
        list of pieces -> list of arrays of ids.
    spool : binary file
        Emptied first.
    dtype : dtype
        Of the ids in the spool.
    gap : int
        Separators (0) after each document, 0 or 1.
    key : bytes
        Of the hashes.
    """
    spool.seek(0)
    spool.truncate()
    lengths, digests, files, passages, sizes = array("q"), array("Q"), array("q"), array("B"), array("q")
    size = 0
    # (piece, it ends a document)
    batch: list[tuple[Any, bool]] = []
    name, length = None, 0
    state = hashlib.blake2b(key=key, digest_size=8)

    def write():
        nonlocal length
        for ids, (_, last) in zip(encode([piece for piece, _ in batch]), batch):
            spool.write(np.add(ids, 1, dtype=dtype, casting="unsafe").tobytes())
            length += len(ids)
            if last:
                spool.write(bytes(gap * dtype.itemsize))
                lengths.append(length + gap)
                length = 0
        batch.clear()

    def close():
        if batch:
            batch[-1] = (batch[-1][0], True)
            digests.append(int.from_bytes(state.digest(), "big"))

    for this, piece in pieces:
        if this != name:
            close()
            if name is None or this.file != name.file:
                n_files = files[-1] + 1 if files else 0
            files.append(n_files)
            passages.append(isinstance(this, Passage))
            sizes.append(0)
            name, state = this, hashlib.blake2b(key=key, digest_size=8)
        if size >= _BATCH_BYTES:
            # the last piece stays: whether it ends its document is not known before the next one
            write()
            size = 0
        state.update(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece, "<u4").data)
        batch.append((piece, False))
        size += len(piece)
        sizes[-1] += len(piece)
    close()
    write()
    spool.flush()
    found = np.array(lengths, np.int64)
    return Documents(
        np.cumsum(found) - found,
        found,
        np.array(digests, np.uint64),
        np.array(files, np.int64),
        np.array(passages, bool),
        np.array(sizes, np.int64),
    )


def stream_windows(
    spool: IO[bytes], dtype: np.dtype, starts: np.ndarray, lengths: np.ndarray, cut: np.ndarray, context: int
) -> Iterator[np.ndarray]:
    """Yield the windows of a stream of runs, what is left over at its end left out.

    Parameters
    ----------
    spool : binary file
        Written by `spool_documents`.
    dtype : dtype
        Of its ids.
    starts, lengths : ndarray of int64, shape (k,)
        The runs, in order.
    cut : ndarray of bool, shape (k,)
        The run ends within its document: its last token gives way to the separator.
    context : int
        Tokens in a window.

    Yields
    ------
    ndarray, shape (m, context)
        About a million tokens at a time.
    """
    rows = max(1, _ROWS_TOKENS // context)
    buffer, filled = np.empty(rows * context, dtype), 0
    for start, length, ends_cut in zip(starts.tolist(), lengths.tolist(), cut.tolist()):
        while length:
            take = min(length, len(buffer) - filled)
            spool.seek(start * dtype.itemsize)
            # read and not mapped: mapped pages would count as memory in use
            buffer[filled : filled + take] = np.frombuffer(spool.read(take * dtype.itemsize), dtype)
            filled, start, length = filled + take, start + take, length - take
            if ends_cut and not length:
                buffer[filled - 1] = 0
            if filled == len(buffer):
                yield buffer.reshape(rows, context)
                filled = 0
    rest = filled // context
    if rest:
        yield buffer[: rest * context].reshape(rest, context)


def read_windows(
    spool: IO[bytes], dtype: np.dtype, starts: np.ndarray, lengths: np.ndarray, at: np.ndarray, out: np.ndarray
) -> None:
    """Fill ``out`` with windows from given places of a stream of runs.

    Parameters
    ----------
    spool, dtype, starts, lengths
        As for `stream_windows`.
    at : ndarray of int64, shape (n,)
        Place in the stream of each window's first token.
    out : ndarray, shape (n, context)
        Filled whole.
    """
    ends = np.cumsum(lengths)
    for row, place in zip(out, at.tolist()):
        run, filled = int(np.searchsorted(ends, place, "right")), 0
        while filled < len(row):
            take = min(int(ends[run]) - place, len(row) - filled)
            spool.seek(int(starts[run] + lengths[run] - ends[run] + place) * dtype.itemsize)
            row[filled : filled + take] = np.frombuffer(spool.read(take * dtype.itemsize), dtype)
            run, place, filled = run + 1, place + take, filled + take
