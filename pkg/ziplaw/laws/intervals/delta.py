"""Intervals by the delta method with Student t: no refit, and right where the law is nearly linear."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..forms import arguments
from ..solve.additive_fit import AdditiveFit
from ..solve.diagnostics import covariance, estimable
from .quantities import Ends, quantities, unknown_ranges


def delta_interval(fitted: AdditiveFit, level: float = 0.95, **at: float | None) -> dict[str, Ends]:
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
        # central differences: the error is of the step squared, and rounding of 1e-16 / 1e-6
        step[i] = 1e-6 * max(1.0, abs(phi[i]))
        out[i] = (function(_natural(phi + step)) - function(_natural(phi - step))) / (2 * step[i])
    return out


def _clean(fitted, out):
    s = fitted.settings
    if s.free[0] and fitted.solution.theta[0] <= 0:
        out["E"] = (0.0, np.inf)
    for name in ("a", "b"):
        out[name] = (max(out[name][0], 0.0), min(out[name][1], 1.0))
    return {**out, **{name: pair for name, pair in unknown_ranges(fitted).items() if name in out}}
