"""How a measured quantity moves with one covariate of the datasets, alone or with others held fixed.

The slope and its interval are a random-effects regression's (``statistics.meta_regression``): each dataset weighs by
its own error and by the scatter of datasets about the line. The test is one by relabelling. Alone, the covariate is
relabelled under the weights of no dependence (``permutation.weighted_slope``). With others given it is Freedman and
Lane's (1983): what is left of the whitened quantity once the others are fitted is relabelled and fitted again, and the
statistic is the share of it that the covariate explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....numerics.distributions import student_quantile
from ....numerics.functions import product
from ....numerics.linear import svd
from ...dependence.statistics import permutation
from ...dependence.statistics.meta_regression import meta_regression
from ...solve.additive import Array

FEWEST_LEFT = 3  # datasets beyond the coefficients of a regression
_TINY = 1e-12


@dataclass(frozen=True)
class Effect:
    """The slope of a quantity in one covariate.

    Attributes
    ----------
    n : int
        Datasets.
    slope, low, high, stderr : float
        Per unit of the covariate, the interval by Student's t with ``df`` degrees of freedom.
    scatter : float
        Standard deviation of datasets about the line, their own errors taken off.
    df : int
    p_permutation : float or None
        Two-sided; None where nothing is left to test.
    rank_correlation : float or None
        Spearman's, of what is left of both ranks where others are given.
    """

    n: int
    slope: float
    low: float
    high: float
    stderr: float
    scatter: float
    df: int
    p_permutation: float | None
    rank_correlation: float | None


def effect(
    y: Array, variance: Array, x: Array, given: Array | None = None, *, level: float = 0.95, seed: int = 42
) -> Effect | None:
    """Regress a quantity on a covariate.

    Parameters
    ----------
    y, variance : ndarray, float64 (K,)
        The quantity of each dataset and its squared error.
    x : ndarray, float64 (K,)
        The covariate.
    given : ndarray, float64 (K, q), optional
        Covariates that are held fixed.
    level : float
        Coverage of the interval.
    seed : int
        Of the relabellings.

    Returns
    -------
    Effect or None
        None with fewer than three datasets beyond the coefficients, or where x does not vary beside the given ones.
    """
    given = np.empty((len(y), 0)) if given is None else given
    if len(y) - 2 - given.shape[1] < FEWEST_LEFT:
        return None
    # an orthonormal basis of the given ones: what does not vary, or repeats another, takes nothing off twice
    held = _basis(np.column_stack([_unit(column) for column in given.T])) if given.shape[1] else given
    null = np.column_stack([np.ones(len(y)), held * np.sqrt(len(y))])
    spread = float(np.sqrt(np.square(x - x.mean()).mean()))
    left = x - product(_basis(null), _basis(null).T, x)
    if spread <= _TINY * max(1.0, float(abs(x).max())) or float(product(left, left)) < 1e-8 * len(x) * spread * spread:
        return None
    X = np.column_stack([null, (x - x.mean()) / spread])
    fitted = meta_regression(y[:, None], variance[:, None, None], X, structure="diagonal")
    slope = float(fitted.coefficients[0, -1]) / spread
    stderr = float(np.sqrt(fitted.covariance[-1, -1])) / spread
    t = float(student_quantile(fitted.df, (1 + level) / 2))
    about = variance + scatter_about(y, variance, null) + _TINY
    if given.shape[1]:
        p = freedman_lane(y, about, left, null, seed)
    else:
        p = permutation.weighted_slope(x, y, about, seed)
    return Effect(
        len(y), slope, slope - t * stderr, slope + t * stderr, stderr, float(np.sqrt(fitted.scatter[0, 0])), fitted.df,
        p, permutation.rank_correlation(x, y, given),
    )  # fmt: skip


def scatter_about(y: Array, variance: Array, X: Array) -> float:
    """Scatter variance of datasets about their regression on X (K, q)."""
    fitted = meta_regression(y[:, None], variance[:, None, None], X, structure="diagonal")
    return float(fitted.scatter[0, 0])


def freedman_lane(y: Array, about: Array, x: Array, null: Array, seed: int = 42) -> float | None:
    """Two-sided p of columns x (K,) or (K, r) beside those of the null model (K, q), by relabelled residuals.

    ``about`` (K,) are the variances of y about the null model: y is divided by their roots, so that what is relabelled
    has one variance. With several columns it is the test of all of them together.
    """
    root = 1 / np.sqrt(about)
    base = _basis(null * root[:, None])
    columns = np.reshape(x, (len(y), -1)) * root[:, None]
    added = _basis(columns - product(base, base.T, columns))
    rest = y * root
    rest = rest - product(base, base.T, rest)
    if not added.shape[1] or float(product(rest, rest)) < _TINY:
        return None
    drawn = rest[permutation.relabellings(len(y), seed)]
    drawn = drawn - product(product(drawn, base), base.T)
    share = np.square(product(drawn, added)).sum(axis=1) / np.maximum(np.square(drawn).sum(axis=1), _TINY)
    return float((share >= share[0] * (1 - 1e-9)).mean())


def _unit(column: Array) -> Array:
    """A column less its mean over its spread; 0 where it does not vary."""
    off = column - column.mean()
    spread = np.sqrt(np.square(off).mean())
    return np.asarray(off / spread if spread > 0 else off)


def _basis(columns: Array) -> Array:
    """Orthonormal columns (K, r) that span columns (K, q)."""
    left, sizes, _ = svd(columns)
    return np.asarray(left[:, sizes > max(1e-9 * sizes.max(initial=0.0), _TINY)])
