"""All datasets of a sweep fitted together: amplitudes of each dataset's own, exponents shared or linear in H.

Every model is f_k = E_k + A_k exp(-alpha_k x) + B_k exp(-beta_k y), x = ln N - mean, y = ln D - mean, with
alpha_k = sum_j basis_kj ca_j and beta_k = sum_j basis_kj cb_j, fitted by least squares on log loss. A basis of ones
makes the exponents common (M0), ones and H make them linear in H (M1); one dataset at a time is the saturated model
(S). Thousands of such problems (one for each permutation of H, or each simulated table) are solved side by side: in
each Levenberg-Marquardt step the amplitudes of a dataset are eliminated first, which leaves a handful of unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import FitError
from .solver import Design, project

_GRID = np.geomspace(0.02, 3.0, 20)
_BOUNDS = (-1.0, 8.0)  # exponents beyond these are no power law; negative ones are needed for an unbiased test
_BLOCK = 100_000  # cells x problems handled together: the arrays of a step stay near the processor


@dataclass(frozen=True)
class Panel:
    """Cells of several datasets in common centred coordinates, padded to one length.

    Parameters
    ----------
    names : tuple of str
        The K datasets.
    H : ndarray, float64 (K,)
        Their gzip-compressibility.
    x, y, z : ndarray, float64 (K, n)
        ln N and ln D minus their means over all cells, and ln loss; 0 where padded.
    w : ndarray, float64 (K, n)
        Weight of each cell; 0 where padded.
    ln_E : ndarray (K,) or None
        Logs of the known floors at which E is held; None leaves E free.
    x_mean, y_mean : float
        The means taken off.
    """

    names: tuple[str, ...]
    H: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    w: np.ndarray
    ln_E: np.ndarray | None
    x_mean: float
    y_mean: float

    @classmethod
    def of(cls, names, H, tables, floors=None) -> Panel:
        """Build a panel.

        Parameters
        ----------
        names : sequence of str
        H : array-like (K,)
        tables : sequence of (N, D, loss)
            Columns of each dataset, float64 (n_k,).
        floors : array-like (K,), optional
            Known floors in nats per token, at which E is then held.

        Raises
        ------
        FitError
            When a floor is not above 0.
        """
        width = max(len(N) for N, _, _ in tables)
        x, y, z, w = (np.zeros((len(tables), width)) for _ in range(4))
        x_mean = float(np.mean(np.log(np.concatenate([N for N, _, _ in tables]))))
        y_mean = float(np.mean(np.log(np.concatenate([D for _, D, _ in tables]))))
        for k, (N, D, loss) in enumerate(tables):
            x[k, : len(N)], y[k, : len(N)] = np.log(N) - x_mean, np.log(D) - y_mean
            z[k, : len(N)], w[k, : len(N)] = np.log(loss), 1.0
        if floors is not None:
            floors = np.asarray(floors, dtype=np.float64)
            if not (np.isfinite(floors) & (floors > 0)).all():
                raise FitError(f"floors are {floors.tolist()}: E can be held only at finite floors above 0")
        ln_E = None if floors is None else np.log(floors)
        return cls(tuple(names), np.asarray(H, dtype=np.float64), x, y, z, w, ln_E, x_mean, y_mean)

    @property
    def K(self) -> int:
        """Number of datasets."""
        return len(self.names)

    @property
    def n(self) -> int:
        """Number of cells."""
        return int((self.w > 0).sum())

    @property
    def n_local(self) -> int:
        """Amplitudes of each dataset: 2 with E held, 3 with E free."""
        return 3 if self.ln_E is None else 2

    def subset(self, rows) -> Panel:
        """Keep some datasets (index or mask); the centre stays."""
        rows = np.arange(self.K)[rows]
        ln_E = None if self.ln_E is None else self.ln_E[rows]
        names = tuple(self.names[i] for i in rows)
        cells = (a[rows] for a in (self.x, self.y, self.z, self.w))
        return Panel(names, self.H[rows], *cells, ln_E, self.x_mean, self.y_mean)


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

    local: np.ndarray
    coefficients: np.ndarray
    rss: np.ndarray
    converged: np.ndarray

    def best_of(self, other: Joint) -> Joint:
        """Take the better of two fits, problem by problem."""
        pick = other.rss < self.rss
        chosen = [np.where(pick.reshape((-1,) + (1,) * (a.ndim - 1)), b, a) for a, b in zip(self._all(), other._all())]
        return Joint(*chosen)

    def _all(self):
        return self.local, self.coefficients, self.rss, self.converged


def ones(K):
    """Basis (1, K, 1) of common exponents."""
    return np.ones((1, K, 1))


def linear(H):
    """Basis (..., K, 2) of exponents linear in H - mean(H); H of shape (K,) or (P, K)."""
    H = np.atleast_2d(np.asarray(H, dtype=np.float64))
    return np.stack([np.ones_like(H), H - H.mean(axis=-1, keepdims=True)], axis=-1)


class _Problem:
    """A block of problems that share x, y, w or have their own; arrays carry the axes (P or 1, K, n)."""

    def __init__(self, x, y, z, w, ln_E, basis):
        self.x, self.y, self.z, self.w, self.basis = x, y, z, w, basis
        self.ln_E = ln_E  # (P or 1, K) or None

    def take(self, rows):
        """Keep some of the problems."""
        cut = [a if a is None or len(a) == 1 else a[rows] for a in (self.x, self.y, self.z, self.w, self.ln_E)]
        basis = self.basis if len(self.basis) == 1 else self.basis[rows]
        return _Problem(*cut, basis)

    def terms(self, local, coefficients):
        """Cost (P,) and the parts that the derivatives need; cost is inf where an exponent leaves its bounds."""
        exponents = np.matmul(self.basis, coefficients)  # (P, K, 2)
        ln_E = local[..., 0] if self.ln_E is None else np.broadcast_to(self.ln_E, local.shape[:-1])
        u = np.exp(np.minimum(local[..., 1, None] - exponents[..., 0, None] * self.x, 60.0))
        v = np.exp(np.minimum(local[..., 2, None] - exponents[..., 1, None] * self.y, 60.0))
        E = np.exp(ln_E)[..., None]
        f = E + u + v
        r = np.log(f) - self.z
        cost = np.einsum("pkn,pkn->p", r, r * self.w)
        inside = ((exponents > _BOUNDS[0]) & (exponents < _BOUNDS[1])).all(axis=(1, 2))
        return np.where(inside & np.isfinite(cost), cost, np.inf), (E, u, v, f, r)

    def normal(self, parts, newton):
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
        M = np.matmul(J * (self.w * (1.0 - q))[..., None, :], J.swapaxes(-1, -2))
        wr = self.w * r
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
        return M, np.matmul(J, wr[..., None])[..., 0]


def _reduce(M, g, n_local):
    """Eliminate the amplitudes: W (.., L, 2), step (.., L), and the exponents' matrix (.., 2, 2), gradient (.., 2)."""
    L = n_local
    right = np.concatenate([M[..., :L, L:], g[..., :L, None]], axis=-1)
    solved = np.linalg.solve(M[..., :L, :L], right)
    W, step = solved[..., :2], solved[..., 2]
    S = M[..., L:, L:] - np.matmul(M[..., L:, :L], W)
    return W, step, S, g[..., L:] - np.matmul(M[..., L:, :L], step[..., None])[..., 0]


