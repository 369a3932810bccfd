"""Intervals by profile likelihood: how far a quantity can go before the objective rises too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, log, product
from ...numerics.linear import eigh, norm
from ...numerics.minimise import slope_of, where_room
from ..forms import arguments
from ..forms.chinchilla import PARAMETERS
from ..solve.additive import Array, huber
from ..solve.diagnostics import score_moments
from .view import Ends, Function, HasView, View


def criterion(fitted: HasView, level: float = 0.95) -> float:
    """How far the objective may rise above its minimum inside the profile-likelihood region of one quantity.

    2 (S - S_min) E[psi'] / E[psi^2] is compared with the F(1, n - p) quantile: for least squares the usual likelihood
    ratio with an estimated variance; for a Huber sum its robust form.
    """
    view = fitted.view
    square, slope = score_moments(view.residuals, view.weights, view.delta, view.n_free)
    t = float(student_quantile(view.freedom, (1 + arguments.check_level(level)) / 2))
    return 0.5 * square / slope * t * t


def profile_interval(
    fitted: HasView, level: float = 0.95, names: Sequence[str] | None = None, **at: float | None
) -> dict[str, Ends]:
    """Intervals by profile likelihood: the extremes of a quantity over the region where the objective stays low.

    Parameters
    ----------
    fitted : LawFit, FormFit or LinkFit
        The law.
    level : float
        Coverage to aim at.
    names : sequence of str, optional
        Only these quantities; all by default.
    **at
        C, or N and D; see ``quantities``.

    Returns
    -------
    dict
        name -> (lo, hi). An end that the data does not bound is 0 or inf.
    """
    view = fitted.view
    region = _Region(view, criterion(fitted, level))
    held = view.held()
    out: dict[str, Ends] = {}
    for name, (function, is_log) in view.quantities(**at).items():
        if names is not None and name not in names:
            continue
        if name in held:
            out[name] = (held[name], held[name])
            continue
        lo, hi = region.extreme(function, -1), region.extreme(function, +1)
        out[name] = (float(exp(lo)), float(exp(hi))) if is_log else (lo, hi)
    ranges = {name: pair for name, pair in view.unknown().items() if name in out}
    return {**out, **ranges}


def profile_interval_of(fitted: HasView, function: Function, level: float = 0.95, on_log: bool = True) -> Ends:
    """Interval of any function of natural parameters (..., q), which is positive where ``on_log``."""
    view = fitted.view
    region = _Region(view, criterion(fitted, level))

    def of_point(point: Array) -> Any:
        value = function(view.natural_of(point))
        return log(value) if on_log else value

    ends = np.array([region.extreme(of_point, sign) for sign in (-1, +1)])
    lo, hi = exp(ends) if on_log else ends
    return float(lo), float(hi)


class _Region:
    """The set where the objective is at most its minimum plus a criterion, in coordinates scaled by the covariance."""

    def __init__(self, view: View, rise: float) -> None:
        self.view, self.rise, self.moving = view, rise, view.moving
        # scale: the inverse square root of the IRLS information at the optimum, kept away from singular
        information = self._information(view.theta)
        values, vectors = eigh(information)
        values = np.maximum(values, values.max() * 1e-10)
        self.root = vectors * np.sqrt(2 * rise / values)

    def _theta(self, u):
        theta = self.view.theta + product(self.moving, product(self.root, u))
        return np.clip(theta, self.view.low, self.view.high)

    def _parts(self, theta):
        r, J = self.view.derivatives(theta)
        return r, self.view.along(J)

    def _information(self, theta):
        r, J = self._parts(theta)
        p = self.view
        _, slope = score_moments(r, p.weights, p.delta, p.n_free)
        return product(slope * (J * p.weights[:, None]).T, J)

    def _room(self, u):
        """1 - (rise of the objective) / (allowed rise): at least 0 inside the region."""
        with np.errstate(all="ignore"):
            r = self.view.derivatives(self._theta(u))[0]
            value = (self.view.weights * huber(r, self.view.delta)).sum()
        value = value if np.isfinite(value) else 1e300
        return 1 - (value - self.view.objective) / self.rise

    def _room_gradient(self, u):
        with np.errstate(all="ignore"):
            r, J = self._parts(self._theta(u))
        delta = self.view.delta
        g = product((self.view.weights * np.clip(r, -delta, delta)), J)
        return -np.nan_to_num(product(g, self.root)) / self.rise

    def extreme(self, function: Callable[[Array], Any], sign: int) -> float:
        """Smallest (sign -1) or largest (+1) value of a function of points over the region."""

        def value(u: Array) -> float:
            with np.errstate(all="ignore"):
                out = float(function(self.view.points(self._theta(u))))
            return -sign * out if np.isfinite(out) else 1e6

        k = self.moving.shape[1]
        gradient = slope_of(value, np.zeros(k), 1e-4)
        direction = -gradient / max(norm(gradient), 1e-300)
        best = value(np.zeros(k))
        # from within the region and from beyond its edge: the search may stop short from either
        for length in (0.7, 1.2):
            u = self._pull_back(where_room(value, self._room, self._room_gradient, length * direction))
            best = min(best, value(u))
        return -sign * best

    def _pull_back(self, u):
        """Shrink a point that the search left outside the region towards the optimum until it is inside."""
        if self._room(u) >= -1e-6:
            return u
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._room(middle * u) >= 0 else (low, middle)
        return low * u


def profile_curve(fitted: Any, name: str, values: npt.ArrayLike) -> Array:
    """Smallest objective at fixed values of E, alpha or beta, for a profile plot.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law.
    name : {"E", "alpha", "beta"}
        The parameter that is held.
    values : array (m,)
        Where.

    Returns
    -------
    ndarray (m,)
        Objective there; ``criterion`` gives the rise that bounds an interval.
    """
    arguments.check_choice(name, "name", ("E", "alpha", "beta"))
    values = np.asarray(values, dtype=np.float64)
    position, tie = PARAMETERS.index(name), fitted.settings.tie
    problem, best = fitted.problem, fitted.solution.theta
    free = problem.free.copy()
    free[position] = False
    target = problem.coordinate(name, values)
    if tie:
        free[3:5] = False
    out = np.full(len(values), np.inf)
    # sweep both ways, each point started from its neighbour and from the optimum
    for order in (np.argsort(values), np.argsort(-values)):
        previous = best
        for i in order:
            tried = np.array([previous, best])
            if name == "E":
                tried = np.vstack([tried, problem.starts_at(target[i])])
            tried[:, position] = target[i]
            if tie and name != "E":
                tried[:, 3:5] = target[i]
            theta, objective, _ = problem.solve(tried, free=free)
            k = int(np.argmin(objective))
            out[i] = min(out[i], objective[k])
            previous = theta[k]
    return out
