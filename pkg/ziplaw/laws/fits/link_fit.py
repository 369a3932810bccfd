"""Fit a law of the index ln(A/N^alpha + B/D^beta) under any link: power, bounded between E and U, or a free one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.functions import log
from ..forms import arguments
from ..forms.allocation import Plan, exponents, near_best, split
from ..forms.catalogue import LINKS
from ..forms.form import Array, Form
from ..forms.links import linked
from ..intervals import identification
from ..intervals.link_view import LinkView
from ..intervals.quantities import Runs
from ..intervals.resampled import Resampled
from ..solve import diagnostics
from ..solve.link_optimum import find
from ..solve.linked import LinkProblem, LinkSettings, LinkSolution
from ..solve.optimum import OBJECTIVES
from .fit import LawFit
from .fit import fit as fit_additive
from .fitted import Fitted


@dataclass(frozen=True, eq=False)
class LinkFit(Resampled, Fitted):
    """A fitted law under a link. A fit that failed is one too: ``converged`` is False and ``message`` says why.

    Attributes
    ----------
    form : Form
        The law; of the free link with its knots.
    settings : LinkSettings
        What was asked.
    objective : float
        Sum of (weighted) Huber terms of the log residuals.
    converged : bool
        Whether the optimiser met its tolerance.
    message : str
        One sentence about the outcome.
    N, D, loss, weights : ndarray (n,)
        The table.
    solution : LinkSolution
        The optimum in the coordinates that were solved in.
    """

    form: Form
    settings: LinkSettings
    objective: float
    converged: bool
    message: str
    N: Array = field(repr=False)
    D: Array = field(repr=False)
    loss: Array = field(repr=False)
    weights: Array = field(repr=False)
    solution: LinkSolution = field(repr=False)

    @property
    def link(self) -> str:
        """Name of the link."""
        return self.settings.link

    @property
    def problem(self) -> LinkProblem:
        """The table and the law in the coordinates that are solved in."""
        return self.solution.problem

    @cached_property
    def view(self) -> LinkView:
        """The fit as intervals see it."""
        return LinkView(self)

    @cached_property
    def parameters(self) -> Array:
        """E, A, B, alpha, beta, then k and U, or level and slopes of the spline, float64 (p,)."""
        return np.asarray(self.solution.parameters, dtype=np.float64)

    @property
    def knots(self) -> tuple[float, ...]:
        """Where the free link's spline bends, in z; empty for others."""
        return self.form.link.knots

    @property
    def columns(self) -> dict[str, Array]:
        """N and D, each (n,)."""
        return {"N": self.N, "D": self.D}

    @property
    def n_free(self) -> int:
        """Number of parameters that were fitted."""
        return int(self.problem.free.sum())

    @property
    def delta(self) -> float:
        """Huber's delta at which the optimum was found."""
        return self.solution.delta

    @cached_property
    def residuals(self) -> Array:
        """Log residuals of the loss (of its excess when that was fitted), (n,)."""
        return self.problem.residuals(self.solution.theta[None])[0]

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Short warnings, worst first."""
        return diagnostics.flags(self)

    @cached_property
    def covariance(self) -> Array:
        """Delta-method covariance (p, p) of ln E, ln A, ln B, alpha, beta and ln of the rest."""
        return diagnostics.covariance(self)

    @cached_property
    def diagnostics(self) -> dict[str, Any]:
        """What was measured about the fit, as plain numbers."""
        return diagnostics.diagnose(self)

    def error_at_largest_C(self, share: float = 0.1) -> dict[str, Any] | None:
        """See ``Fitted.error_at_largest_C``."""
        return diagnostics.held_out(self, self.N * self.D, share)

    def predict(self, N: npt.ArrayLike, D: npt.ArrayLike) -> Any:
        """Loss at N parameters and D tokens, nats per token: a float, or an array as arrays broadcast."""
        N, D = arguments.check_positive(N, "N"), arguments.check_positive(D, "D")
        value = self.form.loss_at(self.parameters, N, D)
        return float(value) if np.ndim(value) == 0 else value

    def split_at(self, C: float) -> tuple[float, float]:
        """Ln N_opt of C training FLOPs and the exponent a of N_opt ~ C^a, read off the index."""
        N, _ = split(self.parameters, C, self.form)
        return float(log(N)), float(exponents(self.parameters, self.form)[0])

    def allocate(self, C: npt.ArrayLike, *, check: bool = True, clusters: Runs = None) -> Plan:
        """Compute-optimal N and D for C training FLOPs (C = 6 N D), and the loss there.

        ``clusters`` names the run of every row, where rows of a run share an error: the check then goes by runs.

        Raises
        ------
        FitError
            Where these runs do not identify the split (``identification``): with the reason and the runs to add.
            ``check=False`` gives the numbers all the same.
        """
        C = arguments.check_within(C, "C", limits.FLOPS)
        if check:
            identification.require(self, C, clusters)
        N, D = split(self.parameters, C, self.form)
        # where nothing is identified N and D may be no numbers at all
        with np.errstate(all="ignore"):
            loss = self.form.loss_at(self.parameters, N, D)
        return Plan(*(float(v) for v in (C, N, D, loss))) if C.ndim == 0 else Plan(C, N, D, loss)

    def near_best(self, C: float, tolerance: float = 1e-3) -> tuple[float, float]:
        """Least and largest N whose loss at C = 6 N D is within a share of the best: see ``allocation.near_best``."""
        low, high = near_best(self.parameters, C, tolerance, self.form)
        return float(low), float(high)

    def refit(
        self, rows: Any = None, loss: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None
    ) -> LinkFit:
        """Fit the same law to some of the rows (index or mask), to other losses, or with other weights."""
        rows = slice(None) if rows is None else rows
        table = (self.N[rows], self.D[rows], (self.loss if loss is None else np.asarray(loss))[rows])
        weights = (self.weights if weights is None else np.asarray(weights, dtype=np.float64))[rows]
        return _fit_checked(*table, weights, self.settings)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for a JSON file, diagnostics included."""
        return {
            "law": self.form.name,
            "link": self.link,
            "knots": list(self.knots),
            "formula": self.form.formula,
            "parameters": self.estimates,
            "objective": self.objective,
            "objective_kind": self.settings.objective,
            "delta": self.delta,
            "n": self.n,
            "converged": self.converged,
            "message": self.message,
            "covariance": self.covariance.tolist(),
            **self.diagnostics,
        }


