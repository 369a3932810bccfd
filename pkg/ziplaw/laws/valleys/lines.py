"""What an approach without a law found: optima, and N_opt = N_factor C^a through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import normal_inverse, student_quantile
from ...numerics.functions import exp, log
from ..forms import arguments
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, Plan
from ..forms.arguments import Array


@dataclass(frozen=True)
class Approach:
    """N_opt = N_factor C^a and D_opt = D_factor C^b through the points that an approach found.

    Attributes
    ----------
    name : str
        "envelope" or "isoflop".
    a, b : float
        Exponents; N D = C/6 makes them add to one.
    a_interval : tuple of float
        By tables redrawn with the runs' own scatter.
    log_N_factor : float
        ln of N_factor.
    C, N, D, loss : ndarray (points,)
        The optima found.
    N_interval : ndarray (points, 2)
        Of each N.
    bias : float or None
        Exponent that the same approach finds on a noise-free additive law at the same (N, D), less that law's own a.
    bias_log_N : float or None
        The same of ln N_opt at the middle compute of the table.
    measured : bool
        Whether the points are budgets of the table, not computes between its runs.
    note : str
        What was fitted, what was left out, and what the approach is known to get wrong.
    """

    name: str
    a: float
    b: float
    a_interval: tuple[float, float]
    log_N_factor: float
    C: Array
    N: Array
    D: Array
    loss: Array
    N_interval: Array
    bias: float | None
    bias_log_N: float | None
    measured: bool
    note: str

    def allocate(self, C: npt.ArrayLike) -> Plan:
        """Return the split of C FLOPs on the fitted line; its loss is not known to this approach (NaN)."""
        C = arguments.check_positive(C, "C")
        N = exp(self.log_N_factor + self.a * log(C))
        D = C / (FLOPS_PER_PARAMETER_TOKEN * N)
        if C.ndim == 0:
            return Plan(float(C), float(N), float(D), float("nan"))
        return Plan(C, N, D, np.full(C.shape, np.nan))


def approach_of(
    name: str,
    *,
    log_C: Array,
    log_N: Array,
    loss: Array,
    line: tuple[float, float],
    a_interval: tuple[float, float],
    N_interval: Array,
    bias: float | None,
    bias_log_N: float | None,
    measured: bool,
    note: str,
) -> Approach:
    """Put an `Approach` together from logarithms; ``line`` is ln N_factor and the exponent."""
    N = exp(log_N)
    return Approach(
        name=name,
        a=float(line[1]),
        b=float(1 - line[1]),
        a_interval=a_interval,
        log_N_factor=float(line[0]),
        C=exp(log_C),
        N=N,
        D=exp(log_C) / (FLOPS_PER_PARAMETER_TOKEN * N),
        loss=loss,
        N_interval=N_interval,
        bias=bias,
        bias_log_N=bias_log_N,
        measured=measured,
        note=note,
    )


def widening(df: float, level: float) -> float:
    """Factor from normal to t quantiles for a scatter that is estimated with so many degrees of freedom."""
    return float(student_quantile(max(df, 1.0), (1 + level) / 2) / normal_inverse((1 + level) / 2))


def interval(value: float, drawn: Array, level: float, widen: float) -> tuple[float, float]:
    """Percentile interval of redrawn values (m,), widened about the estimate; unbounded where none is known."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("-inf"), float("inf")
    low, high = np.quantile(known, ((1 - level) / 2, (1 + level) / 2))
    return float(value + (low - value) * widen), float(value + (high - value) * widen)
