"""Intervals without resampling: the delta method with Student t, and profile likelihood."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from ..forms import arguments
from ..forms.allocation import exponents, optimal_split
from ..forms.chinchilla import PARAMETERS, additive
from ..solve.additive import EXPONENT_BOUNDS, huber, polish
from ..solve.diagnostics import covariance, estimable, score_moments
from ..solve.starts import starts as all_starts
from .bootstrap import unknown_ranges


def quantities(C=None, N=None, D=None):
    """Return what an interval may be asked for: name -> function of (..., 5) parameters, on a scale that is near normal.

    Parameters
    ----------
    C : float, optional
        Training FLOPs: adds "N_opt", "D_opt" and "loss_opt".
    N, D : float, optional
        Adds "loss", the prediction there.

    Returns
    -------
    dict
        name -> (function, whether the function returns the logarithm of the quantity).
    """
    out = {name: (lambda p, i=i: np.log(p[..., i]), True) for i, name in enumerate(PARAMETERS[:3])}
    out.update({name: (lambda p, i=i: p[..., i], False) for i, name in ((3, "alpha"), (4, "beta"))})
    out.update({name: (lambda p, i=i: exponents(p)[i], False) for i, name in enumerate(("a", "b", "log10_G"))})
    if C is not None:
        for i, name in enumerate(("N_opt", "D_opt", "loss_opt")):
            out[name] = (lambda p, i=i: np.log(optimal_split(p, C)[i]), True)
    if N is not None and D is not None:
        out["loss"] = (lambda p: np.log(additive(p, N, D)), True)
    return out


def _natural(phi):
    """E, A, B, alpha, beta of (ln E, ln A, ln B, alpha, beta)."""
    phi = np.asarray(phi, dtype=np.float64)
    return np.concatenate([np.exp(phi[..., :3]), phi[..., 3:]], axis=-1)


def _phi(fitted):
    with np.errstate(divide="ignore"):
        return np.concatenate([np.log(fitted.parameters[:3]), fitted.parameters[3:]])


def _gradient(function, phi, free):
    out = np.zeros(5)
    for i in np.flatnonzero(free):
        step = np.zeros(5)
        step[i] = 1e-6 * max(1.0, abs(phi[i]))
        out[i] = (function(_natural(phi + step)) - function(_natural(phi - step))) / (2 * step[i])
    return out


def delta_interval(fitted, level=0.95, **at):
    """Intervals by the delta method: estimate +- t standard errors, on the log scale where the quantity is positive.

    Parameters
    ----------
    fitted : LawFit
        The law.
    level : float
        Coverage to aim at.
    **at
        C, or N and D, for allocations and predictions; see ``quantities``.

    Returns
    -------
    dict
        name -> (lo, hi); what is held fixed has its value twice, what cannot be found its whole range.
    """
    cov, free, phi = covariance(fitted), estimable(fitted), _phi(fitted)
    t = stats.t.ppf((1 + arguments.check_level(level)) / 2, max(fitted.n - fitted.settings.n_free, 1))
    out = {}
    for name, (function, is_log) in quantities(**at).items():
        with np.errstate(all="ignore"):
            centre = float(function(_natural(phi)))
            g = _gradient(function, phi, free)
            half = t * np.sqrt(max(float(g[free] @ cov[np.ix_(free, free)] @ g[free]), 0.0))
            ends = np.array([centre - half, centre + half])
            lo, hi = np.exp(ends) if is_log else ends
        out[name] = (float(lo), float(hi)) if np.isfinite(centre) else (0.0, np.inf)
    return _clean(fitted, out)


def _clean(fitted, out):
    s = fitted.settings
    if s.free[0] and fitted.solution.theta[0] <= 0:
        out["E"] = (0.0, np.inf)
    for name in ("a", "b"):
        out[name] = (max(out[name][0], 0.0), min(out[name][1], 1.0))
    return {**out, **{name: pair for name, pair in unknown_ranges(fitted).items() if name in out}}


def criterion(fitted, level=0.95):
    """How far the objective may rise above its minimum inside the profile-likelihood region of one quantity.

    2 (S - S_min) E[psi'] / E[psi^2] is compared with the F(1, n - p) quantile: for least squares the usual likelihood
    ratio with an estimated variance; for a Huber sum its robust form.
    """
    freedom = max(fitted.n - fitted.settings.n_free, 1)
    square, slope = score_moments(fitted.residuals, fitted.weights, fitted.solution.delta, fitted.settings.n_free)
    return 0.5 * square / slope * float(stats.f.ppf(arguments.check_level(level), 1, freedom))


def profile_interval(fitted, level=0.95, names=None, **at):
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
    out = {}
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

    def __init__(self, fitted, rise):
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

    def extreme(self, function, sign):
        """Smallest (sign -1) or largest (+1) value of a function of natural parameters over the region."""

        def value(u):
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


def profile_curve(fitted, name, values):
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
            starts = np.array([previous, best])
            if name == "E":
                starts = np.vstack(
                    [starts, all_starts(design, fitted.weights, fixed_E=target[i], tie=fitted.settings.tie)]
                )
            starts[:, position] = target[i]
            if fitted.settings.tie and name != "E":
                starts[:, 3:] = target[i]
            theta, objective, _ = polish(starts, design, weights=fitted.weights, delta=fitted.solution.delta, free=free)
            k = int(np.argmin(objective))
            out[i] = min(out[i], objective[k])
            previous = theta[k]
    return out