def fit_link(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    link: str = "bounded",
    E: float | None = None,
    U: float | None = None,
    excess: bool = False,
    weights: npt.ArrayLike | None = None,
    tie: bool = False,
    objective: str = "huber",
    delta: float = 1e-3,
    duplicates: str = "error",
    units: str = "error",
) -> LinkFit | LawFit:
    """Fit L = E + g(z), z = ln(A/N^alpha + B/D^beta), under a link g to a table of runs.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        Non-embedding parameters, training tokens, held-out loss in nats per token.
    link : {"identity", "power", "bounded", "free"}
        See ``forms.links``. The identity is the additive law, and gives a ``LawFit``.
    E : float, optional
        Hold E, 0 allowed; None fits it. The free link has no E of its own: None is 0 there.
    U : float, optional
        Hold U, of the bounded link, such as at the unigram entropy of the tokens; None fits it.
    excess : bool
        Fit ln(loss - E) at a held E instead of ln loss; every loss must lie above E.
    weights : array-like (n,), optional
        Weight of each row's term.
    tie : bool
        Force alpha = beta.
    objective, delta, duplicates, units
        As of ``fit.fit``.

    Returns
    -------
    LinkFit, or LawFit for the identity

    Raises
    ------
    FitError
        For a table that no law can be fitted to, or for choices that do not go together (one line: value, limit,
        remedy).
    """
    arguments.check_choice(link, "link", LINKS)
    arguments.check_choice(objective, "objective", OBJECTIVES)
    if excess and E is None:
        raise FitError("excess is the loss over a known floor: give E")
    if U is not None and link != "bounded":
        raise FitError(f"U is the upper end of the link bounded: the link {link} has none")
    if link == "identity":
        at: dict[str, Any] = {"excess_floor" if excess else "fixed_E": E}
        at |= {"objective": objective, "delta": delta, "duplicates": duplicates, "units": units}
        return fit_additive(N, D, loss, weights=weights, tie=tie, **at)
    delta = float(arguments.check_within(delta, "delta", limits.HUBER_DELTA))
    E = None if E is None else float(arguments.check_within(E, "E", limits.FLOOR))
    U = None if U is None else float(arguments.check_positive(U, "U"))
    settings = LinkSettings(link, objective, delta, None if excess else E, bool(tie), E if excess else None, U)
    needed = int(settings.free_of(linked(link)).sum()) + 1
    table = arguments.check_table(N, D, loss, weights, needed=needed, duplicates=duplicates, units=units)
    loss = table[2]
    if E is not None and not excess and E >= loss.max():
        raise FitError(f"E is {E:g}, above every loss (at most {loss.max():g}): check its unit, or leave E free")
    if excess and E is not None and (loss <= E).any():
        row = int(np.flatnonzero(loss <= E)[0])
        raise FitError(
            f"loss is {loss[row]:g} in row {row + 1}, not above the floor {E:g}: "
            "excess loss needs every row above it; drop the row or hold E instead"
        )
    if U is not None and U <= (E or loss.min()):
        raise FitError(f"U is {U:g}, not above {'E' if E else 'the least loss'}, {E or loss.min():g}: check its unit")
    return _fit_checked(*table, settings)


