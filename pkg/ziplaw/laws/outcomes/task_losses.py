"""Step one of a skill: the loss of every task in N and D, over one index of the models that the tasks share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log
from ..forms.arguments import Array
from .bounded import descend

EXPONENTS = (0.01, 2.0)
SPLIT = 8.0  # largest |ln| of the share of N against D in the index, at the middle of the runs
_ROUNDS = 12  # of weighing the tasks by their own scatter
_ROUNDS_OF_REFITS = 3
_TOGETHER = 0.1  # standard deviation of ln D about its line in ln N: below it a ladder has one dimension
_LEAST_SCATTER = 1e-5  # relative: what follows the law without error has a weight all the same


@dataclass(frozen=True, eq=False)
class TaskLosses:
    """L_t(N, D) = E_t + A_t/N^alpha + B_t/D^beta with A_t/B_t the same for every task t of a group.

    A task is E_t + s_t u(N, D) of one index u = e^rho (N/N0)^-alpha + (D/D0)^-beta: what a model is, whatever it is
    asked. Each task adds a scale and a floor, two numbers, where four or five of its own would be read off few runs.

    Attributes
    ----------
    theta : ndarray float64 (2 G + 2 T + G,)
        alpha, beta, rho of each of G groups; then E and ln s of each of T tasks.
    group : ndarray int (T,)
        The group of each task: all 0 where the index is shared, 0..T-1 where each has its own.
    centre : ndarray float64 (2,)
        ln N0 and ln D0.
    N, D : ndarray float64 (n,)
    losses : ndarray float64 (n, T)
        Loss of the right answer, in the table's unit.
    scatter : ndarray float64 (T,)
        Relative standard deviation about the law, per task.
    tie : bool
        beta = alpha.
    converged : bool
    """

    theta: Array
    group: npt.NDArray[np.intp]
    centre: Array
    N: Array
    D: Array
    losses: Array
    scatter: Array
    tie: bool
    converged: bool

    @property
    def n_tasks(self) -> int:
        """T."""
        return len(self.group)

    @property
    def freedom(self) -> float:
        """Runs less parameters of a task, its part of the shared ones included."""
        shared = (2 if self.tie else 3) * (self.group.max() + 1) / self.n_tasks
        return max(len(self.N) - 2 - shared, 1.0)

    def predict(self, N: npt.ArrayLike, D: npt.ArrayLike, theta: Array | None = None) -> Array:
        """Losses (..., m, T) at N and D, each (m,), by theta (..., p)."""
        theta = self.theta if theta is None else theta
        N, D = np.atleast_1d(np.asarray(N, dtype=np.float64)), np.atleast_1d(np.asarray(D, dtype=np.float64))
        u, _ = _index(theta, self.group, log(N) - self.centre[0], log(D) - self.centre[1])
        E, s = _amplitudes(theta, self.group)
        return E[..., None, :] + s[..., None, :] * u

    @property
    def residuals(self) -> Array:
        """Relative residuals, loss over law less 1, (n, T)."""
        return self.losses / self.predict(self.N, self.D) - 1.0

    @property
    def at_bounds(self) -> list[str]:
        """Exponents that ended at a bound."""
        alpha, beta, rho = _exponents(self.theta, self.group)
        ends = [e * (1 + sign * 1e-6) for e, sign in zip(EXPONENTS, (1, -1))]
        names = []
        for name, values in (("alpha", alpha), ("beta", beta)):
            if ((values <= ends[0]) | (values >= ends[1])).any() and not (name == "beta" and self.tie):
                names.append(name)
        return names + (["A/B"] if (np.abs(rho) >= SPLIT * (1 - 1e-6)).any() else [])

    def off_the_ladder(self, N: float, D: float) -> str | None:
        """Say why nothing can be told at N and D: N and D move together in the runs, and these do not; else None."""
        x, y = log(self.N), log(self.D)
        slope = float(((x - x.mean()) * (y - y.mean())).sum() / np.square(x - x.mean()).sum())
        about = y - y.mean() - slope * (x - x.mean())
        there = float(y.mean() + slope * (log(N) - x.mean()))
        if about.std() > _TOGETHER or abs(log(D) - there) <= 3 * _TOGETHER:
            return None
        return (
            f"N and D move together in these runs (about D = {exp(y.mean() - x.mean()):.3g} N): what each is worth "
            f"is not identified; ask at D = {exp(there):.3g} for N = {N:.3g}, or add runs of other D/N"
        )

    def parameters(self, task: int, theta: Array | None = None) -> dict[str, Array]:
        """E, A, B, alpha, beta of a task, each of the shape of theta without its last axis."""
        theta = self.theta if theta is None else theta
        alpha, beta, rho = (part[..., self.group[task]] for part in _exponents(theta, self.group))
        E, s = (part[..., task] for part in _amplitudes(theta, self.group))
        A, B = s * exp(rho + alpha * self.centre[0]), s * exp(beta * self.centre[1])
        return {"E": E, "A": A, "B": B, "alpha": alpha, "beta": beta}

    def redrawn(self, losses: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Refit to redrawn losses (B, n, T) from here, tasks weighed anew: theta (B, p), whether each converged."""
        theta = np.repeat(self.theta[None], len(losses), axis=0)
        scatter, converged = self.scatter, np.zeros(len(losses), dtype=bool)
        for _ in range(_ROUNDS_OF_REFITS):
            theta, _, converged = _solve(self, theta, losses, scatter)
            off = losses / self.predict(self.N, self.D, theta) - 1.0
            scatter = np.sqrt(np.square(off).sum(axis=1) / self.freedom) + _LEAST_SCATTER
        return theta, converged


