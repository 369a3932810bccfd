"""Fit L(N, D) = E + A/N^alpha + B/D^beta to a table of losses: the global optimum, with its diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.functions import log
from ..forms import arguments
from ..forms.allocation import Plan, allocate, near_best, split
from ..forms.chinchilla import ADDITIVE, additive
from ..intervals import identification
from ..intervals.additive_view import AdditiveView
from ..intervals.bootstrap import Bootstrap, bootstrap
from ..intervals.choose import intervals
from ..intervals.jackknife import Jackknife, jackknife
from ..intervals.quantities import Runs
from ..solve import diagnostics
from ..solve.additive import Array, residuals
from ..solve.additive_problem import AdditiveProblem
from ..solve.optimum import OBJECTIVES, Settings, Solution, find
from .fitted import Fitted


@dataclass(frozen=True, eq=False)
class LawFit(Fitted):
    """A fitted additive law. A fit that failed is one too: ``converged`` is False and ``message`` says why.

    Attributes
    ----------
    E, A, B, alpha, beta : float
        L(N, D) = E + A/N^alpha + B/D^beta, nats per token.
    objective : float
        Sum of (weighted) Huber terms of the log residuals ln L(N, D) - ln loss.
    converged : bool
        Whether the optimiser met its tolerance.
    message : str
        One sentence about the outcome.
    flags : tuple of str
        What a reader must know before using the numbers (``diagnostics.EXPLANATIONS`` has a sentence for each).
    covariance : ndarray (5, 5)
        Delta-method covariance of ln E, ln A, ln B, alpha, beta; NaN rows for what was held fixed or sits at a bound.
    N, D, loss, weights : ndarray (n,)
        The table.
    """

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    objective: float
    converged: bool
    message: str
    settings: Settings
    N: Array = field(repr=False)
    D: Array = field(repr=False)
    loss: Array = field(repr=False)
    weights: Array = field(repr=False)
    solution: Solution = field(repr=False)

    form = ADDITIVE

    @property
    def parameters(self) -> Array:
        """E, A, B, alpha, beta, float64 (5,)."""
        return np.array([self.E, self.A, self.B, self.alpha, self.beta])

    @property
    def columns(self) -> dict[str, Array]:
        """N and D, each (n,)."""
        return {"N": self.N, "D": self.D}

    @property
    def n_free(self) -> int:
        """Number of parameters that were fitted."""
        return self.settings.n_free

    @property
    def delta(self) -> float:
        """Huber's delta at which the optimum was found."""
        return self.solution.delta

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Short warnings, worst first."""
        return diagnostics.flags(self)

    @cached_property
    def covariance(self) -> Array:
        """Delta-method covariance (5, 5) of ln E, ln A, ln B, alpha, beta."""
        return diagnostics.covariance(self)

    @cached_property
    def diagnostics(self) -> dict[str, Any]:
        """Condition number, correlations, bounds hit, fraction of starts, RMS, lack of fit, hold-out errors."""
        return diagnostics.diagnose(self)

    @cached_property
    def residuals(self) -> Array:
        """Log residuals ln L(N, D) - ln loss (of the excess loss when that was fitted), (n,)."""
        return residuals(self.solution.theta[None], self.solution.design)[0]

    def error_at_largest_C(self, share: float = 0.1) -> dict[str, Any] | None:
        """See ``Fitted.error_at_largest_C``."""
        return diagnostics.held_out(self, self.N * self.D, share)

    @cached_property
    def problem(self) -> AdditiveProblem:
        """The table and the law in the coordinates that are solved in."""
        return AdditiveProblem(self.solution, self.settings, self.weights)

    def split_at(self, C: float) -> tuple[float, float]:
        """Ln N_opt of C training FLOPs and the exponent a of N_opt ~ C^a, unchecked."""
        return float(log(split(self.parameters, C)[0])), self.beta / (self.alpha + self.beta)

    def near_best(self, C: float, tolerance: float = 1e-3) -> tuple[float, float]:
        """Least and largest N whose loss at C = 6 N D is within a share of the best: see ``allocation.near_best``."""
        low, high = near_best(self.parameters, C, tolerance)
        return float(low), float(high)

    @property
    def link(self) -> str:
        """Name of the link."""
        return self.form.link.name

    def predict(self, N: npt.ArrayLike, D: npt.ArrayLike) -> Any:
        """Loss at N parameters and D tokens, nats per token: a float, or an array as arrays broadcast."""
        value = additive(self.parameters, arguments.check_positive(N, "N"), arguments.check_positive(D, "D"))
        return float(value) if np.ndim(value) == 0 else value

    def allocate(self, C: npt.ArrayLike, *, check: bool = True, clusters: Runs = None) -> Plan:
        """Compute-optimal N and D for C training FLOPs (C = 6 N D): see ``allocation.allocate``.

        ``clusters`` names the run of every row, where rows of a run share an error: the check then goes by runs.

        Raises
        ------
        FitError
            Where these runs do not identify the split (``identification``): with the reason and the runs to add.
            ``check=False`` gives the numbers all the same.
        """
        plan = allocate(self.parameters, C)
        if check:
            identification.require(self, C, clusters)
        return plan

    @cached_property
    def view(self) -> AdditiveView:
        """The fit as intervals see it."""
        return AdditiveView(self)

    @cached_property
    def resampled(self) -> Any:
        """The bootstrap by which ``allocate`` judges whether the split is identified."""
        return identification.resamples(self)

    def bootstrap(
        self,
        n: int = 1000,
        seed: int = 42,
        clusters: Runs = None,
        method: str | None = None,
        threads: int | None = None,
    ) -> Bootstrap:
        """Refit resampled or perturbed tables: see ``intervals.bootstrap``."""
        return bootstrap(self, n, seed=seed, clusters=clusters, method=method, threads=threads)

    def jackknife(self, clusters: Sequence[object]) -> Jackknife:
        """Leave out one run at a time: see ``jackknife.jackknife``."""
        return jackknife(self, clusters)

    def intervals(
        self,
        method: str | None = None,
        level: float = 0.95,
        *,
        clusters: Runs = None,
        n: int = 2000,
        seed: int = 42,
        C: float | None = None,
        N: float | None = None,
        D: float | None = None,
    ) -> dict[str, tuple[float, float]]:
        """Intervals of the parameters and, when asked, of an allocation and a prediction: see ``choose.intervals``."""
        return intervals(self, method, level, clusters=clusters, n=n, seed=seed, C=C, N=N, D=D)

    def refit(
        self, rows: Any = None, loss: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None
    ) -> LawFit:
        """Fit the same law to some of the rows (index or mask), to other losses, or with other weights."""
        rows = slice(None) if rows is None else rows
        table = (self.N[rows], self.D[rows], (self.loss if loss is None else np.asarray(loss))[rows])
        weights = (self.weights if weights is None else np.asarray(weights, dtype=np.float64))[rows]
        return _fit_checked(*table, weights, self.settings)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for a JSON file, diagnostics included."""
        d = self.diagnostics
        return {
            "parameters": self.estimates,
            "objective": self.objective,
            "objective_kind": self.settings.objective,
            "delta": self.solution.delta,
            "n": self.n,
            "converged": self.converged,
            "message": self.message,
            "flags": list(self.flags),
            "covariance": self.covariance.tolist(),
            **{key: d[key] for key in d if key != "flags"},
        }


