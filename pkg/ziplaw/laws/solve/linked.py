"""Laws of the index ln(A/N^alpha + B/D^beta) under any link: what is asked of a fit, and many optima at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base.threads import n_threads
from ...errors import FitError
from ...numerics.functions import exp, log, logaddexp
from ..forms.arguments import Array
from ..forms.form import Form
from ..forms.links import HIGH_U, LOW_U, linked
from .additive import Index32, core, huber, in_pieces

Flags = npt.NDArray[np.bool_]
_VANISHED = 1e-6  # a share of the index, or of the loss, below which a term is none
_AT_BOUND = 1e-6


@dataclass(frozen=True)
class LinkSettings:
    """What was asked of a fit; everything needed to repeat it on other rows.

    Attributes
    ----------
    link : str
        One of ``catalogue.LINKS``, other than "identity".
    objective, delta
        As of ``optimum.Settings``.
    fixed_E : float, optional
        Where E is held.
    tie : bool
        alpha = beta.
    excess_floor : float, optional
        The floor over which ln(loss - floor) is fitted; E is held there.
    fixed_U : float, optional
        Where U is held.
    fixed_beta : float, optional
        Where beta is held, as Kaplan's laws hold it at 1.
    """

    link: str
    objective: str = "huber"
    delta: float = 1e-3
    fixed_E: float | None = None
    tie: bool = False
    excess_floor: float | None = None
    fixed_U: float | None = None
    fixed_beta: float | None = None

    @property
    def given_E(self) -> bool:
        """Whether somebody said what E is."""
        return self.fixed_E is not None or self.excess_floor is not None

    @property
    def E(self) -> float | None:
        """E where it is held, of either way; the free link has none of its own."""
        held = self.fixed_E if self.excess_floor is None else self.excess_floor
        return 0.0 if held is None and self.link == "free" else held

    def free_of(self, form: Form) -> Flags:
        """Which parameters of the form are fitted, bool (p,)."""
        free = np.ones(len(form.parameters), dtype=bool)
        free[0] = self.E is None
        free[2] = self.link != "free"  # of ln A' and ln B' the free link knows the difference
        free[4] = not self.tie and self.fixed_beta is None
        if "U" in form.parameters:
            free[form.parameters.index("U")] = self.fixed_U is None
        return free


@dataclass(frozen=True, eq=False)
class LinkProblem:
    """One table and one form, in the coordinates that are solved in.

    theta (p,): logarithms of E, of both terms at the centre of ln N and ln D, of alpha, beta and of what the link has.

    Attributes
    ----------
    form : Form
        With bounds that suit the table.
    settings : LinkSettings
    x, y : ndarray (n,)
        ln N and ln D less their means.
    z : ndarray (n,)
        The logarithm that is fitted: of the loss, or of its excess over a floor.
    weights : ndarray (n,)
    centre : dict
        The means.
    delta : float
        Huber's delta.
    """

    form: Form
    settings: LinkSettings
    x: Array
    y: Array
    z: Array
    weights: Array
    centre: dict[str, float]
    delta: float

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array, weights: Array, settings: LinkSettings) -> LinkProblem:
        """Take a table that was checked, each (n,)."""
        x, y = log(N), log(D)
        centre = {"N": float(x.mean()), "D": float(y.mean())}
        z = log(loss - (settings.excess_floor or 0.0))
        form = linked(settings.link)
        low, high = form.low.copy(), form.high.copy()
        if "U" in form.parameters:
            i = form.parameters.index("U")
            low[i], high[i] = log([LOW_U * loss.max(), HIGH_U * loss.max()])
        delta = settings.delta if settings.objective == "huber" else np.inf
        form = replace(form, low=low, high=high)
        return cls(form, settings, x - centre["N"], y - centre["D"], z, weights, centre, delta)

    @property
    def free(self) -> Flags:
        """Which parameters are fitted, bool (p,)."""
        return self.settings.free_of(self.form)

    @property
    def columns(self) -> dict[str, Array]:
        """N and D, each (n,)."""
        return {"N": exp(self.x + self.centre["N"]), "D": exp(self.y + self.centre["D"])}

    def held(self, theta: npt.ArrayLike) -> Array:
        """Return theta (..., p) with what is held put in."""
        theta = np.array(theta, dtype=np.float64)
        if self.settings.E is not None:
            with np.errstate(divide="ignore"):
                theta[..., 0] = log(self.settings.E)
        if self.settings.fixed_U is not None:
            theta[..., self.form.parameters.index("U")] = log(self.settings.fixed_U)
        if self.settings.link == "free":
            theta[..., 1] -= theta[..., 2]
            theta[..., 2] = 0.0
        if self.settings.tie:
            theta[..., 4] = theta[..., 3]
        if self.settings.fixed_beta is not None:
            theta[..., 4] = log(self.settings.fixed_beta)
        return theta

    def index(self, theta: Array) -> Array:
        """Z of the index (..., n) at theta (..., p): 0 at the centre for the free link."""
        t = theta[..., None]
        first = t[..., 1, :] - exp(t[..., 3, :]) * self.x
        second = t[..., 2, :] - exp(t[..., 4, :]) * self.y
        out = logaddexp(first, second)
        return out - logaddexp(t[..., 1, :], t[..., 2, :]) if self.settings.link == "free" else out

    def log_fitted(self, theta: npt.ArrayLike) -> Array:
        """Ln of the loss, or of its excess where that is fitted, (..., n) at theta (..., p)."""
        theta = np.asarray(theta, dtype=np.float64)
        values = exp(theta[..., [self.form.parameters.index(name) for name in self.form.link.parameters], None])
        h = self.form.link.curve(self.index(theta), [values[..., i, :] for i in range(values.shape[-2])])
        return h if self.settings.excess_floor is not None else logaddexp(theta[..., :1], h)

    def residuals(self, theta: npt.ArrayLike, z: Array | None = None) -> Array:
        """``log_fitted`` less the target, (P, n) at theta (P, p)."""
        return self.log_fitted(theta) - (self.z if z is None else z)

    def natural(self, theta: npt.ArrayLike) -> Array:
        """Natural parameters (..., p) of theta (..., p)."""
        theta = np.array(theta, dtype=np.float64)
        if self.settings.link == "free":
            theta[..., 1:3] -= logaddexp(theta[..., 1], theta[..., 2])[..., None]
        for term, exponent, column in ((1, 3, "N"), (2, 4, "D")):
            theta[..., term] += exp(theta[..., exponent]) * self.centre[column]
        with np.errstate(over="ignore"):
            out: Array = exp(theta)
        for name, value in (("E", self.settings.E), ("U", self.settings.fixed_U)):
            if value is not None and name in self.form.parameters:
                out[..., self.form.parameters.index(name)] = value  # to the last digit
        return out

    def jacobian(self, theta: npt.ArrayLike) -> Array:
        """Derivatives (n, p) of ``log_fitted`` at theta (p,), in theta but with alpha and beta for their logarithms."""
        theta = np.asarray(theta, dtype=np.float64)
        form, link = self.form, self.form.link
        z = self.index(theta)
        whole = logaddexp(theta[1], theta[2]) if self.settings.link == "free" else 0.0
        s = exp(theta[1] - exp(theta[3]) * self.x - z - whole)
        t = 1.0 - s
        places = [form.parameters.index(name) for name in link.parameters]
        slope, parts = link.slopes(z, exp(theta[places]).tolist())
        J = np.zeros((len(z), len(theta)))
        for place, part in zip(places, parts):
            J[:, place] = part
        at_centre = exp(theta[1:3] - whole) if self.settings.link == "free" else np.zeros(2)
        J[:, 1], J[:, 2] = slope * (s - at_centre[0]), slope * (t - at_centre[1])
        J[:, 3], J[:, 4] = -slope * s * self.x, -slope * t * self.y
        if self.settings.excess_floor is None:
            h = link.curve(z, exp(theta[places]).tolist())
            with np.errstate(over="ignore"):
                floor = 1 / (1 + exp(h - theta[0]))  # share of E in the loss
            J *= (1 - floor)[:, None]
            J[:, 0] += floor
        return J

    def back(self, theta: npt.ArrayLike) -> Array:
        """Derivatives (p, p) of ln E, ln A, ln B, alpha, beta and ln of the rest in the coordinates of ``jacobian``."""
        theta = np.asarray(theta, dtype=np.float64)
        out = np.eye(len(theta))
        out[1, 3], out[2, 4] = self.centre["N"], self.centre["D"]
        if self.settings.link == "free":  # ln of the terms at the centre, less that of their sum
            share = exp(theta[1:3] - logaddexp(theta[1], theta[2]))
            out[1:3, 1:3] -= share
        return out

    def ends(self, theta: Array) -> dict[str, str]:
        """Parameters that ended "at zero" or "at its bound"."""
        form, out = self.form, {}
        z, whole = self.index(theta), 0.0
        if self.settings.link == "free":
            whole = float(logaddexp(theta[1], theta[2]))
        for name, value, exponent, along in (("A", theta[1], theta[3], self.x), ("B", theta[2], theta[4], self.y)):
            if exp((value - whole - exp(exponent) * along - z).max()) < _VANISHED:
                out[name] = "at zero"
        for name, value, low, high, free in zip(form.parameters, theta, form.low, form.high, self.free):
            if free and name not in ("E", "A", "B") and not low + _AT_BOUND < value < high - _AT_BOUND:
                out[name] = "at its bound"
        if self.free[0] and theta[0] - self.log_fitted(theta).min() < log(_VANISHED):
            out["E"] = "at zero"
        return out

    def coordinate(self, name: str, values: Array) -> Array:
        """Turn natural values of E, alpha or beta into what theta has of them."""
        with np.errstate(divide="ignore"):
            out: Array = log(values)
        return out

    def starts_at(self, E: float) -> Array:
        """Starts where ln E is held: none but the neighbours', which reach it."""
        return np.empty((0, len(self.form.parameters)))

    def solve(
        self,
        theta: npt.ArrayLike,
        z: Array | None = None,
        weights: Array | None = None,
        *,
        delta: float | None = None,
        free: Sequence[bool] | Flags | None = None,
        anneal: bool = True,
        max_steps: int = 500,
        threads: int | None = 1,
    ) -> tuple[Array, Array, Flags]:
        """Minimise the sum of weighted Huber terms from each start.

        Parameters
        ----------
        theta : ndarray, float64 (P, p)
            Starts; what is held is put in, where ``free`` is not given.
        z, weights : ndarray (n,) or (P, n), optional
            Targets and weights, those of the table by default.
        delta : float, optional
            Huber's delta, that of the problem by default; inf for least squares.
        free : bool (p,), optional
            Parameters that may move.
        anneal : bool
            Whether to let delta shrink to its target instead of starting there.
        max_steps : int
            Steps allowed to each problem.
        threads : int, optional
            Threads that share the problems; the result does not depend on it.

        Returns
        -------
        theta : ndarray (P, p)
        objective : ndarray (P,)
        converged : ndarray, bool (P,)
        """
        fitter, threads = core(), n_threads(threads, FitError)
        theta = np.array(self.held(theta) if free is None else theta, dtype=np.float64, ndmin=2, order="C")
        k, n = len(theta), len(self.x)
        free = self.free if free is None else np.asarray(free, dtype=bool)
        low, high = self.form.low, self.form.high
        theta = np.where(free, np.clip(theta, low, high), theta)
        zs, ws = (
            np.ascontiguousarray(np.atleast_2d(v if v is not None else own), dtype=np.float64)
            for v, own in ((z, self.z), (weights, self.weights))
        )
        deltas = np.full(k, self.delta if delta is None else delta, dtype=np.float64)
        objective, converged = np.empty(k), np.empty(k, dtype=np.uint8)
        options = {
            "distinct": self.distinct,
            "knots": np.array(self.form.link.knots, dtype=np.float64),
            "excess": self.settings.excess_floor is not None,
            "free": free,
            "tie": self.settings.tie,
            "low": low,
            "high": high,
            "max_steps": max_steps,
            "anneal": anneal,
        }

        def part(rows: slice) -> None:
            z_part, w_part = (table if len(table) == 1 else table[rows] for table in (zs, ws))
            out = (theta[rows], objective[rows], converged[rows])
            fitter.polish_link(self.form.link.name, self.x, self.y, z_part, w_part, deltas[rows], *out, **options)

        in_pieces(part, k, n, threads)
        return theta, objective, converged.astype(bool)

    @cached_property
    def distinct(self) -> tuple[Array, Index32, Array, Index32]:
        """See ``additive.Design.distinct``."""
        (ux, ix), (uy, iy) = (np.unique(v, return_inverse=True) for v in (self.x, self.y))
        return ux, ix.astype(np.int32), uy, iy.astype(np.int32)

    def objective(self, theta: npt.ArrayLike) -> Array:
        """Sum of weighted Huber terms (...,) at theta (..., p)."""
        return np.asarray((self.weights * huber(self.residuals(theta), self.delta)).sum(axis=-1))

    def with_form(self, form: Form) -> LinkProblem:
        """Return itself with another form, such as other knots."""
        return replace(self, form=form)


@dataclass(frozen=True)
class LinkSolution:
    """Outcome of one optimisation."""

    theta: Array  # (p,)
    objective: float
    converged: bool
    delta: float
    fraction_of_starts: float
    problem: LinkProblem

    @property
    def parameters(self) -> Any:
        """Natural parameters (p,)."""
        return self.problem.natural(self.theta)