def fit(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    link: str = "identity",
    U: float | None = None,
    fixed_E: float | None = None,
    excess_floor: float | None = None,
    **options: Any,
) -> LawFit | LinkFit:
    """Fit L = E + g(z), z = ln(A/N^alpha + B/D^beta), to a table of runs: by default the additive law, g(z) = e^z.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        Non-embedding parameters, training tokens, held-out loss in nats per token.
    link : {"identity", "power", "bounded", "free"}
        The link g; see ``forms.links``.
    U : float, optional
        Upper end of the bounded link, such as the unigram entropy of the tokens; None fits it.
    fixed_E : float, optional
        Hold E at a known floor.
    excess_floor : float, optional
        Fit ln(loss - floor) instead of ln loss; E is then the floor. Every loss must lie above it.
    **options
        weights, tie, objective, delta, duplicates, units: see ``fits.fit.fit``.

    Returns
    -------
    LawFit, or LinkFit under another link than the identity

    Raises
    ------
    FitError
        For a table that no law can be fitted to (one line: value, limit, remedy).
    """
    if link == "identity" and U is None:
        return fit_additive(N, D, loss, fixed_E=fixed_E, excess_floor=excess_floor, **options)
    if fixed_E is not None and excess_floor is not None:
        raise FitError("fixed_E and excess_floor both fix E: give one of them")
    E = fixed_E if excess_floor is None else excess_floor
    return fit_link(N, D, loss, link=link, E=E, excess=excess_floor is not None, U=U, **options)


def _fit_checked(N: Array, D: Array, loss: Array, weights: Array, settings: LinkSettings) -> LinkFit:
    solution = find(N, D, loss, weights, settings)
    message = "converged" if solution.converged else "not converged: the optimiser ran out of steps"
    if not np.isfinite(solution.objective):
        message = "not converged: no start gave a finite objective"
    return LinkFit(
        solution.problem.form, settings, solution.objective, solution.converged, message, N, D, loss, weights, solution
    )
