"""Intervals by profile likelihood: how far a quantity can go before the objective rises too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from ..forms import arguments
from ..forms.chinchilla import PARAMETERS
from ..solve.additive import EXPONENT_BOUNDS, Array, huber, polish
from ..solve.additive_fit import AdditiveFit
from ..solve.diagnostics import score_moments
from ..solve.starts import starts
from .quantities import Ends, quantities, unknown_ranges


def criterion(fitted: AdditiveFit, level: float = 0.95) -> float:
    """How far the objective may rise above its minimum inside the profile-likelihood region of one quantity.

    2 (S - S_min) E[psi'] / E[psi^2] is compared with the F(1, n - p) quantile: for least squares the usual likelihood
    ratio with an estimated variance; for a Huber sum its robust form.
    """
    freedom = max(fitted.n - fitted.settings.n_free, 1)
    square, slope = score_moments(fitted.residuals, fitted.weights, fitted.solution.delta, fitted.settings.n_free)
    return 0.5 * square / slope * float(stats.f.ppf(arguments.check_level(level), 1, freedom))


def profile_interval(
    fitted: AdditiveFit, level: float = 0.95, names: Sequence[str] | None = None, **at: float | None
) -> dict[str, Ends]:
    """Intervals by profile likelihood: the extremes of a quantity over the region where the objective stays low.

    Parameters
    ----------
    fitted : LawFit
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
    region = _Region(fitted, criterion(fitted, level))
    wanted = quantities(**at)
    out: dict[str, Ends] = {}
    for name, (function, is_log) in wanted.items():
        if names is not None and name not in names:
            continue
        if name == "E" and not fitted.settings.free[0]:
            out[name] = (fitted.E, fitted.E)
            continue
        lo, hi = region.extreme(function, -1), region.extreme(function, +1)
        out[name] = (float(np.exp(lo)), float(np.exp(hi))) if is_log else (lo, hi)
    ranges = {name: pair for name, pair in unknown_ranges(fitted).items() if name in out}
    return {**out, **ranges}


class _Region:
    """The set where the objective is at most its minimum plus a criterion, in coordinates scaled by the covariance."""

    def __init__(self, fitted: AdditiveFit, rise: float) -> None:
        s = fitted.solution
        self.fitted, self.design, self.rise = fitted, s.design, rise
        self.free = fitted.settings.free.copy()
        self.tie = fitted.settings.tie
        self.low = np.array([0.0, 0.0, 0.0, EXPONENT_BOUNDS[0], EXPONENT_BOUNDS[0]])
        self.high = np.array([np.inf, np.inf, np.inf, EXPONENT_BOUNDS[1], EXPONENT_BOUNDS[1]])
        self.index = np.flatnonzero(self.free)
        # scale: the inverse square root of the IRLS information at the optimum, kept away from singular
        information = self._information(s.theta)
        values, vectors = np.linalg.eigh(information)
        values = np.maximum(values, values.max() * 1e-10)
        self.root = vectors * np.sqrt(2 * rise / values)

    def _theta(self, u):
        theta = self.fitted.solution.theta.copy()
        theta[self.index] += self.root @ u
        theta = np.clip(theta, self.low, self.high)
        if self.tie:
            theta[4] = theta[3]
        return theta

    def _parts(self, theta):
        u = np.exp(-theta[3] * self.design.x)
        v = np.exp(-theta[4] * self.design.y)
        f = theta[0] + theta[1] * u + theta[2] * v
        J = np.column_stack([np.ones_like(u), u, v, -theta[1] * self.design.x * u, -theta[2] * self.design.y * v])
        J = J / f[:, None]
        if self.tie:
            J[:, 3] += J[:, 4]
        return np.log(f) - self.design.z, J[:, self.index]

    def _information(self, theta):
        r, J = self._parts(theta)
        delta = self.fitted.solution.delta
        _, slope = score_moments(r, self.fitted.weights, delta, self.fitted.settings.n_free)
        return slope * (J * self.fitted.weights[:, None]).T @ J

    def _room(self, u):
        """1 - (rise of the objective) / (allowed rise): at least 0 inside the region."""
        with np.errstate(all="ignore"):
            r, _ = self._parts(self._theta(u))
            value = (self.fitted.weights * huber(r, self.fitted.solution.delta)).sum()
        value = value if np.isfinite(value) else 1e300
        return 1 - (value - self.fitted.objective) / self.rise

    def _room_gradient(self, u):
        with np.errstate(all="ignore"):
            r, J = self._parts(self._theta(u))
        delta = self.fitted.solution.delta
        g = (self.fitted.weights * np.clip(r, -delta, delta)) @ J
        return -np.nan_to_num(g @ self.root) / self.rise

    def extreme(self, function: Callable[[Array], Any], sign: int) -> float:
        """Smallest (sign -1) or largest (+1) value of a function of natural parameters over the region."""

        def value(u: Array) -> float:
            with np.errstate(all="ignore"):
                natural = self.design.to_natural(self._theta(u))
                if self.fitted.settings.excess_floor is not None:
                    natural[0] = self.fitted.settings.excess_floor
                out = float(function(natural))
            return -sign * out if np.isfinite(out) else 1e6

        k = len(self.index)
        gradient = optimize.approx_fprime(np.zeros(k), value, 1e-4)
        direction = -gradient / max(np.linalg.norm(gradient), 1e-300)
        best = value(np.zeros(k))
        # from within the region and from beyond its edge: SLSQP may stop short from either
        for length in (0.7, 1.2):
            found = optimize.minimize(
                value,
                length * direction,
                method="SLSQP",
                constraints={"type": "ineq", "fun": self._room, "jac": self._room_gradient},
                options={"maxiter": 200, "ftol": 1e-9},
            )
            u = self._pull_back(found.x)
            best = min(best, value(u))
        return -sign * best

    def _pull_back(self, u):
        """Shrink a point that SLSQP left outside the region towards the optimum until it is inside."""
        if self._room(u) >= -1e-6:
            return u
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._room(middle * u) >= 0 else (low, middle)
        return low * u


def profile_curve(fitted: AdditiveFit, name: str, values: npt.ArrayLike) -> Array:
    """Smallest objective at fixed values of E, alpha or beta, for a profile plot.

    Parameters
    ----------
    fitted : LawFit
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
    position = PARAMETERS.index(name)
    design, best = fitted.solution.design, fitted.solution.theta
    free = fitted.settings.free.copy()
    free[position] = False
    target = values / design.scale if name == "E" else values
    if fitted.settings.tie:
        free[3:] = False
    out = np.full(len(values), np.inf)
    # sweep both ways, each point started from its neighbour and from the optimum
    for order in (np.argsort(values), np.argsort(-values)):
        previous = best
        for i in order:
            tried = np.array([previous, best])
            if name == "E":
                tried = np.vstack([tried, starts(design, fitted.weights, fixed_E=target[i], tie=fitted.settings.tie)])
            tried[:, position] = target[i]
            if fitted.settings.tie and name != "E":
                tried[:, 3:] = target[i]
            theta, objective, _ = polish(tried, design, weights=fitted.weights, delta=fitted.solution.delta, free=free)
            k = int(np.argmin(objective))
            out[i] = min(out[i], objective[k])
            previous = theta[k]
    return out
