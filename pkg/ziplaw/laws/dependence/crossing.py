"""Where the lines of alpha and beta in H meet, and so where the best split turns from parameters to data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...numerics.distributions import student_quantile
from ...numerics.functions import product
from ..forms.allocation import exponents
from .law_in_H import law_arrays, parameters_at


def crossing(law: Mapping[str, Any], level: float = 0.95, H_range: Sequence[float] | None = None) -> dict[str, Any]:
    """Where alpha(H) = beta(H), which is also where the split's exponent a(H) = beta/(alpha+beta) is one half.

    Returns
    -------
    dict
        ``H`` (the lines' crossing, None where they are parallel), ``interval`` (Fieller's, [None, None] where the
        slopes are too uncertain to bound it), ``in_range``, ``slope_of_a`` (da/dH there: negative means that the
        optimal split moves from parameters towards data as H grows) and ``text``.
    """
    coefficients, covariance, _, df, c = law_arrays(law)
    contrast = np.zeros((2, 10))
    contrast[0, [6, 8]] = contrast[1, [7, 9]] = 1, -1
    (d0, d1), V = product(contrast, coefficients.ravel()), product(contrast, covariance, contrast.T)
    t2 = np.square(student_quantile(df, (1 + level) / 2))
    H_cross = c["H"] - d0 / d1 if abs(d1) > 1e-12 else None
    # Fieller: all h with (d0 + d1 h)^2 <= t^2 var(d0 + d1 h)
    p2, p1, p0 = np.square(d1) - t2 * V[1, 1], 2 * (d0 * d1 - t2 * V[0, 1]), np.square(d0) - t2 * V[0, 0]
    interval = [None, None]
    under = np.square(p1) - 4 * p2 * p0
    if p2 > 0 and under >= 0:
        interval = [c["H"] + (-p1 + sign * np.sqrt(under)) / (2 * p2) for sign in (-1, 1)]
    in_range = None
    if H_cross is not None and H_range is not None:
        in_range = bool(H_range[0] <= H_cross <= H_range[1])
    slope = None
    if H_cross is not None:
        at = parameters_at(law, np.array([H_cross - 1e-4, H_cross + 1e-4]))
        slope = float(np.diff(exponents(at)[0])[0] / 2e-4)
    result = {"H": None if H_cross is None else float(H_cross), "interval": [_float(v) for v in interval],
              "in_range": in_range, "slope_of_a": slope, "level": level}  # fmt: skip
    return result | {"text": _crossing_text(result, H_range)}


def _float(value):
    return None if value is None else float(value)


def _crossing_text(found, H_range):
    if found["H"] is None:
        return "alpha = beta at no H: their lines run parallel"
    lo, hi = found["interval"]
    span = "its interval is unbounded" if lo is None else f"{100 * found['level']:g}% interval {lo:.3f} to {hi:.3f}"
    if found["in_range"] is False:
        measured = f"{H_range[0]:.3f} to {H_range[1]:.3f}"
        return f"alpha = beta at no H in the measured range {measured} (the lines meet at H = {found['H']:.3f}, {span})"
    return f"alpha = beta at H = {found['H']:.3f} ({span})"
