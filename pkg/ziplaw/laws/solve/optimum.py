"""The global optimum of the additive law on one table, and what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .additive import Array, Design, polish, residuals
from .starts import starts

OBJECTIVES = ("huber", "log-mse", "huber-scaled")
_HUBER_EFFICIENT = 1.345  # delta in standard deviations: 95 % efficient under normal noise
_SAME_OPTIMUM = 1e-6  # relative
_ROWS_RESTARTED, _MOST_RESTARTS, _LEAST_RESTARTS = 840, 24, 8


@dataclass(frozen=True)
class Settings:
    """What was asked of a fit; everything needed to repeat it on other rows."""

    objective: str = "huber"
    delta: float = 1e-3
    fixed_E: float | None = None
    tie: bool = False
    excess_floor: float | None = None

    @property
    def free(self) -> npt.NDArray[np.bool_]:
        """Which of E, A, B, alpha, beta are fitted, bool (5,)."""
        held_E = self.fixed_E is not None or self.excess_floor is not None
        return np.array([not held_E, True, True, True, not self.tie])

    @property
    def n_free(self) -> int:
        """Number of fitted parameters."""
        return int(self.free.sum())


@dataclass(frozen=True)
class Solution:
    """Outcome of one optimisation in centred coordinates."""

    theta: Array  # (5,)
    objective: float
    converged: bool
    delta: float
    fraction_of_starts: float
    design: Design


def find(N: Array, D: Array, loss: Array, weights: Array, settings: Settings) -> Solution:
    """Find the optimum of one table that was checked.

    Starts come from a grid of exponents (``starts``), each is polished while Huber's delta shrinks to its target, and
    the best is sent to the optima of resampled rows and back.

    Parameters
    ----------
    N, D, loss, weights : ndarray, float64 (n,)
        The table.
    settings : Settings
        What is asked.
    """
    design = Design.of(N, D, loss - (settings.excess_floor or 0.0))
    fixed = 0.0 if settings.excess_floor is not None else settings.fixed_E
    fixed = None if fixed is None else fixed / design.scale
    theta0 = starts(design, weights, fixed_E=fixed, tie=settings.tie)
    delta = {"huber": settings.delta, "log-mse": np.inf, "huber-scaled": np.inf}[settings.objective]
    options: dict[str, Any] = {"weights": weights, "free": settings.free, "tie": settings.tie}
    theta, value, converged = polish(theta0, design, delta=delta, **options)
    restarted = _restarts(theta[np.argmin(value)], design, delta, options)
    theta, value, converged = (np.concatenate(pair) for pair in zip((theta, value, converged), restarted))
    if settings.objective == "huber-scaled":
        for _ in range(3):
            best = theta[np.argmin(value)]
            delta = _HUBER_EFFICIENT * robust_scale(residuals(best[None], design)[0], settings.n_free)
            theta, value, converged = polish(theta, design, delta=delta, **options)
    best = int(np.argmin(value))
    lowest = float(value[best])
    # an objective that is zero to rounding is the same optimum, whatever its digits
    same = value[: len(theta0)] <= lowest * (1 + _SAME_OPTIMUM) + 1e-26 * weights.sum()
    return Solution(
        theta=theta[best],
        objective=lowest,
        converged=bool(converged[best]) and bool(np.isfinite(lowest)),
        delta=float(delta),
        fraction_of_starts=float(same.mean()),
        design=design,
    )


def _restarts(
    theta: Array, design: Design, delta: float, options: dict[str, Any]
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Look for a better optimum near theta (5,): go to the optima of resampled rows and back to all rows.

    Far below the noise, delta makes an objective with kinks, and where rows share an error with basins too small for a
    grid of starts; resampling shakes loose what holds theta in one (bootstrap restarting, Wood 2001).
    """
    n = len(design.x)
    count = min(max(_ROWS_RESTARTED // n, _LEAST_RESTARTS), _MOST_RESTARTS)
    weights = options["weights"] * np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=count)
    away = polish(
        np.repeat(theta[None], count, axis=0),
        design,
        delta=delta,
        max_steps=20,
        anneal=False,
        **{**options, "weights": weights},
    )[0]
    theta, value, _ = polish(away, design, delta=delta, max_steps=15, anneal=False, **options)
    behind = np.argsort(value, kind="stable")[:4]
    return polish(theta[behind], design, delta=delta, anneal=False, **options)


def robust_scale(r: Array, n_free: int) -> float:
    """Standard deviation of log residuals by the median absolute value of all but ``n_free`` of them."""
    size = np.sort(np.abs(r))[min(n_free, len(r) - 1) :]
    return max(1.4826 * float(np.median(size)) if len(size) else 0.0, 1e-9)
