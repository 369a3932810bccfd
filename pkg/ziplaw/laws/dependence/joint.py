"""All datasets of a sweep fitted together: amplitudes of each dataset's own, exponents shared or linear in H.

Every model is f_k = E_k + A_k exp(-alpha_k x) + B_k exp(-beta_k y), x = ln N - mean, y = ln D - mean, with
alpha_k = sum_j basis_kj ca_j and beta_k = sum_j basis_kj cb_j, fitted by least squares on log loss. A basis of ones
makes the exponents common (M0), ones and H make them linear in H (M1); one dataset at a time is the saturated model
(S). Thousands of such problems (one for each permutation of H, or each simulated table) are solved side by side: in
each Levenberg-Marquardt step the amplitudes of a dataset are eliminated first, which leaves a handful of unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from ...numerics.functions import einsum, exp, geomspace, log, product
from ...numerics.linear import pinv
from ...numerics.linear import solve as solve_system
from ..solve.additive import Array, Design, project
from ..solve.many import Problems, damp, descend
from .panel import Panel

_GRID = geomspace(0.02, 3.0, 20)
_BLOCK = 25_000  # cells x problems handled together: the arrays of a step stay near the processor


@dataclass(frozen=True)
class Joint:
    """Outcome of many joint fits.

    Attributes
    ----------
    local : ndarray (P, K, 3)
        ln E, ln A, ln B of each dataset at the panel's centre.
    coefficients : ndarray (P, q, 2)
        Coefficients of alpha and of beta on the basis.
    rss : ndarray (P,)
        Weighted sum of squared log residuals.
    converged : ndarray, bool (P,)
    """

    local: Array
    coefficients: Array
    rss: Array
    converged: npt.NDArray[np.bool_]

    def best_of(self, other: Joint) -> Joint:
        """Take the better of two fits, problem by problem."""
        pick = other.rss < self.rss
        local, coefficients, rss, converged = (
            np.where(pick.reshape((-1,) + (1,) * (a.ndim - 1)), b, a) for a, b in zip(self._all(), other._all())
        )
        return Joint(local, coefficients, rss, converged)

    def _all(self) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
        return self.local, self.coefficients, self.rss, self.converged

    def _take(self, rows):
        return Joint(*(a[rows] for a in self._all()))


def ones(K: int) -> Array:
    """Basis (1, K, 1) of common exponents."""
    return np.ones((1, K, 1))


def linear(H: npt.ArrayLike) -> Array:
    """Basis (..., K, 2) of exponents linear in H - mean(H); H of shape (K,) or (P, K)."""
    H = np.atleast_2d(np.asarray(H, dtype=np.float64))
    return np.stack([np.ones_like(H), H - H.mean(axis=-1, keepdims=True)], axis=-1)


class OwnAmplitudes(Problems):
    """Amplitudes of each dataset's own, exponents on a basis ``extra`` (P or 1, K, q); theta is both, flat."""

    def unfold(self, theta: Array) -> tuple[Array, Array]:
        """See ``Problems.unfold``."""
        K, q = self.extra.shape[1:]
        local = theta[:, : 3 * K].reshape(-1, K, 3)
        return local, product(self.extra, theta[:, 3 * K :].reshape(-1, q, 2))

    def step(self, M: Array, g: Array) -> Array:
        """See ``Problems.step``: the amplitudes are eliminated, the exponents solved for, the amplitudes follow."""
        P, K, L = *g.shape[:2], self.n_local
        W, step, S, gx = _reduce(M, g, L)
        big, small = _assemble(self.extra, S, gx)
        coefficients = -solve_system(big, small[..., None])[..., 0]
        exponents = product(self.extra, coefficients.reshape(P, -1, 2))
        local = np.zeros((P, K, 3))
        local[..., 3 - L :] = -(step + product(W, exponents[..., None])[..., 0])
        return np.concatenate([local.reshape(P, -1), coefficients], axis=1)


def _reduce(M, g, n_local):
    """Eliminate the amplitudes: W (.., L, 2), step (.., L), and the exponents' matrix (.., 2, 2), gradient (.., 2)."""
    L = n_local
    right = np.concatenate([M[..., :L, L:], g[..., :L, None]], axis=-1)
    solved = solve_system(M[..., :L, :L], right)
    W, step = solved[..., :2], solved[..., 2]
    S = M[..., L:, L:] - product(M[..., L:, :L], W)
    return W, step, S, g[..., L:] - product(M[..., L:, :L], step[..., None])[..., 0]