def _assemble(basis, S, g):
    """Sum the datasets' 2x2 blocks over the basis: (P, 2q, 2q) and (P, 2q)."""
    P, q = S.shape[0], basis.shape[-1]
    big = np.einsum(
        "pki,pkj,pkab->piajb", np.broadcast_to(basis, (P, *basis.shape[1:])), basis + 0 * S[:1, :, :1, 0], S
    )
    small = np.einsum("pki,pka->pia", np.broadcast_to(basis, (P, *basis.shape[1:])), g)
    return big.reshape(P, 2 * q, 2 * q), small.reshape(P, 2 * q)


def _damp(M, lam):
    """Add lam times the diagonal, and a trace of it where a column vanished."""
    M = M.copy()
    m = M.shape[-1]
    diagonal = np.abs(np.einsum("pkii->pki", M))
    floor = 1e-10 * diagonal.max(axis=-1, keepdims=True) + 1e-30
    index = np.arange(m)
    M[..., index, index] += lam[:, None, None] * diagonal + floor
    return M


def _descend(problem, local, coefficients, max_steps):
    """Levenberg-Marquardt on one block of problems."""
    P = len(local)
    L = 3 if problem.ln_E is None else 2
    cost, parts = problem.terms(local, coefficients)
    lam, newton = np.full(P, 1e-3), np.zeros(P)
    done = ~np.isfinite(cost)
    failed = done.copy()
    active = np.flatnonzero(~done)
    sub = problem.take(active)
    parts = [a if len(a) == 1 else a[active] for a in parts]
    for _ in range(max_steps):
        if not active.size:
            break
        M, g = sub.normal(parts, newton[active])
        W, step, S, gx = _reduce(_damp(M, lam[active]), g, L)
        big, small = _assemble(sub.basis, S, gx)
        dc = -np.linalg.solve(big, small[..., None])[..., 0].reshape(len(active), -1, 2)
        de = np.matmul(sub.basis, dc)
        dl = -(step + np.matmul(W, de[..., None])[..., 0])
        # a step of more than e-fold in an amplitude is beyond what the linear model knows
        size = np.maximum(np.abs(dl).max(axis=(1, 2)), np.abs(de).max(axis=(1, 2)) * 2)
        shrink = np.minimum(1.0, 1.5 / np.maximum(size, 1e-300))
        new_c = coefficients[active] + dc * shrink[:, None, None]
        new_l = local[active].copy()
        new_l[..., 3 - L :] += dl * shrink[:, None, None]
        np.maximum(new_l, -40.0, out=new_l)
        trial, trial_parts = sub.terms(new_l, new_c)
        better = trial <= cost[active]
        gain = np.where(better, cost[active] - trial, 0.0)
        rows = active[better]
        coefficients[rows], local[rows] = new_c[better], new_l[better]
        small_gain = better & (gain <= 1e-9 * cost[active] + 1e-18) & (shrink == 1.0)
        stuck = ~better & ((lam[active] > 1e8) | (size < 1e-9))
        cost[rows] = trial[better]
        lam[active] = np.where(better, np.maximum(lam[active] / 10, 1e-9), lam[active] * 6)
        newton[active] = better & (size < 0.5)
        for i, a in enumerate(parts):
            if len(a) == len(active) and len(trial_parts[i]) == len(active):
                a[better] = trial_parts[i][better]
        finished = small_gain | stuck
        if finished.any():
            done[active[finished]] = True
            keep = ~finished
            active = active[keep]
            sub = sub.take(keep)
            parts = [a if len(a) == 1 else a[keep] for a in parts]
    return Joint(local, coefficients, cost, done & ~failed)


