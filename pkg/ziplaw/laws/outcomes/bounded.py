"""Levenberg and Marquardt within bounds on many least-squares problems side by side: refits of one law.

Why not the solvers of ``laws.solve``: they know losses of one column as ln L; here several columns share parameters, or
an accuracy is fitted, or a loss is exponential in weights. Each problem brings its residuals with their Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...numerics.functions import einsum, product
from ...numerics.linear import solve
from ..forms.arguments import Array

# theta (b, p) and the numbers of the problems (b,) -> residuals (b, m) and their Jacobian (b, m, p)
Residuals = Callable[[Array, npt.NDArray[np.intp]], tuple[Array, Array]]
_TOLERANCE = 1e-10  # of the sum of squares, relative
_PIECE = 1 << 22  # numbers of a Jacobian held at a time


def descend(
    residuals: Residuals, theta: npt.ArrayLike, low: Array, high: Array, max_steps: int = 200
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Minimise the sum of squares of each problem from its start, within bounds.

    A parameter at a bound that its gradient pushes against is held there for that step; equal bounds hold it always.

    Parameters
    ----------
    residuals : callable
        theta (b, p), numbers of the problems (b,) -> residuals (b, m), Jacobian (b, m, p).
    theta : ndarray float64 (P, p)
        Starts, moved into the bounds.
    low, high : ndarray float64 (p,)
    max_steps : int
        Steps allowed to each problem.

    Returns
    -------
    theta : ndarray float64 (P, p)
    cost : ndarray float64 (P,)
        Sums of squares, inf where they are not finite.
    converged : ndarray bool (P,)
    """
    theta = np.clip(np.array(theta, dtype=np.float64), low, high)
    cost, converged = np.full(len(theta), np.inf), np.zeros(len(theta), dtype=bool)
    _, J = residuals(theta[:1], np.arange(1))
    piece = max(1, _PIECE // max(J[0].size, 1))
    for first in range(0, len(theta), piece):
        rows = np.arange(first, min(first + piece, len(theta)))
        theta[rows], cost[rows], converged[rows] = _descend(residuals, theta[rows], rows, low, high, max_steps)
    return theta, cost, converged


def _descend(residuals, theta, numbers, low, high, max_steps):
    """One piece of the problems."""
    theta = theta.copy()
    damping = np.full(len(theta), 1e-3)
    converged = np.zeros(len(theta), dtype=bool)
    cost, A, g = _normal(residuals, theta, numbers)
    active = np.flatnonzero(np.isfinite(cost))
    for _ in range(max_steps):
        if not active.size:
            break
        now = theta[active]
        held = ((now <= low) & (g[active] >= 0)) | ((now >= high) & (g[active] <= 0))
        step = _step(A[active], g[active], held, damping[active])
        tried = np.clip(now + step, low, high)
        trial, trial_A, trial_g = _normal(residuals, tried, numbers[active])
        before = cost[active]
        better = trial < before
        gain = before - trial
        small = np.abs(tried - now).max(axis=1, initial=0.0) <= 1e-9 * (1 + np.abs(now).max(axis=1, initial=0.0))
        settled = better & (gain <= _TOLERANCE * before + 1e-28) & (damping[active] <= 1e-2)
        stuck = ~better & ((damping[active] > 1e10) | small)
        won = active[better]
        theta[won], cost[won], A[won], g[won] = tried[better], trial[better], trial_A[better], trial_g[better]
        damping[active] = np.where(better, np.maximum(damping[active] / 5, 1e-12), damping[active] * 6)
        finished = settled | stuck
        converged[active[finished]] = True
        active = active[~finished]
    return theta, cost, converged


def _normal(residuals, theta, numbers):
    """Sums of squares (b,), J'J (b, p, p) and J'r (b, p); inf and zeros where something is not finite."""
    with np.errstate(all="ignore"):
        r, J = residuals(theta, numbers)
        cost = einsum("bm,bm->b", r, r)
        A, g = product(J.swapaxes(1, 2), J), product(J.swapaxes(1, 2), r[..., None])[..., 0]
    fine = np.isfinite(cost) & np.isfinite(A).all(axis=(1, 2)) & np.isfinite(g).all(axis=1)
    A[~fine], g[~fine] = 0.0, 0.0
    return np.where(fine, cost, np.inf), A, g


def _step(A, g, held, damping):
    """Damped steps (b, p); 0 where a parameter is held."""
    p = A.shape[1]
    index = np.arange(p)
    scale = np.sqrt(A[:, index, index])
    scale = np.where((scale > 0) & ~held, scale, 1.0)
    M = A / (scale[:, :, None] * scale[:, None, :])
    M[held[:, :, None] | held[:, None, :]] = 0.0
    M[:, index, index] = np.where(held, 1.0, M[:, index, index] + damping[:, None] + 1e-12)
    right = np.where(held, 0.0, -g / scale)
    return solve(M, right[..., None])[..., 0] / scale