def _assemble(basis, S, g):
    """Sum the datasets' 2x2 blocks over the basis: (P, 2q, 2q) and (P, 2q)."""
    P, q = S.shape[0], basis.shape[-1]
    basis = np.broadcast_to(basis, (P, *basis.shape[1:]))
    big = einsum("pki,pkj,pkab->piajb", basis, basis, S)
    small = einsum("pki,pka->pia", basis, g)
    return big.reshape(P, 2 * q, 2 * q), small.reshape(P, 2 * q)


def solve(
    panel: Panel, basis: Array, local: Array, coefficients: Array, *, z: Array | None = None, max_steps: int = 120
) -> Joint:
    """Fit many joint problems by least squares on log loss.

    Parameters
    ----------
    panel : Panel
        The cells.
    basis : ndarray (P or 1, K, q)
        Basis of the exponents in each problem.
    local : ndarray (P or 1, K, 3)
        Starts: ln E, ln A, ln B of each dataset (ln E is ignored where E is held).
    coefficients : ndarray (P or 1, q, 2)
        Starts of the coefficients of alpha and beta.
    z : ndarray (P, K, n), optional
        Other log losses than the panel's.
    max_steps : int
        Steps allowed.

    Returns
    -------
    Joint
    """
    z = panel.z[None] if z is None else z
    P = max(len(a) for a in (basis, local, coefficients, z))
    local = np.array(np.broadcast_to(local, (P, panel.K, 3)))
    if panel.ln_E is not None:
        local[..., 0] = panel.ln_E
    coefficients = np.broadcast_to(coefficients, (P, *np.shape(coefficients)[1:]))
    theta = np.concatenate([local.reshape(P, -1), coefficients.reshape(P, -1)], axis=1)
    model = OwnAmplitudes.of(panel, basis, z)
    found = in_blocks(model, theta, panel.x.size, max_steps)
    split = 3 * panel.K
    return Joint(found[0][:, :split].reshape(local.shape), found[0][:, split:].reshape(coefficients.shape), *found[1:])


