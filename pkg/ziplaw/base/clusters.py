"""Standard errors of measurements that come in groups: windows of one text are alike, and count less than texts."""

from __future__ import annotations

import math

import numpy as np

from .sums import mean


def clustered_stderr(values: np.ndarray, sources: np.ndarray | None = None) -> float | None:
    """Standard error of a mean whose values are independent between sources and not within them.

    The square root of G / (G - 1) times the sum over the G sources of (the summed deviations from the mean) squared,
    over n; with each value a source of its own this is the sample standard deviation over sqrt(n).

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        What was measured.
    sources : ndarray of int, shape (n,), optional
        The source of each value, numbered from 0; by default each value is its own.

    Returns
    -------
    float or None
        In the unit of the values; None for fewer than two sources.
    """
    n = len(values)
    groups = n if sources is None else len(np.unique(sources))
    if groups < 2:
        return None
    if sources is None or groups == n:
        sources = np.arange(n)
    # in the order of the values, by source; then exact
    sums = np.bincount(sources, values - mean(values))
    return math.sqrt(groups / (groups - 1) * math.fsum(sums * sums)) / n


def median_interval(values: np.ndarray, sources: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Interval of a median by Woodruff's method: quantiles around the middle, as far as its share is uncertain.

    The share of values up to the median is a mean with the standard error of `clustered_stderr`; Student's t with
    one degree of freedom fewer than there are sources says how far to go.

    Parameters
    ----------
    values, sources : ndarray, shape (n,)
        As for `clustered_stderr`.
    level : float
        Coverage.

    Returns
    -------
    (float, float) or None
        None for fewer than two sources.
    """
    # not above: a GPU trains, and measures held-out losses with their errors, where no core is built
    from ..numerics.distributions import student_quantile

    error = clustered_stderr((values <= np.median(values)).astype(np.float64), sources)
    if error is None:
        return None
    reach = student_quantile(len(np.unique(sources)) - 1, (1 + level) / 2) * error
    low, high = np.quantile(values, [max(0.0, 0.5 - reach), min(1.0, 0.5 + reach)])
    return float(low), float(high)


def blocks(sources: np.ndarray, most: int) -> np.ndarray:
    """Number sources from 0 in their order, each run of one source longer than ``most`` cut into equal blocks.

    Parameters
    ----------
    sources : ndarray of int, shape (n,)
        Non-decreasing or at least contiguous: equal neighbours are of one source.
    most : int
        Values in a block at most.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    starts = np.flatnonzero(np.diff(sources, prepend=sources[:1] - 1))
    lengths = np.diff(starts, append=len(sources))
    parts = -(-lengths // most)
    first = np.cumsum(parts) - parts
    within = np.arange(len(sources)) - np.repeat(starts, lengths)
    return np.repeat(first, lengths) + within * np.repeat(parts, lengths) // np.repeat(lengths, lengths)
