"""Means and medians over datasets with intervals, by datasets drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....numerics.distributions import normal_inverse, student_quantile
from ...solve.additive import Array

DRAWS = 4000


@dataclass(frozen=True)
class OverDatasets:
    """A statistic of datasets with its interval.

    Attributes
    ----------
    value, low, high : float
        NaN where there is nothing to tell; the interval is unknown of one dataset.
    n : int
        Datasets.
    """

    value: float
    low: float
    high: float
    n: int


def mean_of(values: Array, level: float = 0.95, seed: int = 42) -> OverDatasets:
    """Mean of values (n,), those that are not known left out: see ``_redrawn``."""
    return _redrawn(values, level, seed, lambda some: some.mean(axis=-1))


def median_of(values: Array, level: float = 0.95, seed: int = 42) -> OverDatasets:
    """Median of values (n,), those that are not known left out."""
    return _redrawn(values, level, seed, lambda some: np.median(some, axis=-1))


def _redrawn(values, level, seed, statistic):
    """Quantiles of the statistic over datasets drawn with replacement, widened about it for their number.

    n values drawn again vary by (n - 1)/n of what they should, and few of them have heavier tails than a normal: the
    quantiles are put farther off by sqrt(n / (n - 1)) and by t over z of n - 1 degrees of freedom.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if not n:
        return OverDatasets(*[float("nan")] * 3, 0)
    value = float(statistic(known))
    if n < 2:
        return OverDatasets(value, float("nan"), float("nan"), n)
    drawn = statistic(known[np.random.default_rng(seed).integers(0, n, (DRAWS, n))])
    share = (1 + level) / 2
    wide = float(student_quantile(n - 1, share) / normal_inverse(share) * np.sqrt(n / (n - 1)))
    low, high = np.quantile(drawn, (1 - share, share))
    return OverDatasets(value, float(value + wide * (low - value)), float(value + wide * (high - value)), n)
