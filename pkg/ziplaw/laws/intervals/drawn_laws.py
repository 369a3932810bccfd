"""Laws drawn from what is known of them, and bands of their splits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...numerics.draws import chi_squares, normals
from ...numerics.functions import product
from ..forms.allocation import optimal_split
from ..solve.additive import Array
from .quantities import Bands, tails


def multivariate_t(mean: Array, covariance: npt.ArrayLike, df: int, n: int, seed: int) -> Array:
    """Draw from a multivariate t, float64 (n, m); the scale matrix may be singular."""
    rng = np.random.default_rng(seed)
    noise = product(normals(rng, (n, len(mean))), cholesky(covariance).T)
    # one chi-square a draw: all parameters of a law are wide or narrow together
    noise /= np.sqrt(chi_squares(rng, df, n) / df)[:, None]
    return mean + noise


def cholesky(S: npt.ArrayLike) -> Array:
    """Lower triangular root of a positive semi-definite matrix; it is unique, unlike eigenvectors: bytes are stable."""
    S = np.array(S, dtype=np.float64)
    unit = np.sqrt(np.maximum(np.diag(S), 0.0))
    root = np.zeros_like(S)
    for j in range(len(S)):
        pivot = S[j, j] - product(root[j, :j], root[j, :j])
        # what is exactly known, or follows from those before it, gets no noise of its own
        if pivot <= 1e-12 * np.square(unit[j]):
            continue
        root[j, j] = np.sqrt(pivot)
        root[j + 1 :, j] = (S[j + 1 :, j] - product(root[j + 1 :, :j], root[j, :j])) / root[j, j]
    return root


def split_bands(draws: Array, C: npt.ArrayLike, level: float = 0.95) -> Bands:
    """Quantile bands of N_opt, D_opt and loss at C over drawn laws (n, 5): name -> (lo, hi)."""
    split = optimal_split(draws, C)
    out: Bands = {}
    for name, values in zip(("N", "D", "loss"), split):
        lo, hi = np.quantile(values, tails(level), axis=0)
        out[name] = (float(lo), float(hi)) if np.ndim(lo) == 0 else (lo, hi)
    return out
