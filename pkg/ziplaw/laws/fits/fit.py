"""Fit L(N, D) = E + A/N^alpha + B/D^beta to a table of losses: the global optimum, with its diagnostics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...base import limits
from ...errors import FitError
from ..forms import arguments
from ..forms.chinchilla import PARAMETERS, additive
from ..solve import diagnostics
from ..solve.additive import Design, polish, residuals
from ..solve.starts import starts

OBJECTIVES = ("huber", "log-mse", "huber-scaled")
_HUBER_EFFICIENT = 1.345  # delta in standard deviations: 95 % efficient under normal noise
_SAME_OPTIMUM = 1e-6  # relative
_ROWS_RESTARTED, _MOST_RESTARTS, _LEAST_RESTARTS = 840, 24, 8


@dataclass(frozen=True)
class Settings:
    """What was asked of a fit; everything needed to repeat it on other rows."""

    objective: str = "huber"
    delta: float = 1e-3
    fixed_E: float | None = None
    tie: bool = False
    excess_floor: float | None = None

    @property
    def free(self) -> np.ndarray:
        """Which of E, A, B, alpha, beta are fitted, bool (5,)."""
        held_E = self.fixed_E is not None or self.excess_floor is not None
        return np.array([not held_E, True, True, True, not self.tie])

    @property
    def n_free(self) -> int:
        """Number of fitted parameters."""
        return int(self.free.sum())


@dataclass(frozen=True)
class Solution:
    """Outcome of one optimisation in centred coordinates."""

    theta: np.ndarray  # (5,)
    objective: float
    converged: bool
    delta: float
    fraction_of_starts: float
    design: Design


@dataclass(frozen=True, eq=False)
class LawFit:
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
    N: np.ndarray = field(repr=False)
    D: np.ndarray = field(repr=False)
    loss: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    solution: Solution = field(repr=False)

    @property
    def parameters(self) -> np.ndarray:
        """E, A, B, alpha, beta, float64 (5,)."""
        return np.array([self.E, self.A, self.B, self.alpha, self.beta])

    @property
    def n(self) -> int:
        """Number of rows fitted."""
        return len(self.N)

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Short warnings, worst first."""
        return diagnostics.flags(self)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Delta-method covariance (5, 5) of ln E, ln A, ln B, alpha, beta."""
        return diagnostics.covariance(self)

    @cached_property
    def diagnostics(self) -> dict:
        """Condition number, correlations, bounds hit, fraction of starts, RMS, lack of fit, hold-out errors."""
        return diagnostics.diagnose(self)

    @cached_property
    def residuals(self) -> np.ndarray:
        """Log residuals ln L(N, D) - ln loss (of the excess loss when that was fitted), (n,)."""
        return residuals(self.solution.theta[None], self.solution.design)[0]

    def predict(self, N, D):
        """Loss at N parameters and D tokens, nats per token; arrays broadcast."""
        value = additive(self.parameters, arguments.check_positive(N, "N"), arguments.check_positive(D, "D"))
        return float(value) if np.ndim(value) == 0 else value

    def allocate(self, C, *, check=True, clusters=None):
        """Compute-optimal N and D for C training FLOPs (C = 6 N D): see ``allocate.allocate``.

        ``clusters`` names the run of every row, where rows of a run share an error: the check then goes by runs.

        Raises
        ------
        FitError
            Where these runs do not identify the split (``identification``): with the reason and the runs to add.
            ``check=False`` gives the numbers all the same.
        """
        from ..forms.allocation import allocate
        from ..intervals import identification

        plan = allocate(self.parameters, C)
        if check:
            identification.require(self, C, clusters)
        return plan

    @cached_property
    def resampled(self):
        """The bootstrap by which ``allocate`` judges whether the split is identified."""
        from ..intervals.identification import resamples

        return resamples(self)

    def bootstrap(self, n=1000, seed=42, clusters=None, method=None, threads=None):
        """Refit resampled or perturbed tables: see ``intervals.bootstrap``."""
        from ..intervals.bootstrap import bootstrap

        return bootstrap(self, n, seed=seed, clusters=clusters, method=method, threads=threads)

    def jackknife(self, clusters):
        """Leave out one run at a time: see ``jackknife.jackknife``."""
        from ..intervals.jackknife import jackknife

        return jackknife(self, clusters)

    def intervals(self, method=None, level=0.95, *, clusters=None, n=2000, seed=42, C=None, N=None, D=None):
        """Intervals of the parameters and, when asked, of an allocation and a prediction: see ``methods.intervals``."""
        from ..intervals.choose import intervals

        return intervals(self, method, level, clusters=clusters, n=n, seed=seed, C=C, N=N, D=D)

    def refit(self, rows=None, loss=None, weights=None):
        """Fit the same law to some of the rows (index or mask), to other losses, or with other weights."""
        rows = slice(None) if rows is None else rows
        table = (self.N[rows], self.D[rows], (self.loss if loss is None else np.asarray(loss))[rows])
        weights = (self.weights if weights is None else np.asarray(weights, dtype=np.float64))[rows]
        return _fit_checked(*table, weights, self.settings)

    def to_dict(self) -> dict:
        """Plain numbers for a JSON file, diagnostics included."""
        d = self.diagnostics
        return {
            "parameters": dict(zip(PARAMETERS, self.parameters.tolist())),
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
    N,
    D,
    loss,
    *,
    weights=None,
    fixed_E=None,
    excess_floor=None,
    tie=False,
    objective="huber",
    delta=1e-3,
    duplicates="error",
    units="error",
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


def _floor(value, name):
    if value is None:
        return None
    return float(arguments.check_within(value, name, limits.FLOOR))


def _fit_checked(N, D, loss, weights, settings):
    solution = solve(N, D, loss, weights, settings)
    natural = solution.design.to_natural(solution.theta)
    if settings.excess_floor is not None:
        natural[0] = settings.excess_floor
    message = "converged" if solution.converged else "not converged: the optimiser ran out of steps"
    if not np.isfinite(solution.objective):
        message = "not converged: no start gave a finite objective"
    return LawFit(
        *natural.tolist(),
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


def solve(N, D, loss, weights, settings, count=None):
    """Find the optimum of one table that was checked; returns a ``Solution``."""
    design = Design.of(N, D, loss - (settings.excess_floor or 0.0))
    fixed = 0.0 if settings.excess_floor is not None else settings.fixed_E
    fixed = None if fixed is None else fixed / design.scale
    theta0 = starts(design, weights, fixed_E=fixed, tie=settings.tie, count=count)
    delta = {"huber": settings.delta, "log-mse": np.inf, "huber-scaled": np.inf}[settings.objective]
    options = {"weights": weights, "free": settings.free, "tie": settings.tie}
    theta, value, converged = polish(theta0, design, delta=delta, **options)
    restarted = _restarts(theta[np.argmin(value)], design, delta, options)
    theta, value, converged = (np.concatenate(pair) for pair in zip((theta, value, converged), restarted))
    if settings.objective == "huber-scaled":
        for _ in range(3):
            best = theta[np.argmin(value)]
            delta = _HUBER_EFFICIENT * robust_scale(residuals(best[None], design)[0], settings.n_free)
            theta, value, converged = polish(theta, design, delta=delta, **options)
    best = int(np.argmin(value))
    lowest = float(value[best])
    # an objective that is zero to rounding is the same optimum, whatever its digits
    same = value[: len(theta0)] <= lowest * (1 + _SAME_OPTIMUM) + 1e-26 * weights.sum()
    return Solution(
        theta=theta[best],
        objective=lowest,
        converged=bool(converged[best]) and bool(np.isfinite(lowest)),
        delta=float(delta),
        fraction_of_starts=float(same.mean()),
        design=design,
    )


def _restarts(theta, design, delta, options):
    """Look for a better optimum near theta (5,): go to the optima of resampled rows and back to all rows.

    Far below the noise, delta makes an objective with kinks, and where rows share an error with basins too small for a
    grid of starts; resampling shakes loose what holds theta in one (bootstrap restarting, Wood 2001).
    """
    n = len(design.x)
    count = min(max(_ROWS_RESTARTED // n, _LEAST_RESTARTS), _MOST_RESTARTS)
    weights = options["weights"] * np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=count)
    away = polish(
        np.repeat(theta[None], count, axis=0),
        design,
        delta=delta,
        max_steps=20,
        anneal=False,
        **{**options, "weights": weights},
    )[0]
    theta, value, _ = polish(away, design, delta=delta, max_steps=15, anneal=False, **options)
    behind = np.argsort(value, kind="stable")[:4]
    return polish(theta[behind], design, delta=delta, anneal=False, **options)


def robust_scale(r, n_free):
    """Standard deviation of log residuals by the median absolute value of all but ``n_free`` of them."""
    size = np.sort(np.abs(r))[min(n_free, len(r) - 1) :]
    return max(1.4826 * float(np.median(size)) if len(size) else 0.0, 1e-9)


def with_settings(fitted, **changes):
    """Refit the same rows under changed settings."""
    settings = replace(fitted.settings, **changes)
    return _fit_checked(fitted.N, fitted.D, fitted.loss, fitted.weights, settings)
