"""Entropies of short blocks of tokens from their counts: what the last few tokens say about the next one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log

Tokens = npt.NDArray[np.integer]
Counts = npt.NDArray[np.int64]
Table = npt.NDArray[np.float64]

# a sample is cut into so many runs of rows, whose scatter is the standard error
GROUPS = 8
EULER = 0.5772156649015329
# codes below this are counted in place, others by sorting
_DENSE = 1 << 24
_LARGEST_CODE = 1 << 62


@dataclass(frozen=True)
class Estimate:
    """An entropy in nats per token, and how far off it may be.

    Attributes
    ----------
    value : float
    stderr : float
        From the scatter of GROUPS runs of rows.
    bias : float
        What the estimate changes by when the sample is halved: a bound on what is left of its bias.
    coverage : float
        Good and Turing's: the share of blocks that were seen more than once. Far below 1 the bias is large.
    """

    value: float
    stderr: float
    bias: float
    coverage: float

    @property
    def error(self) -> float:
        """Both errors together."""
        return math.sqrt(self.stderr * self.stderr + self.bias * self.bias)


@dataclass(frozen=True)
class BlockEntropies:
    """What short blocks tell.

    Attributes
    ----------
    conditional : tuple of Estimate
        H_1, H_2, ...: the entropy of a token given the n before it.
    information : Estimate
        Bigram information I = S(next token) - H_1, the mutual information of neighbours.
    """

    conditional: tuple[Estimate, ...]
    information: Estimate


def grassberger_table(largest: int) -> Table:
    """G of every count up to the largest, by which Grassberger (2003) replaces the logarithm.

    G(1) = -EULER - ln 2, G(2) = 2 + G(1), G(2k+1) = G(2k), G(2k+2) = G(2k) + 2 / (2k+1); G(0) is 0 and of no use.

    Parameters
    ----------
    largest : int

    Returns
    -------
    ndarray of float64, shape (largest + 1,)
    """
    first = -EULER - float(log(2.0))
    evens = first + np.add.accumulate(2.0 / np.arange(1, largest + 2, 2, dtype=np.float64))
    # 1 | 2 3 | 4 5 | ...: every even count and the one after it
    return np.concatenate([[0.0, first], np.repeat(evens, 2)])[: largest + 1]


def entropy_of_counts(counts: Counts, table: Table) -> float:
    """Entropy of what was counted, in nats: ln N - sum c G(c) / N (Grassberger 2003, arXiv physics/0307138).

    Parameters
    ----------
    counts : ndarray of int64, shape (k,)
        How often each block was seen, each at least once.
    table : ndarray of float64
        `grassberger_table`, up to the largest count or further.
    """
    total = int(counts.sum())
    seen, times = np.unique(counts, return_counts=True)
    # few distinct counts, summed exactly
    return float(log(float(total))) - math.fsum((times * seen * table[seen]).tolist()) / total


def tallied(codes: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.int64], Counts]:
    """Distinct codes, rising, and how often each occurs.

    Parameters
    ----------
    codes : ndarray of int64, any shape
    size : int
        Codes are below it.
    """
    if size <= _DENSE:
        counts = np.bincount(codes.ravel(), minlength=1)
        seen = np.flatnonzero(counts)
        return seen, counts[seen]
    ordered = np.sort(codes, axis=None)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, ordered.size))


def block_entropies(rows: Tokens, orders: int) -> BlockEntropies:
    """Conditional entropies of orders 1 to ``orders`` and bigram information; blocks never cross from row to row.

    Parameters
    ----------
    rows : ndarray of integers, shape (n, width)
        n of at least 2 GROUPS, width above ``orders``; the separator counts as a token.
    orders : int
        Longest context.

    Returns
    -------
    BlockEntropies
        H_n = S(blocks of n + 1) - S(their first n), both over the same blocks.
    """
    vocabulary = int(rows.max()) + 1
    table = grassberger_table(rows.size)
    code: npt.NDArray[np.int64] = rows.astype(np.int64)
    size = vocabulary
    conditional, information = [], None
    for order in range(1, orders + 1):
        if size > _LARGEST_CODE // vocabulary:
            # contexts are numbered anew: there are no more of them than tokens
            code = np.unique(code, return_inverse=True)[1].reshape(code.shape)
            size = int(code.max()) + 1
        code = np.asarray(code[:, :-1] * vocabulary + rows[:, order:], np.int64)
        size *= vocabulary

        def given(blocks: npt.NDArray[np.int64], size: int = size) -> float:
            return _conditional(blocks, size, vocabulary, table)

        conditional.append(_estimate(given, code, _coverage(code, size)))
        if order == 1:

            def shared(blocks: npt.NDArray[np.int64], size: int = size) -> float:
                seconds = tallied(blocks % vocabulary, vocabulary)[1]
                return entropy_of_counts(seconds, table) - _conditional(blocks, size, vocabulary, table)

            information = _estimate(shared, code, conditional[0].coverage)
    assert information is not None
    return BlockEntropies(tuple(conditional), information)


def _conditional(blocks: npt.NDArray[np.int64], size: int, vocabulary: int, table: Table) -> float:
    seen, counts = tallied(blocks, size)
    # codes rise, so blocks of one context lie side by side
    contexts = seen // vocabulary
    starts = np.flatnonzero(np.concatenate([[True], contexts[1:] != contexts[:-1]]))
    return entropy_of_counts(counts, table) - entropy_of_counts(np.add.reduceat(counts, starts), table)


def _coverage(blocks: npt.NDArray[np.int64], size: int) -> float:
    counts = tallied(blocks, size)[1]
    return 1.0 - int((counts == 1).sum()) / blocks.size


def _estimate(
    statistic: Callable[[npt.NDArray[np.int64]], float], blocks: npt.NDArray[np.int64], coverage: float
) -> Estimate:
    value = statistic(blocks)
    halves = [statistic(half) for half in np.array_split(blocks, 2)]
    groups = [statistic(group) for group in np.array_split(blocks, GROUPS)]
    return Estimate(value, stderr_of_groups(groups), abs(value - math.fsum(halves) / 2), coverage)


def stderr_of_groups(groups: list[float]) -> float:
    """Standard error of a mean of so many groups: their standard deviation over the root of their number."""
    middle = math.fsum(groups) / len(groups)
    squares = [(group - middle) * (group - middle) for group in groups]
    return math.sqrt(math.fsum(squares) / (len(groups) - 1) / len(groups))
