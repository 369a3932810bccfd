"""Step two of a skill: accuracy as a sigmoid of the task's loss, with the ends that accuracies have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, expit, log
from ..forms.arguments import Array
from .bounded import descend

_STEEP = (-7.0, 9.0)  # of ln(k times the losses' standard deviation)
_PLACE = 60.0  # of k (x0 - the middle loss)


@dataclass(frozen=True, eq=False)
class Sigmoid:
    """accuracy = low + (high - low) / (1 + exp(k (loss - x0))).

    Attributes
    ----------
    theta : ndarray float64 (4,)
        ln(k s), k (x0 - m), low, high with m and s the mean and standard deviation of the losses.
    middle, spread : float
        m and s.
    loss, accuracy : ndarray float64 (n,)
    bounds : pair of ndarray (4,)
        Equal where an end is held.
    converged : bool
    """

    theta: Array
    middle: float
    spread: float
    loss: Array
    accuracy: Array
    bounds: tuple[Array, Array]
    converged: bool

    def predict(self, loss: npt.ArrayLike, theta: Array | None = None) -> Array:
        """Accuracy (...,) at losses (...,) by theta (..., 4)."""
        theta = self.theta if theta is None else theta
        z = (np.asarray(loss, dtype=np.float64) - self.middle) / self.spread
        rise = expit(theta[..., 1] - exp(theta[..., 0]) * z)
        return theta[..., 2] + (theta[..., 3] - theta[..., 2]) * rise

    @property
    def parameters(self) -> dict[str, float]:
        """k, x0, low, high: per unit of loss, in units of loss, accuracies."""
        return {name: float(value) for name, value in self.natural(self.theta).items()}

    def natural(self, theta: Array) -> dict[str, Array]:
        """The parameters by theta (..., 4), each (...,)."""
        k = exp(theta[..., 0]) / self.spread
        return {"k": k, "x0": self.middle + theta[..., 1] / k, "low": theta[..., 2], "high": theta[..., 3]}

    @property
    def n_free(self) -> int:
        """Parameters that were fitted."""
        return int((self.bounds[0] < self.bounds[1]).sum())

    @property
    def freedom(self) -> int:
        """Runs less parameters."""
        return max(len(self.loss) - self.n_free, 1)

    @property
    def residuals(self) -> Array:
        """Accuracy less the sigmoid, (n,)."""
        return self.accuracy - self.predict(self.loss)

    @property
    def scatter(self) -> float:
        """Standard deviation about the sigmoid, in accuracy."""
        return float(np.sqrt(np.square(self.residuals).sum() / self.freedom))

    def redrawn(self, accuracy: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Refit to redrawn accuracies (B, n) from here; returns theta (B, 4) and whether each converged."""
        start = np.repeat(self.theta[None], len(accuracy), axis=0)
        found, _, converged = _solve(self.loss, accuracy, self.middle, self.spread, start, self.bounds)
        return found, converged


def fit_sigmoid(loss: Array, accuracy: Array, *, low: float | None = None, high: float | None = 1.0) -> Sigmoid:
    """Fit accuracy as a sigmoid of loss by least squares.

    Parameters
    ----------
    loss, accuracy : ndarray float64 (n,)
        The task's loss and accuracy (0 to 1) of each run.
    low : float, optional
        The lower end; None fits it, between 0 and the mean accuracy.
    high : float, optional
        The upper end; 1 by default, for an answer that costs no bits is the right one. None fits it, which runs far
        from it cannot tell.
    """
    middle, spread = float(loss.mean()), float(loss.std()) or 1.0
    floor, ceiling = float(accuracy.min()), float(accuracy.max())
    # noise takes the least accuracy below the lower end, and the largest above the upper one
    middle_accuracy = min(max(float(accuracy.mean()), 1e-6), 1.0)
    ends = [
        (0.0, middle_accuracy) if low is None else (low, low),
        (middle_accuracy, 1.0) if high is None else (high, high),
    ]
    bounds = (
        np.array([_STEEP[0], -_PLACE, ends[0][0], ends[1][0]]),
        np.array([_STEEP[1], _PLACE, ends[0][1], ends[1][1]]),
    )
    starts = []
    for lower in (0.5, 0.95) if low is None else (1.0,):
        for upper in (1.0, 0.4) if high is None else (1.0,):
            lo = lower * floor if low is None else low
            hi = ceiling + upper * (1 - ceiling) if high is None else high
            share = np.clip((accuracy.mean() - lo) / max(hi - lo, 1e-9), 0.01, 0.99)
            starts += [[log(k), log(share / (1 - share)), lo, hi] for k in (0.2, 0.7, 2.0)]
    theta, cost, converged = _solve(loss, accuracy[None], middle, spread, np.array(starts), bounds)
    best = int(np.argmin(cost))
    return Sigmoid(theta[best], middle, spread, loss, accuracy, bounds, bool(converged[best]))


def _solve(loss, accuracy, middle, spread, theta, bounds):
    z = (loss - middle) / spread

    def residuals(theta, which):
        measured = accuracy[which] if len(accuracy) > 1 else accuracy
        steep = exp(theta[:, :1]) * z
        rise = expit(theta[:, 1:2] - steep)
        height = theta[:, 3:] - theta[:, 2:3]
        slope = height * rise * (1 - rise)
        J = np.stack([-slope * steep, slope, 1 - rise, rise], axis=-1)
        return theta[:, 2:3] + height * rise - measured, J

    return descend(residuals, theta, *bounds)