def solve(panel, basis, local, coefficients, *, z=None, max_steps=120) -> Joint:
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
    P = max(len(a) for a in (basis, local, coefficients, [0] if z is None else z))
    z = panel.z[None] if z is None else z
    local = np.array(np.broadcast_to(local, (P, panel.K, 3)))
    if panel.ln_E is not None:
        local[..., 0] = panel.ln_E
    coefficients = np.array(np.broadcast_to(coefficients, (P, *np.shape(coefficients)[1:])))
    ln_E = None if panel.ln_E is None else panel.ln_E[None]
    problem = _Problem(panel.x[None], panel.y[None], z, panel.w[None], ln_E, basis)
    size = max(1, _BLOCK // panel.x.size)
    blocks = [np.arange(i, min(i + size, P)) for i in range(0, P, size)]
    parts = [_descend(problem.take(rows), local[rows], coefficients[rows], max_steps) for rows in blocks]
    return Joint(*(np.concatenate(arrays) for arrays in zip(*(part._all() for part in parts))))


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

    local: np.ndarray
    exponents: np.ndarray
    rss: np.ndarray
    n: np.ndarray
    information: np.ndarray
    W: np.ndarray


def grid(panel):
    """Best ln E, ln A, ln B (K, m, m, 3) and cost (K, m, m) at every pair of exponents; see ``solver.project``."""
    local, cost = [], []
    for k in range(panel.K):
        on = panel.w[k] > 0
        design = Design(panel.x[k, on], panel.y[k, on], panel.z[k, on], 0.0, 0.0, 1.0)
        floor = None if panel.ln_E is None else float(np.exp(panel.ln_E[k]))
        amplitudes, value = project(design, panel.w[k, on], _GRID, floor)
        # a vanished term has no gradient: start it small
        small = 1e-3 * np.exp(panel.z[k, on].mean())
        local.append(np.log(np.maximum(amplitudes, small)))
        cost.append(value)
    return np.array(local), np.array(cost)


def saturated(panel, table=None) -> Saturated:
    """Fit every dataset alone (model S)."""
    local, cost = grid(panel) if table is None else table
    m = len(_GRID)
    K = panel.K
    ranked = np.argsort(cost.reshape(K, -1), axis=1, kind="stable")
    ln_E = None if panel.ln_E is None else panel.ln_E[:, None]
    problem = _Problem(*(a[:, None] for a in (panel.x, panel.y, panel.z, panel.w)), ln_E, ones(1))
    best = None
    for start in (0, 3, 12):  # cells of the grid by rank: the best, a neighbour, another
        cell = ranked[:, min(start, m * m - 1)]
        exponents = np.stack([_GRID[cell // m], _GRID[cell % m]], axis=-1)[:, None]  # (K, 1, 2)
        first = local.reshape(K, -1, 3)[np.arange(K), cell][:, None]
        if panel.ln_E is not None:
            first[..., 0] = panel.ln_E[:, None]
        found = _descend(problem, first.copy(), exponents.copy(), 200)
        best = found if best is None else best.best_of(found)
    _, parts = problem.terms(best.local, best.coefficients)
    M, g = problem.normal(parts, np.zeros(len(parts[-1])))
    W, _, S, _ = _reduce(_damp(M, np.zeros(K)), g, panel.n_local)
    n = (panel.w > 0).sum(axis=1)
    return Saturated(best.local[:, 0], best.coefficients[:, 0], best.rss, n, S[:, 0], W[:, 0])


def common(panel, table=None) -> Joint:
    """Fit common exponents (model M0)."""
    local, cost = grid(panel) if table is None else table
    total = cost.sum(axis=0)
    best = None
    for cell in np.argsort(total.ravel(), kind="stable")[[0, 3]]:
        i, j = divmod(int(cell), len(_GRID))
        start = np.array([[[_GRID[i], _GRID[j]]]])
        found = solve(panel, ones(panel.K), local[None, :, i, j], start)
        best = found if best is None else best.best_of(found)
    return best


def with_basis(panel, basis, alone, null) -> Joint:
    """Fit exponents on a basis (P, K, q) from two starts each, and keep the better.

    The first start is the optimum of the quadratic model around the saturated fits, the second is M0 with zero slopes.
    """
    K, q = basis.shape[1:]
    S = np.broadcast_to(alone.information, (len(basis), K, 2, 2))
    target = np.einsum("kab,kb->ka", alone.information, alone.exponents)
    big, small = _assemble(basis, S, np.broadcast_to(target, (len(basis), K, 2)))
    ridge = 1e-9 * np.einsum("pii->p", big)[:, None, None] * np.eye(2 * q)
    first = np.linalg.solve(big + ridge, small[..., None])[..., 0].reshape(-1, q, 2)
    change = np.matmul(basis, first) - alone.exponents
    local = np.repeat(alone.local[None], len(basis), axis=0)
    local[..., 3 - panel.n_local :] -= np.clip(np.einsum("klx,pkx->pkl", alone.W, change), -3, 3)
    outside = (np.abs(np.matmul(basis, first)) > 4).any(axis=(1, 2))
    second = np.zeros((1, q, 2))
    second[:, 0] = null.coefficients[:, 0]
    first[outside] = second
    found = solve(panel, basis, local, first)
    return found.best_of(solve(panel, basis, null.local, second))


def covariance(panel, fitted, basis):
    """Unscaled covariance (2q, 2q) of the coefficients (c_alpha0, c_beta0, c_alpha1, ...) of one joint fit."""
    ln_E = None if panel.ln_E is None else panel.ln_E[None]
    problem = _Problem(*(a[None] for a in (panel.x, panel.y, panel.z, panel.w)), ln_E, basis)
    _, parts = problem.terms(fitted.local[:1], fitted.coefficients[:1])
    M, g = problem.normal(parts, np.zeros(len(parts[-1])))
    _, _, S, gx = _reduce(_damp(M, np.zeros(1)), g, panel.n_local)
    big, _ = _assemble(basis, S, gx)
    return np.linalg.pinv(big[0], hermitian=True)
