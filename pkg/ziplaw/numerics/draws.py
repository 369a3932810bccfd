"""Random draws with the same bits on every machine: in the tails numpy's own ask the C library."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .distributions import normal_inverse

Array = npt.NDArray[np.float64]


def normals(rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
    """Standard normal draws float64 (shape), one uniform draw each, by their quantiles."""
    # from the middle of each of 2^53 equal parts: neither 0 nor 1
    return np.asarray(normal_inverse(rng.random(shape) + 2.0**-54))


def chi_squares(rng: np.random.Generator, df: int, count: int) -> Array:
    """Chi-squared draws float64 (count,) of a whole number of degrees of freedom: sums of squares."""
    noise = normals(rng, (count, df))
    return np.asarray((noise * noise).sum(axis=1))
