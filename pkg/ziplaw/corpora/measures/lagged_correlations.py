"""How strongly tokens hang together at a distance: the size of their covariance, above the noise of counting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .block_entropies import GROUPS, Tokens, stderr_of_groups, tallied

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
# the noise of independent pairs is a mean over so many pairings of distant rows
_PAIRINGS = 4
# a lag counts as long as its squared size is this many times that of independent pairs
_ABOVE_NOISE = 2.0


@dataclass(frozen=True)
class Correlation:
    """The covariance of tokens at one distance.

    Attributes
    ----------
    lag : int
        Tokens between one and the other, t.
    size : float
        Frobenius norm of C(t), what counting adds taken off.
    stderr : float
        From the scatter of GROUPS runs of rows.
    """

    lag: int
    size: float
    stderr: float


def lagged_correlations(rows: Tokens) -> list[Correlation]:
    """Sizes of C(t) = P(x_i = a, x_(i+t) = b) - P(x_i = a) P(x_(i+t) = b) over a row of distances t.

    Cagnetta et al. (2026) take the largest singular value and say that the Frobenius norm goes alike. This is the
    latter, whose bias can be taken off: counts of independent pairs give a squared norm of about 1 / pairs. It is
    measured on pairs from distant rows, which are as bursty and have nothing to do with each other.

    Parameters
    ----------
    rows : ndarray of integers, shape (n, width)
        n of at least 2 GROUPS.

    Returns
    -------
    list of Correlation
        Of the lags in LAGS up to half the width, and only up to the last before the first that is not above the noise.
    """
    n, width = rows.shape
    apart = [np.roll(rows, (k + 1) * n // (_PAIRINGS + 1), axis=0) for k in range(_PAIRINGS)]
    noise = math.fsum(_squared_size(rows[:, :-1], other[:, 1:]) for other in apart) / _PAIRINGS
    found = []
    for lag in LAGS:
        if 2 * lag > width:
            break
        first, second = rows[:, :-lag], rows[:, lag:]
        floor = noise * (width - 1) / (width - lag)
        squared = _squared_size(first, second)
        if squared <= _ABOVE_NOISE * floor:
            break
        size = math.sqrt(squared - floor)
        # the noise of a group is larger by as much as it is smaller, and the same in each
        groups = [_squared_size(*pair) for pair in zip(np.array_split(first, GROUPS), np.array_split(second, GROUPS))]
        found.append(Correlation(lag, size, stderr_of_groups(groups) / (2 * size)))
    return found


def _squared_size(first: Tokens, second: Tokens) -> float:
    """Squared Frobenius norm of the covariance of pairs, by the pairs that occur."""
    vocabulary = max(int(first.max()), int(second.max())) + 1
    pairs, counts = tallied(first.astype(np.int64) * vocabulary + second, vocabulary * vocabulary)
    firsts, seconds = _shares(first, vocabulary), _shares(second, vocabulary)
    shares = counts / first.size
    # sum (p_ab - p_a q_b)^2, of which only the last term has pairs that never occur
    crossed = shares * (shares - 2.0 * firsts[pairs // vocabulary] * seconds[pairs % vocabulary])
    return float(crossed.sum() + (firsts * firsts).sum() * (seconds * seconds).sum())


def _shares(tokens: Tokens, vocabulary: int) -> npt.NDArray[np.float64]:
    return np.bincount(tokens.ravel(), minlength=vocabulary) / tokens.size