def in_blocks(
    model: Problems, theta: Array, size: int, max_steps: int = 120
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Descend in blocks of problems of ``size`` cells each: theta, cost, converged, as ``descend`` gives them."""
    # problems are independent: how they are cut changes no bit
    block = max(1, _BLOCK // size)
    rows = [np.arange(i, min(i + block, len(theta))) for i in range(0, len(theta), block)]
    parts = [descend(model.take(r), theta[r], max_steps) for r in rows]
    found, cost, converged = (np.concatenate(arrays) for arrays in zip(*parts))
    return found, cost, converged


@dataclass(frozen=True)
class Saturated:
    """Every dataset fitted alone.

    Attributes
    ----------
    local : ndarray (K, 3)
        ln E, ln A, ln B at the panel's centre.
    exponents : ndarray (K, 2)
        alpha, beta.
    rss : ndarray (K,)
    n : ndarray, int (K,)
        Cells of each dataset.
    information : ndarray (K, 2, 2)
        Information of the exponents after the amplitudes are eliminated (multiply by 1/sigma^2).
    W : ndarray (K, L, 2)
        How the free amplitudes follow a change of the exponents: d local = -W d exponents.
    """

    local: Array
    exponents: Array
    rss: Array
    n: npt.NDArray[np.intp]
    information: Array
    W: Array


def grid(panel: Panel) -> tuple[Array, Array]:
    """Best ln E, ln A, ln B (K, m, m, 3) and cost (K, m, m) at every pair of exponents; see ``additive.project``."""
    local, cost = [], []
    for k in range(panel.K):
        on = panel.w[k] > 0
        design = Design(panel.x[k, on], panel.y[k, on], panel.z[k, on], 0.0, 0.0, 1.0)
        floor = None if panel.ln_E is None else float(exp(panel.ln_E[k]))
        amplitudes, value = project(design, panel.w[k, on], _GRID, floor)
        # a vanished term has no gradient: start it small
        small = 1e-3 * exp(panel.z[k, on].mean())
        local.append(log(np.maximum(amplitudes, small)))
        cost.append(value)
    return np.array(local), np.array(cost)


def saturated(panel: Panel, table: tuple[Array, Array] | None = None) -> Saturated:
    """Fit every dataset alone (model S)."""
    local, cost = grid(panel) if table is None else table
    m = len(_GRID)
    K = panel.K
    ranked = np.argsort(cost.reshape(K, -1), axis=1, kind="stable")
    ln_E = None if panel.ln_E is None else panel.ln_E[:, None]
    x, y, z, w = (a[:, None] for a in (panel.x, panel.y, panel.z, panel.w))
    model = OwnAmplitudes(x, y, z, w, ln_E, ones(1))
    fits = []
    for start in (0, 3, 12):  # cells of the grid by rank: the best, a neighbour, another
        cell = ranked[:, min(start, m * m - 1)]
        first = local.reshape(K, -1, 3)[np.arange(K), cell]
        if panel.ln_E is not None:
            first[:, 0] = panel.ln_E
        theta = np.column_stack([first, _GRID[cell // m], _GRID[cell % m]])
        theta, cost, done = descend(model, theta, 200)
        fits.append(Joint(theta[:, :3], theta[:, 3:], cost, done))
    best = reduce(Joint.best_of, fits)
    _, parts = model.terms(best.local[:, None], best.coefficients[:, None])
    M, g = model.normal(parts, np.zeros(K))
    W, _, S, _ = _reduce(damp(M, np.zeros(K)), g, panel.n_local)
    n = (panel.w > 0).sum(axis=1)
    return Saturated(best.local, best.coefficients, best.rss, n, S[:, 0], W[:, 0])


def common(panel: Panel, table: tuple[Array, Array] | None = None) -> Joint:
    """Fit common exponents (model M0)."""
    local, cost = grid(panel) if table is None else table
    total = cost.sum(axis=0)
    fits = []
    for cell in np.argsort(total.ravel(), kind="stable")[[0, 3]]:
        i, j = divmod(int(cell), len(_GRID))
        start = np.array([[[_GRID[i], _GRID[j]]]])
        fits.append(solve(panel, ones(panel.K), local[None, :, i, j], start))
    return reduce(Joint.best_of, fits)


def with_basis(panel: Panel, basis: Array, alone: Saturated, null: Joint) -> Joint:
    """Fit exponents on a basis (P, K, q), the quadratic model around the saturated fits as the start.

    Where that start does not converge, or ends more than 1 % above what the quadratic model foretold, the optimum may
    be a local one: M0 with zero slopes is a second start there, and the better of both is kept.
    """
    K, q = basis.shape[1:]
    P = len(basis)
    S = np.broadcast_to(alone.information, (P, K, 2, 2))
    target = einsum("kab,kb->ka", alone.information, alone.exponents)
    big, small = _assemble(basis, S, np.broadcast_to(target, (P, K, 2)))
    # a dataset that does not identify its exponents leaves the sum singular
    ridge = 1e-9 * np.einsum("pii->p", big)[:, None, None] * np.eye(2 * q)
    first = solve_system(big + ridge, small[..., None])[..., 0].reshape(-1, q, 2)
    change = product(basis, first) - alone.exponents
    foretold = alone.rss.sum() + einsum("pka,kab,pkb->p", change, alone.information, change)
    local = np.repeat(alone.local[None], P, axis=0)
    local[..., 3 - panel.n_local :] -= np.clip(einsum("klx,pkx->pkl", alone.W, change), -3, 3)
    second = np.zeros((1, q, 2))
    second[:, 0] = null.coefficients[:, 0]
    # so far from the saturated fits the quadratic model knows nothing
    first[(np.abs(product(basis, first)) > 4).any(axis=(1, 2))] = second
    found = solve(panel, basis, local, first)
    again = np.flatnonzero(~found.converged | (found.rss > 1.01 * foretold))
    if again.size:
        other = solve(panel, basis[again], null.local, second)
        for mine, theirs in zip(found._all(), found._take(again).best_of(other)._all()):
            mine[again] = theirs
    return found


def covariance_of_coefficients(panel: Panel, fitted: Joint, basis: Array) -> Array:
    """Unscaled covariance (2q, 2q) of the coefficients (c_alpha0, c_beta0, c_alpha1, ...) of one joint fit."""
    model = OwnAmplitudes.of(panel, basis)
    exponents = product(basis, fitted.coefficients[:1])
    M, g = model.normal(model.terms(fitted.local[:1], exponents)[1], np.zeros(1))
    _, _, S, gx = _reduce(damp(M, np.zeros(1)), g, panel.n_local)
    big, _ = _assemble(basis, S, gx)
    return pinv(big[0], hermitian=True)
