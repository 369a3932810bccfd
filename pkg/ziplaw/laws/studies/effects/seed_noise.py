"""What a second seed says of an estimate's noise, and whether the errors that fits claim agree with it.

Two seeds of one dataset give x1 and x2 of one truth, so (x1 - x2)^2 / 2 is on average the variance of one seed's
estimate, and (x1 - x2)^2 / (v1 + v2) is on average 1 where the fits' variances v are right. Over n datasets the sums of
both are chi-squared with n degrees of freedom, which is where the intervals come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....numerics.distributions import chi_squared_beyond
from ...solve.additive import Array

_HALVINGS = 80


@dataclass(frozen=True)
class SeedNoise:
    """Noise of one seed.

    Attributes
    ----------
    n : int
        Datasets of two seeds.
    sd : float
        Standard deviation of one seed's estimate.
    sd_interval : tuple of float
    claimed : float
        What the fits say it is: root mean square of their standard errors.
    ratio : float
        Root mean square of differences over what the fits foretell: 1 where they are right, less where they say too
        much error.
    ratio_interval : tuple of float
    verdict : str
        "agree" where the ratio's interval holds 1, else "fits claim too much error" or "fits claim too little error".
    """

    n: int
    sd: float
    sd_interval: tuple[float, float]
    claimed: float
    ratio: float
    ratio_interval: tuple[float, float]
    verdict: str


def seed_noise(first: Array, second: Array, variance: Array, other_variance: Array, level: float = 0.95) -> SeedNoise:
    """Compare estimates (n,) of two seeds of n datasets, with the variances that their fits claim."""
    n = len(first)
    squares = np.square(first - second)
    sd = float(np.sqrt(squares.mean() / 2))
    ratio = float(np.sqrt((squares / (variance + other_variance)).mean()))
    beyond = (1 - level) / 2
    # n s^2 / sigma^2 is chi-squared
    low, high = (float(np.sqrt(n / chi_squared_quantile(n, share))) for share in (1 - beyond, beyond))
    ends = (ratio * low, ratio * high)
    verdict = "agree" if ends[0] <= 1 <= ends[1] else f"fits claim too {'much' if ends[1] < 1 else 'little'} error"
    claimed = float(np.sqrt(np.concatenate([variance, other_variance]).mean()))
    return SeedNoise(n, sd, (sd * low, sd * high), claimed, ratio, ends, verdict)


def chi_squared_quantile(df: int, share: float) -> float:
    """The value that a chi-squared of ``df`` degrees of freedom stays below with this probability, by halving."""
    low, high = 0.0, df + 20.0 * np.sqrt(2.0 * df) + 50.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if chi_squared_beyond(middle, df) > 1 - share:
            low = middle
        else:
            high = middle
    return float(0.5 * (low + high))
