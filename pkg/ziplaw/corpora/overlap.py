"""Near copies: training windows in which too much of the held-out text stands word for word."""

from __future__ import annotations

import numpy as np

PHRASE_TOKENS = 16
# a training window is a near copy when so much of its phrases stand in held-out windows
NEAR = 0.25
# a phrase of so many held-out sources is common language (a licence, a table's rule), not a copy of one text
COMMON = 3
_TABLE_BITS = 22
_CACHED_TOKENS = 1 << 15
# of more held-out phrases than this a share is looked at, those whose hash is a multiple of a number
_MOST_PHRASES = 1 << 22


def phrase_hashes(windows: np.ndarray) -> np.ndarray:
    """Hash every phrase of PHRASE_TOKENS tokens (half a window, where windows are shorter than two of them).

    Parameters
    ----------
    windows : ndarray of unsigned int, shape (n, context)

    Returns
    -------
    ndarray of uint64, shape (n, context - phrase + 1)
        A polynomial in the ids modulo 2^64, its bits mixed.
    """
    context = windows.shape[1]
    wanted = PHRASE_TOKENS if context >= 2 * PHRASE_TOKENS else max(1, context // 2)
    base = np.uint64(0x9E3779B97F4A7C15)
    found, width = windows.astype(np.uint64) + np.uint64(1), 1
    with np.errstate(over="ignore"):
        while 2 * width <= wanted:
            found = found[:, :-width] * base + found[:, width:]
            base, width = base * base, 2 * width
        if width < wanted:
            # the last half overlaps the one before: still one value for one phrase
            found = found[:, : width - wanted] * base + found[:, wanted - width :]
        found ^= found >> np.uint64(31)
        found *= np.uint64(0xD6E8FEB86659FD93)
        found ^= found >> np.uint64(32)
    return found


class HeldOutPhrases:
    """The phrases of held-out windows, to hold training windows against.

    Parameters
    ----------
    windows : ndarray of unsigned int, shape (n, context)
        Held-out windows.
    sources : ndarray of int, shape (n,)
        Source of each: phrases of COMMON sources and more are left out.
    """

    def __init__(self, windows: np.ndarray, sources: np.ndarray):
        n, context = windows.shape
        self.every = np.uint64(1 + n * context // _MOST_PHRASES)
        step = max(1, _CACHED_TOKENS // context)
        parts = []
        for first in range(0, n, step):
            found = phrase_hashes(windows[first : first + step])
            row, column = np.nonzero(found % self.every == 0)
            parts.append((found[row, column], sources[first + row]))
        hashes, of = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((of, hashes))
        of, hashes = of[order], hashes[order]
        first = np.ones(len(hashes), bool)
        first[1:] = (hashes[1:] != hashes[:-1]) | (of[1:] != of[:-1])
        phrases, n_sources = np.unique(hashes[first], return_counts=True)
        self.phrases = phrases[n_sources < COMMON]
        # most phrases of most texts are not there: a table of bits says so without a search
        self._table = np.zeros(1 << _TABLE_BITS, bool)
        self._table[self._slot(self.phrases)] = True

    @staticmethod
    def _slot(hashes: np.ndarray) -> np.ndarray:
        return hashes >> np.uint64(64 - _TABLE_BITS)

    def near_copies(self, windows: np.ndarray) -> np.ndarray:
        """Return a mask of the windows of which a share NEAR of the phrases, or more, is held out, bool, shape (n,)."""
        # so many at a time that their hashes stay in a processor's cache
        step = max(1, _CACHED_TOKENS // windows.shape[1])
        parts = [self._near(windows[first : first + step]) for first in range(0, len(windows), step)]
        return np.concatenate(parts) if parts else np.zeros(0, bool)

    def _near(self, windows):
        hashes = phrase_hashes(windows)
        looked_at = hashes % self.every == 0
        needed = np.maximum(1, NEAR * np.count_nonzero(looked_at, axis=1))
        near = np.count_nonzero(self._table[self._slot(hashes)] & looked_at, axis=1) >= needed
        if near.any():
            suspects = hashes[near]
            at = np.minimum(np.searchsorted(self.phrases, suspects), len(self.phrases) - 1)
            near[near] = np.count_nonzero((self.phrases[at] == suspects) & looked_at[near], axis=1) >= needed[near]
        return near