def fit_task_losses(N: Array, D: Array, losses: Array, *, shared: bool = True, tie: bool = True) -> TaskLosses:
    """Fit the losses of T tasks in N and D.

    Minimises sum_t n ln sum_i (L_ti/law_ti - 1)^2 / n: each task is weighed by its own scatter.

    Parameters
    ----------
    N, D : ndarray float64 (n,)
        Parameters and training tokens, checked.
    losses : ndarray float64 (n, T)
        Loss of each task, above 0, in any unit.
    shared : bool
        One index for all tasks; else each task its own.
    tie : bool
        alpha = beta: few runs seldom tell them apart.

    Raises
    ------
    FitError
        When there are too few runs for the parameters, or N or D never changes.
    """
    n, T = losses.shape
    group = np.zeros(T, dtype=np.intp) if shared else np.arange(T)
    needed = 2 + (2 if tie else 3) + 2
    if n < needed:
        raise FitError(f"{n} runs are too few for the loss of a task in N and D: at least {needed} are needed")
    for name, column in (("N", N), ("D", D)):
        if np.ptp(log(column)) < 0.05:
            raise FitError(f"{name} is the same in every run: a law in N and D needs runs that differ in both")
    centre = np.array([log(N).mean(), log(D).mean()])
    bare = TaskLosses(np.empty(0), group, centre, N, D, losses, np.full(T, 0.01), tie, False)
    best, cost, converged = _solve(bare, _starts(bare), losses[None])
    order = np.argsort(cost, kind="stable")
    if not np.isfinite(cost[order[0]]):
        raise FitError("the losses of the tasks follow no law in N and D: check the columns")
    found = replace(bare, theta=best[order[0]], converged=bool(converged[order[0]]))
    for _ in range(_ROUNDS):
        scatter = np.sqrt(np.square(found.residuals).sum(axis=0) / found.freedom) + _LEAST_SCATTER
        settled = np.allclose(scatter, found.scatter, rtol=1e-4)
        found = replace(found, scatter=scatter)
        if settled:
            break
        theta, _, converged = _solve(found, found.theta[None], losses[None])
        found = replace(found, theta=theta[0], converged=bool(converged[0]))
    return found


def _starts(law):
    """Starts over exponents, shares of N and floors, (P, p)."""
    G = law.group.max() + 1
    least, typical = law.losses.min(axis=0), law.losses.mean(axis=0)
    rows = []
    for alpha in (0.1, 0.3, 0.6):
        for rho in (-1.5, 0.0, 1.5):
            for share in (0.2, 0.7):
                E = share * least
                s = log(np.maximum(typical - E, 1e-3 * typical) / (1 + exp(rho)))
                rows.append(np.concatenate([np.repeat([alpha, alpha, rho], G), E, s]))
    return np.array(rows)


def _exponents(theta, group):
    """Return alpha, beta, rho, each (..., G)."""
    G = group.max() + 1
    return theta[..., :G], theta[..., G : 2 * G], theta[..., 2 * G : 3 * G]


def _amplitudes(theta, group):
    """Return E and s, each (..., T)."""
    G, T = group.max() + 1, len(group)
    return theta[..., 3 * G : 3 * G + T], exp(theta[..., 3 * G + T :])


def _index(theta, group, x, y):
    """Return the index (..., n, T) and its derivatives by alpha, beta and rho."""
    alpha, beta, rho = (part[..., group][..., None, :] for part in _exponents(theta, group))
    of_N, of_D = exp(rho - alpha * x[:, None]), exp(-beta * y[:, None])
    return of_N + of_D, (-x[:, None] * of_N, -y[:, None] * of_D, of_N)


def _solve(law, theta, losses, scatter=None):
    """Minimise the weighted squares from theta (P, p) for losses (P or 1, n, T), tasks of scatter (P or 1, T)."""
    scatter = np.atleast_2d(law.scatter if scatter is None else scatter)[:, None]
    x, y = log(law.N) - law.centre[0], log(law.D) - law.centre[1]
    group, T, n = law.group, law.n_tasks, len(x)
    G = group.max() + 1
    p = 3 * G + 2 * T
    tasks = np.arange(T)
    low = np.concatenate([np.repeat([EXPONENTS[0], EXPONENTS[0], -SPLIT], G), np.zeros(T), np.full(T, -40.0)])
    high = np.concatenate([np.repeat([EXPONENTS[1], EXPONENTS[1], SPLIT], G), law.losses.min(axis=0), np.full(T, 40.0)])

    def residuals(theta, which):
        if law.tie:
            theta = theta.copy()
            theta[:, G : 2 * G] = theta[:, :G]
        measured = losses[which] if len(losses) > 1 else losses
        u, slopes = _index(theta, group, x, y)
        E, s = _amplitudes(theta, group)
        unit = 1.0 / (scatter[which] if len(scatter) > 1 else scatter)
        weight = unit / measured
        r = (E[:, None] + s[:, None] * u) * weight - unit
        J = np.zeros((len(theta), n, T, p))
        for k, slope in enumerate(slopes):
            at = 0 if k == 1 and law.tie else k
            J[:, :, tasks, at * G + group] += s[:, None] * slope * weight
        J[:, :, tasks, 3 * G + tasks] = weight
        J[:, :, tasks, 3 * G + T + tasks] = s[:, None] * u * weight
        return r.reshape(len(theta), n * T), J.reshape(len(theta), n * T, p)

    found, cost, converged = descend(residuals, theta, low, high)
    if law.tie:
        found[:, G : 2 * G] = found[:, :G]
    return found, cost, converged
