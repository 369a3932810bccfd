"""The mixture with the lowest predicted loss, and whether what it gains is more than the law's uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log, product
from ...numerics.minimise import convex_on_simplex, on_simplex
from ..forms.arguments import Array
from .mixtures import MixtureLaw

_OPTIMISM_REFITS = 40


@dataclass(frozen=True)
class BestMixture:
    """A mixture, against a reference.

    Attributes
    ----------
    weights, reference : ndarray float64 (J,)
    loss, reference_loss : float
        The target by the law.
    gain : float
        Reference less best, the optimism of choosing and judging by one law taken off.
    interval : pair of float
        Of the gain, of two runs yet to be measured.
    optimism : float
        What was taken off.
    distance : float
        Total variation (half the sum of |differences|) to the nearest measured mixture.
    usual_distance : float
        The 95th percentile of that distance among the measured mixtures; beyond it the law extrapolates.
    """

    weights: Array
    reference: Array
    loss: float
    reference_loss: float
    gain: float
    interval: tuple[float, float]
    optimism: float
    distance: float
    usual_distance: float

    @property
    def is_real(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.interval[0] > 0

    @property
    def extrapolates(self) -> bool:
        """Whether no measured mixture is near."""
        return self.distance > self.usual_distance


def best_mixture(
    law: MixtureLaw,
    target: npt.ArrayLike | None = None,
    *,
    low: npt.ArrayLike = 0.0,
    high: npt.ArrayLike | None = None,
    reference: npt.ArrayLike | None = None,
    level: float = 0.95,
    draws: int = 200,
    seed: int = 42,
) -> BestMixture:
    """Minimise a weighted sum of the domains' losses over mixtures; the problem is convex.

    Parameters
    ----------
    law : MixtureLaw
    target : array-like (T,), optional
        What each domain's loss counts, at least 0; divided by their sum. By default all count the same.
    low, high : array-like (J,) or float
        Limits of the weights. By default at least 0 and at most the largest weight measured: beyond it the law
        extrapolates.
    reference : array-like (J,), optional
        What the gain is over; by default the measured mixture with the lowest measured target.
    level, draws, seed
        Of the interval.

    Raises
    ------
    FitError
        When the limits leave no mixture, or the target counts nothing.
    """
    T, J = len(law.domains), len(law.names)
    share = np.full(T, 1.0) if target is None else np.asarray(target, dtype=np.float64)
    if share.shape != (T,) or not np.isfinite(share).all() or (share < 0).any() or not share.sum() > 0:
        raise FitError(f"the target {share} must be {T} numbers from 0, not all 0: one for each domain's loss")
    share = share / share.sum()
    measured = law.weights.max(axis=0)
    lo = np.broadcast_to(np.asarray(low, dtype=np.float64), J)
    hi = np.minimum(measured, 1.0) if high is None else np.broadcast_to(np.asarray(high, dtype=np.float64), J)
    for j in np.flatnonzero(~((lo >= 0) & (lo <= hi) & (hi <= 1)))[:1]:
        raise FitError(f"the limits of {law.names[j]} are {lo[j]:g} to {hi[j]:g}, must lie from 0 to 1 in order")
    for j in np.flatnonzero((measured == 0) & (hi > 0))[:1]:
        raise FitError(f"{law.names[j]} is 0 in every run: nothing is known of it; limit it to 0")
    if lo.sum() > 1 + 1e-9 or hi.sum() < 1 - 1e-9:
        raise FitError(f"the least weights sum to {lo.sum():.4g} and the largest to {hi.sum():.4g}: 1 must lie between")
    if reference is None:
        base = law.weights[int(np.argmin(product(law.losses, share)))]
    else:
        base = np.asarray(reference, dtype=np.float64)
    best = _minimise(law.theta, share, lo, hi, base)
    points = np.array([best, base])
    loss, reference_loss = product(law.predict(points), share).tolist()
    thetas = law.refits(draws, seed)
    drawn = law.predict(points, thetas)
    random = np.random.default_rng([seed, 2])
    scatter = log(law.losses / law.held_out)
    drawn = product((drawn * exp(scatter[random.integers(0, len(scatter), size=drawn.shape[:2])])), share)
    found = [_minimise(theta, share, lo, hi, best) for theta in thetas[:_OPTIMISM_REFITS]]
    optimism = float(np.mean([_target(law.theta, w, share) - loss for w in found]))
    optimism = max(optimism, 0.0)
    gains = drawn[:, 1] - drawn[:, 0] - optimism
    ends = np.quantile(gains, [0.5 - level / 2, 0.5 + level / 2])
    distance, usual = _distances(law.weights, best)
    return BestMixture(best, base, loss, reference_loss, reference_loss - loss - optimism,
                       (float(ends[0]), float(ends[1])), optimism, distance, usual)  # fmt: skip


def _target(theta, w, share):
    return float(product((theta[:, 0] + exp(np.minimum(product(theta[:, 1:], w), 60.0))), share))


def _minimise(theta, share, lo, hi, start):
    """Return the best mixture within limits: the sum of exponentials is convex, so any descent ends at the optimum."""

    def value(w):
        excess = share * exp(np.minimum(product(theta[:, 1:], w), 60.0))
        return float(excess.sum()), product(excess, theta[:, 1:])

    scale = 1.0 / max(value(start)[0], 1e-300)
    w = convex_on_simplex(lambda w: tuple(part * scale for part in value(w)), start, lo, hi)
    w = np.where(w < 1e-9, 0.0, w)
    best = w / w.sum()
    return best if value(best)[0] <= value(start := on_simplex(start, lo, hi))[0] else start


def _distances(weights, point):
    """Return the total variation from a point to the nearest mixture, and the 95th percentile of that among them."""
    nearest = float(np.abs(weights - point).sum(axis=1).min() / 2)
    rows = weights[:: max(1, len(weights) // 500)]
    own = np.array([np.sort(np.abs(weights - row).sum(axis=1))[1] / 2 for row in rows])
    return nearest, float(np.quantile(own, 0.95))
