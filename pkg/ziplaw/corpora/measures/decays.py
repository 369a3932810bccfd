"""Exponents of decay, and whether a power law can be told at all: an interval, a rival law, and the reason if not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, geomspace, log
from .block_entropies import Estimate
from .lagged_correlations import Correlation

Array = npt.NDArray[np.float64]

LEVEL = 0.95
# orders of context whose blocks were nearly all seen more than once
LEAST_COVERAGE = 0.9
LEAST_ORDERS = 4
LEAST_LAGS, LEAST_SPAN = 5, 8
EXPONENTS = (0.02, 20.0)
_STEPS = 400


@dataclass(frozen=True)
class Decay:
    """An exponent of decay.

    Attributes
    ----------
    exponent : float or None
        Best fit; None with too few distances for one.
    low, high : float or None
        95 % interval; None at an end that the data do not bound.
    used : tuple of int
        Context lengths n, or distances t, that it is fitted to.
    reason : str or None
        Why no power law can be told; None where one can.
    """

    exponent: float | None
    low: float | None
    high: float | None
    used: tuple[int, ...]
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as a result holds them."""
        return {
            "exponent": self.exponent,
            "low": self.low,
            "high": self.high,
            "used": list(self.used),
            "identified": self.reason is None,
            "reason": self.reason,
        }


def entropy_decay(conditional: Sequence[Estimate]) -> Decay:
    """Gamma of H_n = H_inf + c n^-gamma, fitted to the orders n that are well covered, to the first three at least.

    Least squares over H_inf >= 0, c >= 0 and gamma, weighted by the errors of H_n (`Estimate.error`); the interval is a
    profile, with Student's t and the residuals' own size where the law misses by more than the errors.

    Parameters
    ----------
    conditional : sequence of Estimate
        H_1, H_2, H_3, ...

    Returns
    -------
    Decay
        Not identified with fewer than LEAST_ORDERS orders, where the interval has an open end, or where the decay is
        as well exponential (c e^(-n / xi)).
    """
    covered = 0
    while covered < len(conditional) and conditional[covered].coverage >= LEAST_COVERAGE:
        covered += 1
    used = range(1, max(covered, 3) + 1)
    reason = None
    if covered < LEAST_ORDERS:
        reason = f"contexts up to {covered} tokens are covered, {LEAST_ORDERS} are needed"
    orders = np.array(used, dtype=np.float64)
    values = np.array([conditional[n - 1].value for n in used])
    weights = np.array([1.0 / max(conditional[n - 1].error, 1e-9) for n in used])

    def power(gamma: float) -> float:
        return _misfit(exp(-gamma * log(orders)), values, weights)

    def exponential(rate: float) -> float:
        return _misfit(exp(-rate * (orders - 1.0)), values, weights)

    gamma, least = _lowest(power)
    free = len(used) - 3
    low = high = None
    if free:
        reach = float(student_quantile(free, (1 + LEVEL) / 2))
        allowed = least + max(1.0, least / free) * reach * reach
        low, high = _ends(power, gamma, allowed)
        if reason is None and (low is None or high is None):
            reason = "the interval of gamma has an open end"
        if reason is None and _lowest(exponential)[1] <= least:
            reason = "an exponential decay fits as well"
    return Decay(gamma, low, high, tuple(used), reason)


