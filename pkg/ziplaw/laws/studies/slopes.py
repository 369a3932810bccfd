"""How well a set of datasets tells one measure's effect from its rivals', by the arithmetic of least squares."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ...numerics.functions import product
from ...numerics.linear import lstsq

Array = npt.NDArray[np.float64]
# what is left of a measure, as a share of its spread, below which its rivals say all of it
_NOTHING = 1e-9


def correlations(measures: Array) -> Array:
    """Pearson's correlations (q, q) of the columns of measures (K, q); NaN in the rows of one that does not vary."""
    unit = scaled(measures)
    still = (unit == 0).all(axis=0)
    out = product(unit.T, unit) / len(unit)
    out[still] = math.nan
    out[:, still] = math.nan
    return np.asarray(out)


def unexplained(x: Array, rivals: Array) -> Array:
    """What is left of x (K,) once a constant and the rivals (K, q) are taken off by least squares: (K,).

    Rivals that do not vary, or repeat one another, take nothing off twice.
    """
    columns = np.column_stack([np.ones(len(x)), scaled(rivals)])
    centred = np.asarray(x, dtype=np.float64) - np.mean(x)
    coefficients, _ = lstsq(columns, centred)
    return np.asarray(centred - product(columns, coefficients))


def scaled(measures: Array) -> Array:
    """Columns (K, q) less their means over their standard deviations; 0 where one does not vary."""
    values = np.asarray(measures, dtype=np.float64)
    off = values - values.mean(axis=0)
    spread = np.sqrt((off * off).mean(axis=0))
    # equal numbers may differ from their mean by its rounding
    still = values.max(axis=0) == values.min(axis=0)
    return np.asarray(np.where(still, 0.0, off / np.where(still, 1.0, spread)))


def slope_error(x: Array, rivals: Array) -> float:
    """Standard error of the slope in x, rivals given, of what scatters by one: 1/sqrt(sum of squares left of x).

    Parameters
    ----------
    x : ndarray (K,)
        The measure whose slope is asked for.
    rivals : ndarray (K, q)
        Measures that the regression holds fixed; q may be 0.

    Returns
    -------
    float
        In units of the scatter over those of x; inf where the rivals say all of x.
    """
    left = unexplained(x, rivals)
    squares = float((left * left).sum())
    off = np.asarray(x) - np.mean(x)
    return 1.0 / math.sqrt(squares) if squares > _NOTHING * float((off * off).sum()) else math.inf


def inflation(x: Array, rivals: Array) -> float:
    """Variance inflation 1/(1 - R^2): how much larger the squared error of the slope in x is for its rivals' sake."""
    off = np.asarray(x) - np.mean(x)
    alone = float((off * off).sum())
    error = slope_error(x, rivals)
    return alone * error * error if alone > 0 else math.nan
