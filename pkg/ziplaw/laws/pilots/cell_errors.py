"""How cells of a pilot err: noise of seeds, and what any law gets wrong over decades of compute.

*Noise.* Cell i of trunk j, d_i decades of compute below the largest cell, errs by v_i (e_i + .8 r_j), v_i = 1 + d_i, e
and r of scale sigma: cells of a trunk share its seed, and early cells are noisier (a seed moves ln loss by .001 at the
end of a pilot and by .01 two octaves before; docs/validation.md).

*Misfit.* No law is exact: a size's learning rate is a little off, models of a few thousand parameters and cells that
have barely begun follow no power. So the law is taken to be right up to a smooth function of ln N and one of ln D,
Gaussian processes of scale kappa (1 + d) and length ``LENGTH`` e-folds, as computer models are corrected (Kennedy &
O'Hagan 2001, doi 10.1111/1467-9868.00294). What fits to residuals that go together is misfit, and exponents are known
no better than it lets them.

With V the covariance of the noise at sigma = 1 and K that of the misfit at kappa = 1, W' V W = 1 and W' K W = lambda
(diagonal): residuals turned by W err independently, by sigma^2 + kappa^2 lambda_i.

*Beyond.* The misfit of a run beyond what was trained is as large as ever there: kappa (1 + s) of either process, s
decades above the largest cell. And the exponent of N_opt drifts, as a random walk of ``DRIFT`` a square root of a
decade, so that ln N_opt s decades beyond errs by a further ln 10 DRIFT sqrt(s^3 / 3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log, product
from ...numerics.linear import eigh, inv
from ..intervals.drawn_laws import cholesky
from ..solve.additive import Array

SHARED = 0.8  # of a cell's own noise, what its trunk's seed adds to all of its cells
LENGTH = 2.0  # e-folds of N or of D over which misfit changes
DRIFT = 0.03
_LN_10 = log(10.0)


def decades_below(log_C: Array, top: float) -> Array:
    """Decades of compute below ``top`` (ln of FLOPs), float64; 0 above it."""
    return np.maximum(top - log_C, 0.0) / _LN_10


def noise_covariance(trunk: npt.NDArray[np.intp], below: Array) -> Array:
    """V (n, n) at sigma = 1 of cells ``below`` (n,) decades under the largest."""
    v = 1 + below
    same = (trunk[:, None] == trunk).astype(np.float64)
    return (np.eye(len(v)) + np.square(SHARED) * same) * v[:, None] * v


def misfit_covariance(x: Array, y: Array, below: Array) -> Array:
    """K (n, n) at kappa = 1 of cells at ln N, ln D."""
    v = 1 + below
    near = [exp(-0.5 * np.square((at[:, None] - at) / LENGTH)) for at in (x, y)]
    return (near[0] + near[1]) * v[:, None] * v


def turned(x: Array, y: Array, trunk: npt.NDArray[np.intp], log_C: Array) -> tuple[Array, Array, float]:
    """W (n, n), lambda (n,) and ln |det W| of a table's cells."""
    below = decades_below(log_C, float(log_C.max()))
    root = cholesky(noise_covariance(trunk, below))
    inverse = inv(root)
    values, vectors = eigh(_even(product(inverse, misfit_covariance(x, y, below), inverse.T)))
    return product(inverse.T, vectors), np.maximum(values, 0.0), -float(log(np.diag(root)).sum())


def _even(matrix: Array) -> Array:
    return (matrix + matrix.T) / 2


def drift_of(above: Any) -> Any:
    """Standard deviation of ln N_opt by the exponent's drift, ``above`` (...) decades beyond the largest cell."""
    s = np.maximum(above, 0.0)
    return _LN_10 * DRIFT * np.sqrt(s * s * s / 3)


def new_run_variance(theta: Array, above: Array) -> tuple[Array, Array]:
    """Variance of ln loss (S, n) by noise and by misfit, of runs ``above`` (n,) decades beyond the largest cell."""
    v = 1 + np.abs(above)
    noise = exp(2 * theta[:, 7:8]) * (1 + np.square(SHARED)) * np.square(1 + np.maximum(-above, 0.0))
    return noise, 2 * exp(2 * theta[:, 8:9]) * v * v
