"""Batches of documents whose order is a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np

from ...errors import TrainError

_ROUNDS = 6
AHEAD = 256


def _mix(x: np.ndarray) -> np.ndarray:
    # the finaliser of SplitMix64 (Steele, Lea and Flood 2014)
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _feistel(index: np.ndarray, half_bits: int, key: np.ndarray) -> np.ndarray:
    half, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = index >> half, index & mask
    with np.errstate(over="ignore"):
        for r in range(_ROUNDS):
            spun = _mix(right + key + np.uint64(r + 1) * np.uint64(0x9E3779B97F4A7C15))
            left, right = right, left ^ (spun & mask)
    return (left << half) | right


def permuted(positions: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Document index at each position of an endless sequence of shuffled epochs.

    Epoch e visits all n documents once, in the order of a Feistel permutation keyed by (seed, e); values outside 0..n-1
    are sent through it again (cycle walking). No state, no table: any position costs the same, on any machine.

    Parameters
    ----------
    positions : ndarray of int
        0, 1, 2, ...; position p belongs to epoch p // n.
    n : int
        Documents.
    seed : int

    Returns
    -------
    ndarray, int64, same shape
        Document indices in 0..n-1.
    """
    positions = np.asarray(positions, dtype=np.uint64)
    epoch, index = np.divmod(positions, np.uint64(n))
    half_bits = max(1, ((n - 1).bit_length() + 1) // 2)
    with np.errstate(over="ignore"):
        key = _mix(_mix(np.full(1, seed, np.uint64) + np.uint64(0x9E3779B97F4A7C15)) + epoch)
    index = _feistel(index, half_bits, key)
    outside = index >= np.uint64(n)
    while outside.any():
        index[outside] = _feistel(index[outside], half_bits, np.broadcast_to(key, index.shape)[outside])
        outside = index >= np.uint64(n)
    return index.astype(np.int64)


class Batches:
    """Training batches by step.

    Parameters
    ----------
    documents : ndarray, shape (n, context)
        Token ids; may be memory-mapped.
    batch_documents : int
        Documents a step.
    seed : int
    """

    def __init__(self, documents: np.ndarray, batch_documents: int, seed: int):
        self.documents = documents
        self.batch_documents = batch_documents
        self.seed = seed
        self._block = -1

    def indices(self, step: int) -> np.ndarray:
        """Documents of a step, int64, shape (batch_documents,)."""
        # many steps at once: the permutation is a few dozen array operations however many positions it maps
        block, row = divmod(step, AHEAD)
        if block != self._block:
            first = block * AHEAD * self.batch_documents
            positions = np.arange(first, first + AHEAD * self.batch_documents)
            self._ahead = permuted(positions, len(self.documents), self.seed).reshape(AHEAD, -1)
            self._block = block
        return self._ahead[row]

    def indices_of(self, start: int, stop: int) -> np.ndarray:
        """Documents of steps start..stop-1, int64, shape (stop - start, batch_documents)."""
        rows = [np.empty((0, self.batch_documents), np.int64)]
        for first in range(start, stop, AHEAD):
            last = min(first + AHEAD, stop)
            positions = np.arange(first * self.batch_documents, last * self.batch_documents)
            rows.append(permuted(positions, len(self.documents), self.seed).reshape(last - first, -1))
        return np.concatenate(rows)

    def __getitem__(self, step: int) -> np.ndarray:
        """Documents of a step, int64, shape (batch_documents, context)."""
        return self.documents[self.indices(step)].astype(np.int64)


def check_supply(n_documents: int, steps: int, batch_documents: int, epochs: int) -> None:
    """Refuse a budget that needs more documents than ``epochs`` passes over the corpus hold.

    Raises
    ------
    TrainError
        With the number of documents to sample or the number of epochs to allow.
    """
    needed = steps * batch_documents
    if needed > n_documents * epochs:
        passes = -(-needed // n_documents)
        raise TrainError(
            f"the largest budget needs {needed} documents, the corpus has {n_documents} for {epochs} epoch(s): "
            f"sample {needed} documents, lower the budget, or allow repeats with --epochs {passes}"
        )
