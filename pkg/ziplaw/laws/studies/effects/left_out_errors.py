"""Which covariates foretell a quantity of a dataset that was left out, and by how much better than others do.

A line in the covariates is drawn through all datasets but one by weighted least squares, each weighing 1/(v_k + tau^2)
with v_k the squared error of its own fit and tau the scatter about that line; it foretells the one left out. All
datasets tell tau, for only weights hang on it, and so the errors come in one go: what is left over, divided by 1 less
the dataset's leverage. Over two sets of datasets the line is drawn through the one and foretells the other.

The error of a line is the root mean square over datasets, each weighing 1/(v_k + t^2), t the scatter about the mean:
weights are the same for every covariate, so errors compare. Intervals of differences are the bootstrap's over datasets,
drawn together: a dataset that is hard for one line is hard for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....numerics.functions import product
from ....numerics.linear import solve
from ...dependence.statistics.meta_regression import meta_regression
from ...solve.additive import Array
from .covariate_effect import scatter_about

DRAWS = 2000
FEWEST_LEFT = 3
_TINY = 1e-12


@dataclass(frozen=True)
class Difference:
    """How much larger one error is than another: value, and the bootstrap's interval."""

    value: float
    low: float
    high: float


def weights_of(y: Array, variance: Array) -> Array:
    """Weights (K,) of the datasets in every error, summing to 1."""
    w = 1 / (variance + scatter_about(y, variance, np.ones((len(y), 1))) + _TINY)
    return np.asarray(w / w.sum())


def left_out(y: Array, variance: Array, X: Array) -> Array | None:
    """Miss (K,) of each dataset by the line of the others.

    Parameters
    ----------
    y, variance : ndarray, float64 (K,)
        The quantity and its squared errors.
    X : ndarray, float64 (K, q)
        The covariates; q may be 0, which is the mean.

    Returns
    -------
    ndarray or None
        None with fewer than three datasets beyond the coefficients, or where the covariates repeat one another.
    """
    found = _line(y, variance, X)
    if found is None:
        return None
    columns, w, gram, coefficients = found
    leverage = w * (columns * solve(gram, columns.T).T).sum(axis=1)
    return np.asarray((y - product(columns, coefficients)) / (1 - leverage))


def foretold(y: Array, variance: Array, X: Array, new_X: Array) -> Array | None:
    """What the line of some datasets (K,) with covariates (K, q) says of others with covariates (m, q): (m,)."""
    found = _line(y, variance, X)
    if found is None:
        return None
    return np.asarray(product(_columns(new_X, X), found[3]))


def _columns(X: Array, scale: Array) -> Array:
    """A constant and the covariates, in units of those of ``scale``."""
    off, spread = scale.mean(axis=0), scale.std(axis=0)
    return np.column_stack([np.ones(len(X)), (X - off) / np.where(spread > 0, spread, 1.0)])


def _line(y, variance, X):
    if len(y) - X.shape[1] - 1 < FEWEST_LEFT:
        return None
    columns = _columns(X, X)
    plain = product(columns.T, columns) / len(y)
    # a covariate that stands still, or repeats others, has no coefficient of its own
    if min(_pivots(plain)) < 1e-8:
        return None
    fitted = meta_regression(y[:, None], variance[:, None, None], columns, structure="diagonal")
    w = 1 / (variance + fitted.scatter[0, 0] + _TINY)
    gram = product((columns * w[:, None]).T, columns)
    return columns, w, gram, solve(gram, product(columns.T, w * y))


def _pivots(gram: Array) -> list[float]:
    """What each column has that those before it have not."""
    left, pivots = np.array(gram), []
    for i in range(len(left)):
        pivots.append(float(left[i, i]))
        if pivots[-1] <= 0:
            break
        left = left - np.outer(left[:, i], left[i]) / pivots[-1]
    return pivots


def error(miss: Array, weights: Array) -> float:
    """Root mean square of misses (K,) under weights that sum to 1."""
    return float(np.sqrt((weights * np.square(miss)).sum()))


def difference(miss: Array, other: Array, weights: Array, *, level: float = 0.95, seed: int = 42) -> Difference:
    """Error of ``miss`` less that of ``other``, both (K,) of the same datasets, with an interval over datasets."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(miss), (DRAWS, len(miss)))
    total = weights[drawn].sum(axis=1)
    one, two = (np.sqrt((weights * np.square(m))[drawn].sum(axis=1) / total) for m in (miss, other))
    low, high = np.quantile(one - two, [(1 - level) / 2, (1 + level) / 2])
    return Difference(error(miss, weights) - error(other, weights), float(low), float(high))
