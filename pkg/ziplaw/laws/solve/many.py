"""Levenberg-Marquardt on many small least-squares problems of additive laws, side by side.

``Problems`` say how their unknowns theta (P, p) turn into ln E, ln A, ln B and alpha, beta of each of K datasets,
linearly, and how to solve for a step from the datasets' normal matrices; ``descend`` does the rest.

Not one solver with ``general`` and ``additive``: those minimise Huber sums of one table, with delta shrinking, one
problem after the other. Here thousands of problems share a step, each with a block a dataset, and eliminating those
blocks first is what makes a permutation test take seconds; the objective is a plain sum of squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from ...numerics.functions import einsum, exp, log, product
from ..forms.arguments import Array

BOUNDS = (-1.0, 8.0)  # exponents beyond these are no power law; negative ones are needed for an unbiased test
_TOLERANCE = 1e-9  # relative, of the sum of squares


class Cells(Protocol):
    """What problems take from a panel."""

    @property
    def x(self) -> Array:
        """Centred ln N (K, n)."""

    @property
    def y(self) -> Array:
        """Centred ln D (K, n)."""

    @property
    def z(self) -> Array:
        """Ln loss (K, n)."""

    @property
    def w(self) -> Array:
        """Weights (K, n), 0 where padded."""

    @property
    def ln_E(self) -> Array | None:
        """Held ln E (K,), or None where it is free."""


class Problems:
    """Cells of P problems with K datasets of n cells; arrays carry the axes (P or 1, K, n).

    Parameters
    ----------
    x, y, z, w : ndarray, float64
        Centred ln N and ln D, ln loss, weights (0 where padded).
    ln_E : ndarray (P or 1, K) or None
        Held ln E, or None where it is free.
    extra : ndarray (P or 1, ...)
        What the subclass needs beside them.
    """

    def __init__(self, x: Array, y: Array, z: Array, w: Array, ln_E: Array | None, extra: Array) -> None:
        self.x, self.y, self.z, self.w, self.ln_E, self.extra = x, y, z, w, ln_E, extra

    @classmethod
    def of(cls, panel: Cells, extra: Array, z: Array | None = None) -> Self:
        """Take the cells from a panel; ``z`` (P, K, n) replaces its log losses."""
        ln_E = None if panel.ln_E is None else panel.ln_E[None]
        return cls(panel.x[None], panel.y[None], panel.z[None] if z is None else z, panel.w[None], ln_E, extra)

    @property
    def n_local(self) -> int:
        """Free amplitudes of a dataset: ln A and ln B, and ln E unless it is held."""
        return 3 if self.ln_E is None else 2

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Self:
        """Keep some of the problems."""
        x, y, z, w, extra = (a if len(a) == 1 else a[rows] for a in (self.x, self.y, self.z, self.w, self.extra))
        ln_E = self.ln_E if self.ln_E is None or len(self.ln_E) == 1 else self.ln_E[rows]
        return type(self)(x, y, z, w, ln_E, extra)

    def unfold(self, theta: Array) -> tuple[Array, Array]:
        """Turn theta (P, p) into amplitudes (P, K, 3) and exponents (P, K, 2); linear."""
        raise NotImplementedError

    def step(self, M: Array, g: Array) -> Array:
        """Solve for a step (P, p) from damped matrices (P, K, m, m) and gradients (P, K, m)."""
        raise NotImplementedError

    def terms(self, local: Array, exponents: Array) -> tuple[Array, tuple[Array, ...]]:
        """Cost (P,), inf where an exponent leaves its bounds, and the parts that the derivatives need, (P, K, n)."""
        ln_E = local[..., 0] if self.ln_E is None else np.broadcast_to(self.ln_E, local.shape[:-1])
        u = exp(np.minimum(local[..., 1, None] - exponents[..., 0, None] * self.x, 60.0))
        v = exp(np.minimum(local[..., 2, None] - exponents[..., 1, None] * self.y, 60.0))
        E = exp(np.minimum(ln_E, 60.0))[..., None]
        f = E + u + v
        r = log(f) - self.z
        cost = einsum("pkn,pkn->p", r, r * self.w)
        inside = ((exponents > BOUNDS[0]) & (exponents < BOUNDS[1])).all(axis=(1, 2))
        return np.where(inside & np.isfinite(cost), cost, np.inf), (E, u, v, f, r)

    def normal(self, parts: Sequence[Array], newton: Array) -> tuple[Array, Array]:
        """Matrices (P, K, m, m) and gradients (P, K, m) in ln E (if free), ln A, ln B, alpha, beta.

        ln f is the log of a sum of exponentials of linear functions, so its second derivatives are those of a
        multinomial: sum_i p_i d_i d_i' - g g'. Where ``newton`` (P,) is 1 they enter, weighted by the residuals; where
        it is 0 the matrix is Gauss and Newton's. The exponents are weakly determined, and without the second
        derivatives the steps go back and forth.
        """
        E, u, v, f, r = parts
        s, t = u / f, v / f
        columns = [s, t, -self.x * s, -self.y * t]
        if self.ln_E is None:
            columns.insert(0, E / f)
        J = np.stack(columns, axis=-2)
        q = r * newton[:, None, None]
        M = product(J * (self.w * (1.0 - q))[..., None, :], J.swapaxes(-1, -2))
        q *= self.w
        i = len(columns) - 4
        if i:
            M[..., 0, 0] += (q * columns[0]).sum(axis=-1)
        for amplitude, exponent, along in ((i, i + 2, self.x), (i + 1, i + 3, self.y)):
            part = q * columns[amplitude]
            M[..., amplitude, amplitude] += part.sum(axis=-1)
            part *= along
            mixed = part.sum(axis=-1)
            M[..., amplitude, exponent] -= mixed
            M[..., exponent, amplitude] -= mixed
            M[..., exponent, exponent] += (part * along).sum(axis=-1)
        return M, product(J, (self.w * r)[..., None])[..., 0]


def damp(M: Array, lam: Array) -> Array:
    """Add lam (P,) times the diagonal of M (P, K, m, m), and a trace of it where a column vanished."""
    M = M.copy()
    diagonal = np.abs(np.einsum("pkii->pki", M))
    floor = 1e-10 * diagonal.max(axis=-1, keepdims=True) + 1e-30
    index = np.arange(M.shape[-1])
    M[..., index, index] += lam[:, None, None] * diagonal + floor
    return M


def descend(
    problems: Problems, theta: npt.ArrayLike, max_steps: int = 120
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Minimise the weighted sum of squared log residuals from each start.

    Parameters
    ----------
    problems : Problems
    theta : ndarray, float64 (P, p)
        Starts.
    max_steps : int
        Steps allowed to each problem.

    Returns
    -------
    theta : ndarray (P, p)
    cost : ndarray (P,)
        inf where a start was out of bounds.
    converged : ndarray, bool (P,)
    """
    theta = np.array(theta, dtype=np.float64)
    P = len(theta)
    cost, parts = problems.terms(*problems.unfold(theta))
    lam, newton, converged = np.full(P, 1e-3), np.zeros(P), np.zeros(P, dtype=bool)
    active = np.flatnonzero(np.isfinite(cost))
    problems, parts = problems.take(active), [part[active] for part in parts]
    for _ in range(max_steps):
        if not active.size:
            break
        M, g = problems.normal(parts, newton[active])
        move = problems.step(damp(M, lam[active]), g)
        d_local, d_exponents = problems.unfold(move)
        # a step of more than e-fold in an amplitude is beyond what a linear step knows
        size = np.maximum(np.abs(d_local).max(axis=(1, 2)), np.abs(d_exponents).max(axis=(1, 2)) * 2)
        shrink = np.minimum(1.0, 1.5 / np.maximum(size, 1e-300))
        tried = theta[active] + move * shrink[:, None]
        trial, trial_parts = problems.terms(*problems.unfold(tried))
        before = cost[active]
        better = trial <= before
        settled = better & (before - trial <= _TOLERANCE * before + 1e-18) & (shrink == 1.0)
        stuck = ~better & ((lam[active] > 1e8) | (size < 1e-9))
        theta[active[better]], cost[active[better]] = tried[better], trial[better]
        lam[active] = np.where(better, np.maximum(lam[active] / 10, 1e-9), lam[active] * 6)
        # far from the optimum, or after a step that failed, Gauss and Newton's matrix is the safe one
        newton[active] = better & (size < 0.5)
        for part, new in zip(parts, trial_parts):
            part[better] = new[better]
        finished = settled | stuck
        if finished.any():
            converged[active[finished]] = True
            keep = ~finished
            active, problems, parts = active[keep], problems.take(keep), [part[keep] for part in parts]
    return theta, cost, converged
