"""What a study could decide: its test, made on simulated datasets that scatter as those measured so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import student_quantile
from ...numerics.draws import chi_squares, normals
from ...numerics.functions import product
from ...numerics.linear import svd
from .slopes import scaled, slope_error, unexplained

Array = npt.NDArray[np.float64]
_DRAWS_AT_ONCE = 1000


@dataclass(frozen=True)
class SlopePower:
    """What a set of datasets can say of one slope.

    Attributes
    ----------
    stderr : float
        Expected standard error of the slope, rivals given, at the scatter as it was measured.
    power : ndarray (m,)
        Share of simulated studies whose test is significant, for each of m true slopes.
    power_unsure : ndarray (m,)
        The same where each simulated study draws its scatter anew from what the measured one leaves possible.
    df : int
        Degrees of freedom of the test.
    """

    stderr: float
    power: Array
    power_unsure: Array
    df: int


def slope_power(
    x: Array,
    rivals: Array,
    slopes: Array,
    scatter: float,
    scatter_df: int | None,
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
) -> SlopePower:
    """Simulate studies and test each: y = slope x + rivals' effects + scatter, two-sided t test of the slope.

    Parameters
    ----------
    x, rivals : ndarray (K,) and (K, q)
        The measure, and those that the regression holds fixed. What the rivals' own effects are makes no difference.
    slopes : ndarray (m,)
        True slopes to state the power at.
    scatter : float
        Standard deviation of a dataset about the line, its own error of estimation included.
    scatter_df : int or None
        Degrees of freedom that it was measured with: scatter^2 df / chi^2_df is what it may be. None: it is known.
    draws, seed, level
        Simulated studies, their seed, and 1 - the size of the test.

    Returns
    -------
    SlopePower
        With stderr inf and power at the test's size where the rivals say all of x, and NaN without degrees of freedom.
    """
    slopes = np.asarray(slopes, dtype=np.float64)
    basis = _basis(np.column_stack([x, rivals]))
    df = len(x) - basis.shape[1]
    error = slope_error(x, rivals)
    if df < 1 or not math.isfinite(error):
        share = np.full(slopes.shape, math.nan if df < 1 else 1.0 - level)
        return SlopePower(scatter * error, share, share.copy(), max(df, 0))
    left = unexplained(x, rivals) * (error * error)
    bound = float(student_quantile(df, 0.5 + 0.5 * level))
    # two streams, so that the first answer does not hang on whether the second is asked for
    noise, spreads = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    hits, unsure = np.zeros(len(slopes)), np.zeros(len(slopes))
    for start in range(0, draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, draws - start)
        drawn = normals(noise, (count, len(x)))
        off = product(drawn, left)
        explained = product(drawn, basis)
        squares = (drawn * drawn).sum(axis=1) - (explained * explained).sum(axis=1)
        deviations = error * np.sqrt(squares / df)
        ratio = 1.0 if scatter_df is None else np.sqrt(scatter_df / chi_squares(spreads, scatter_df, count))
        for found, size in ((hits, scatter), (unsure, scatter * ratio)):
            t = (slopes[:, None] / np.broadcast_to(size, (count,)) + off) / deviations
            found += (abs(t) > bound).sum(axis=1)
    return SlopePower(scatter * error, hits / draws, unsure / draws, df)


def _basis(measures: Array) -> Array:
    """Orthonormal columns (K, r) that span a constant and the measures (K, q)."""
    columns = np.column_stack([np.ones(len(measures)), scaled(measures)])
    left, values, _ = svd(columns)
    return np.asarray(left[:, values > 1e-9 * values[0]])