def fit(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    fixed_E: float | None = None,
    excess_floor: float | None = None,
    tie: bool = False,
    objective: str = "huber",
    delta: float = 1e-3,
    duplicates: str = "error",
    units: str = "error",
) -> LawFit:
    """Fit the additive law to a table of runs.

    The search is by variable projection (E, A, B are linear once alpha and beta are known) over a grid of exponents,
    the polish by damped Newton steps while Huber's delta shrinks to its target.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        Non-embedding parameters, training tokens, held-out loss in nats per token.
    weights : array-like (n,), optional
        Weight of each row's term.
    fixed_E : float, optional
        Hold E at a known floor.
    excess_floor : float, optional
        Fit ln(loss - floor) instead of ln loss; E is then the floor. Every loss must lie above it.
    tie : bool
        Force alpha = beta.
    objective : {"huber", "log-mse", "huber-scaled"}
        Sum of Huber terms with the given ``delta`` (the published objective); half the sum of squared log residuals;
        or Huber with delta = 1.345 standard deviations, estimated from the residuals.
    delta : float
        Huber's delta on log loss, for "huber".
    duplicates : {"error", "keep"}
        What to do about exact copies of a row.
    units : {"error", "keep"}
        What to do about sizes, tokens and losses that no language model has, such as N in millions.

    Returns
    -------
    LawFit

    Raises
    ------
    FitError
        For a table that no law can be fitted to (one line: value, limit, remedy).

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, section 3.3 and D.2; Golub and Pereyra 1973 for variable projection.
    """
    arguments.check_choice(objective, "objective", OBJECTIVES)
    delta = float(arguments.check_within(delta, "delta", limits.HUBER_DELTA))
    if fixed_E is not None and excess_floor is not None:
        raise FitError("fixed_E and excess_floor both fix E: give one of them")
    settings = Settings(objective, delta, _floor(fixed_E, "fixed_E"), bool(tie), _floor(excess_floor, "excess_floor"))
    table = arguments.check_table(N, D, loss, weights, needed=settings.n_free + 1, duplicates=duplicates, units=units)
    if fixed_E is not None and settings.fixed_E >= table[2].max():
        raise FitError(
            f"fixed_E is {settings.fixed_E:g}, above every loss (at most {table[2].max():g}): check its unit, "
            "or leave E free"
        )
    if excess_floor is not None and (table[2] <= excess_floor).any():
        row = int(np.flatnonzero(table[2] <= excess_floor)[0])
        raise FitError(
            f"loss is {table[2][row]:g} in row {row + 1}, not above the floor {excess_floor:g}: "
            "excess loss needs every row above it; drop the row or fix E instead"
        )
    return _fit_checked(*table, settings)


def _floor(value: object, name: str) -> float | None:
    if value is None:
        return None
    return float(arguments.check_within(value, name, limits.FLOOR))


def _fit_checked(N: Array, D: Array, loss: Array, weights: Array, settings: Settings) -> LawFit:
    solution = find(N, D, loss, weights, settings)
    natural = solution.design.to_natural(solution.theta)
    if settings.excess_floor is not None:
        natural[0] = settings.excess_floor
    message = "converged" if solution.converged else "not converged: the optimiser ran out of steps"
    if not np.isfinite(solution.objective):
        message = "not converged: no start gave a finite objective"
    E, A, B, alpha, beta = natural.tolist()
    return LawFit(
        E,
        A,
        B,
        alpha,
        beta,
        objective=solution.objective,
        converged=solution.converged,
        message=message,
        settings=settings,
        N=N,
        D=D,
        loss=loss,
        weights=weights,
        solution=solution,
    )
