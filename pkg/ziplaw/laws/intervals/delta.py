"""Intervals by the delta method with Student t: no refit, and right where the law is nearly linear.

The covariance takes one spread of errors for all rows ("delta"), or each row's own error ("sandwich").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, log, product
from ..forms import arguments
from ..solve.additive import Array
from .view import Ends, Function, HasView


def delta_interval(fitted: HasView, level: float = 0.95, robust: bool = False, **at: float | None) -> dict[str, Ends]:
    """Intervals by the delta method: estimate +- t standard errors, on the log scale where the quantity is positive.

    Parameters
    ----------
    fitted : LawFit, FormFit or LinkFit
        The law.
    level : float
        Coverage to aim at.
    robust : bool
        Whether each row's error has a spread of its own: the sandwich, see ``View.covariance``.
    **at
        C, or N and D, for allocations and predictions; see ``quantities``.

    Returns
    -------
    dict
        name -> (lo, hi); what is held fixed has its value twice, what cannot be found its whole range.
    """
    view, chart = fitted.view, fitted.view.chart(robust)
    t = _quantile(view, level)
    out = {name: _ends(chart, t, *quantity) for name, quantity in view.quantities(**at).items()}
    # what is held at zero has no logarithm
    out |= {name: (value, value) for name, value in view.held().items() if value <= 0}
    for name in {"a", "b"} & set(out):
        out[name] = (max(out[name][0], 0.0), min(out[name][1], 1.0))
    return {**out, **{name: pair for name, pair in view.unknown().items() if name in out}}


def delta_interval_of(
    fitted: HasView, function: Function, level: float = 0.95, on_log: bool = True, robust: bool = False
) -> Ends:
    """Interval of any function of natural parameters (..., q), which is positive where ``on_log``."""
    view = fitted.view

    def of_point(point: Array) -> Any:
        value = function(view.natural_of(point))
        return log(value) if on_log else value

    return _ends(view.chart(robust), _quantile(view, level), of_point, on_log)


def _quantile(view, level):
    return student_quantile(view.freedom, (1 + arguments.check_level(level)) / 2)


def _ends(chart, t, function, is_log):
    cov = chart.covariance[np.ix_(chart.free, chart.free)]
    with np.errstate(all="ignore"):
        centre = float(function(chart.to_point(chart.centre)))
        g = _gradient(function, chart)
        half = t * np.sqrt(max(float(product(g[chart.free], cov, g[chart.free])), 0.0))
        ends = np.array([centre - half, centre + half])
        lo, hi = exp(ends) if is_log else ends
    return (float(lo), float(hi)) if np.isfinite(centre) else (0.0, np.inf)


def _gradient(function, chart):
    out = np.zeros(len(chart.centre))
    for i in np.flatnonzero(chart.free):
        step = np.zeros(len(out))
        # central differences: the error is of the step squared, and rounding of 1e-16 / 1e-6
        step[i] = 1e-6 * max(1.0, abs(chart.centre[i]))
        ends = (function(chart.to_point(chart.centre + sign * step)) for sign in (1, -1))
        out[i] = (next(ends) - next(ends)) / (2 * step[i])
    return out
