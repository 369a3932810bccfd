"""The paper's regression: each fitted parameter on H by ordinary least squares, as if the fits had no error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...numerics.distributions import student_beyond, student_quantile
from ...numerics.functions import log, product
from ..forms.allocation import exponents
from ..forms.chinchilla import PARAMETERS
from ..solve.additive import Array
from .selection import estimates

_COLUMNS = ("E", "A", "B", "alpha", "beta", "ln_A", "ln_B", "a")
_LABEL = "two-stage OLS, ignores first-stage error, anti-conservative: it rejects a true null too often"


def ols(H: Array, values: Array, level: float = 0.95) -> dict[str, Any]:
    """Ordinary least squares of values (K,) on H (K,), with t intervals.

    Returns
    -------
    dict
        slope, slope_ci, intercept, intercept_ci, p_value (of the slope), r2, n.
    """
    n = len(H)
    x = H - H.mean()
    slope = float(product(x, values) / product(x, x))
    intercept = float(values.mean() - slope * H.mean())
    rest = values - intercept - slope * H
    total = float(np.square(values - values.mean()).sum())
    s2 = float(product(rest, rest)) / (n - 2)
    sd = np.sqrt(s2 / product(x, x))
    sd0 = np.sqrt(s2 * (1 / n + np.square(H.mean()) / product(x, x)))
    t = student_quantile(n - 2, (1 + level) / 2)
    return {
        "slope": slope,
        "slope_ci": [slope - t * sd, slope + t * sd],
        "intercept": intercept,
        "intercept_ci": [intercept - t * sd0, intercept + t * sd0],
        "p_value": float(2 * student_beyond(abs(slope) / sd, n - 2)) if sd > 0 else None,
        "r2": float(1 - product(rest, rest) / total) if total > 0 else None,
        "n": n,
    }


def two_stage(used: Sequence[Mapping[str, Any]], variant: str, level: float = 0.95) -> dict[str, Any]:
    """The paper's regression: each fitted parameter on H by OLS, as if the fits had no error."""
    values, _, H = estimates(used, variant)
    columns = dict(zip(PARAMETERS, values.T))
    columns["ln_A"], columns["ln_B"] = log(values[:, 1]), log(values[:, 2])
    columns["a"] = exponents(values)[0]
    return {"label": _LABEL, "level": level, "parameters": {name: ols(H, columns[name], level) for name in _COLUMNS}}