def correlation_decay(correlations: Sequence[Correlation]) -> Decay:
    """Beta of |C(t)| ~ t^-beta: the slope of ln |C| on ln t over all lags above the noise.

    Ordinary least squares; the interval is Student's t, from what the line leaves over.

    Parameters
    ----------
    correlations : sequence of Correlation
        As from `lagged_correlations`.

    Returns
    -------
    Decay
        Not identified with fewer than LEAST_LAGS lags or less than a factor of LEAST_SPAN in t, or where the decay is
        as well exponential (ln |C| straight in t).
    """
    used = tuple(one.lag for one in correlations)
    if len(used) < 3:
        return Decay(None, None, None, used, f"{len(used)} distances are above the noise, {LEAST_LAGS} are needed")
    lags = np.array(used, dtype=np.float64)
    sizes = log(np.array([one.size for one in correlations]))
    slope, left = _line(log(lags), sizes)
    centred = log(lags) - log(lags).sum() / len(lags)
    stderr = math.sqrt(left / (len(used) - 2) / float((centred * centred).sum()))
    reach = float(student_quantile(len(used) - 2, (1 + LEVEL) / 2)) * stderr
    reason = None
    if len(used) < LEAST_LAGS or used[-1] < LEAST_SPAN * used[0]:
        reason = f"distances {used[0]} to {used[-1]} are above the noise, a factor of {LEAST_SPAN} is needed"
    elif _line(lags, sizes)[1] <= left:
        reason = "an exponential decay fits as well"
    elif -slope - reach <= 0:
        reason = "the interval of beta reaches 0"
    return Decay(-slope, -slope - reach, -slope + reach, used, reason)


def predicted_exponent(gamma: Decay, beta: Decay) -> Decay:
    """Exponent of the loss in data, gamma / (2 beta) (Cagnetta, Raventos, Ganguli and Wyart 2026, arXiv 2602.07488).

    Returns
    -------
    Decay
        With the ends of both intervals in the worst combination (it holds at least 90 %); identified where both are.
    """
    if gamma.exponent is None or beta.exponent is None or beta.exponent <= 0:
        return Decay(None, None, None, (), gamma.reason or beta.reason or "correlations do not decay")
    reason = gamma.reason or beta.reason
    low = high = None
    if gamma.low is not None and beta.high is not None:
        low = gamma.low / (2 * beta.high)
    if gamma.high is not None and beta.low is not None and beta.low > 0:
        high = gamma.high / (2 * beta.low)
    return Decay(gamma.exponent / (2 * beta.exponent), low, high, (), reason)


def _misfit(decay: Array, values: Array, weights: Array) -> float:
    """Least weighted squares of values = floor + c decay, floor and c not below 0."""
    w, a, y = weights * weights, decay, values
    sw, sa, sy = float(w.sum()), float((w * a).sum()), float((w * y).sum())
    saa, say = float((w * a * a).sum()), float((w * a * y).sum())
    size = sw * saa - sa * sa
    c = (sw * say - sa * sy) / size if size > 1e-12 * sw * saa else 0.0
    floor = (sy - c * sa) / sw
    if c < 0:
        c, floor = 0.0, sy / sw
    elif floor < 0:
        c, floor = say / saa, 0.0
    left = y - floor - c * a
    return float((w * left * left).sum())


def _lowest(curve: Callable[[float], float]) -> tuple[float, float]:
    """Where a curve over EXPONENTS is lowest, and how low: a grid, and a finer one around its best."""
    low, high = EXPONENTS
    for _ in range(3):
        grid = geomspace(low, high, _STEPS)
        values = [curve(float(x)) for x in grid]
        best = values.index(min(values))
        low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _STEPS - 1)])
    return float(grid[best]), values[best]


def _ends(curve: Callable[[float], float], best: float, allowed: float) -> tuple[float | None, float | None]:
    """Where a curve leaves what is allowed, below and above its best; None where it does not."""
    ends: list[float | None] = []
    for border in EXPONENTS:
        if curve(border) <= allowed:
            ends.append(None)
            continue
        inside, outside = best, border
        for _ in range(60):
            middle = math.sqrt(inside * outside)
            inside, outside = (middle, outside) if curve(middle) <= allowed else (inside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope of the least-squares line, and the squares that it leaves over."""
    dx, dy = x - x.sum() / len(x), y - y.sum() / len(y)
    slope = float((dx * dy).sum() / (dx * dx).sum())
    left = dy - slope * dx
    return slope, float((left * left).sum())
