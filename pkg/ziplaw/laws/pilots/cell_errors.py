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

*Beyond.* What the residuals say of the misfit is told wherever a loss is (``Kriging``). Beyond the runs that of a loss
grows to kappa (1 + ``TAKE_OFF`` s) of either process, s decades above the largest cell: calibrated on the first four
pilots of text, whose losses at 8 times the compute lay 2 to 10 % below what the law said, since models took off on the
way. Its slope moves the bottom of the valley by -slope / bend; as a part of the excess loss it shrinks with that, and
the bend does too. And the exponent of N_opt drifts, as a random walk of ``DRIFT`` a square root of a decade, so that
ln N_opt s decades beyond errs by a further ln 10 DRIFT sqrt(s^3 / 3).
"""

from __future__ import annotations

from dataclasses import dataclass
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
TAKE_OFF = 2.0
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
    return (_near(x, x) + _near(y, y)) * v[:, None] * v


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


@dataclass(frozen=True, eq=False)
class Kriging:
    """What residuals say of the misfit elsewhere (a Gaussian process's conditional mean and variance).

    Attributes
    ----------
    x, y, v : ndarray (n,)
        ln N and ln D of the cells, and 1 + decades below the largest.
    turn, spread : ndarray (n, n), (n,)
        As ``turned`` gives them.
    """

    x: Array
    y: Array
    v: Array
    turn: Array
    spread: Array

    def at(self, rest: Array, theta: Array, x: Array, y: Array, above: Array) -> tuple[Array, Array]:
        """Mean and variance (S, m) of the misfit at ln N, ln D (m,), ``above`` (m,) decades beyond the largest cell.

        ``rest`` (S, n) are the residuals of ln loss of laws (S, 9).
        """
        v = 1 + np.maximum(-above, 0.0)
        near = (_near(x, self.x) + _near(y, self.y)) * v[:, None] * self.v
        mean, variance = self._told(rest, theta, np.broadcast_to(near, (len(theta), *near.shape)), 2 * v * v)
        beyond = np.square(1 + TAKE_OFF * np.maximum(above, 0.0)) - 1
        return mean, variance + 2 * exp(2 * theta[:, 8:9]) * beyond

    def slope(self, rest: Array, theta: Array, x: Array, y: Array, eps: Array, scale: Array) -> tuple[Array, Array]:
        """Mean and variance (S,) of its slope in ln N along c(N) D = C, at one place x, y (S,) of each law.

        ``scale`` (S,) is how large the misfit is there beside that of the largest cell.
        """
        dx, dy = x[:, None] - self.x, y[:, None] - self.y
        near = -dx * exp(-0.5 * np.square(dx / LENGTH)) + eps[:, None] * dy * exp(-0.5 * np.square(dy / LENGTH))
        near = near * (scale / np.square(LENGTH))[:, None] * self.v
        own = np.square(scale / LENGTH) * (1 + np.square(eps))
        mean, variance = self._told(rest, theta, near[:, None], own[:, None])
        return mean[:, 0], variance[:, 0]

    def _told(self, rest: Array, theta: Array, near: Array, own: Array) -> tuple[Array, Array]:
        """Of covariances near (S, m, n) with the cells and variances own at kappa = 1."""
        s2, k2 = exp(2 * theta[:, 7:8]), exp(2 * theta[:, 8:9])
        weight = k2 / (s2 + k2 * self.spread)
        seen = product(near, self.turn)
        mean = (seen * (weight * product(rest, self.turn))[:, None]).sum(axis=2)
        variance = k2 * (own - (np.square(seen) * weight[:, None]).sum(axis=2))
        return mean, np.maximum(variance, 0.0)


def _near(a: Array, b: Array) -> Array:
    return np.asarray(exp(-0.5 * np.square((a[:, None] - b) / LENGTH)))


def noise_variance(theta: Array, above: Array) -> Array:
    """Variance of ln loss (S, m) of new runs by their seeds, ``above`` (m,) decades beyond the largest cell."""
    return np.asarray(exp(2 * theta[:, 7:8]) * (1 + np.square(SHARED)) * np.square(1 + np.maximum(-above, 0.0)))
