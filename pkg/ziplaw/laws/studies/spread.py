"""Choosing a few of many candidates so that what matters is spread and what confounds is told apart.

First farthest points in the plane of the two measures that matter most (each new one as far as can be from those
chosen), then exchanges: one of the chosen for one of the others, whichever lowers

    sum_j w_j ln V_jj + 1000 max(0, |correlation of the plane's two measures| - limit)^2

most, V = (X'X + ridge)^-1 of all measures with a constant: V_jj is the squared error of measure j's slope, all others
given, at a scatter of one. So a measure is spread and told apart from its rivals by one criterion, w_j saying how
much it matters. No exchange brings two of the chosen nearer than a share of the distance that farthest points keep:
a criterion of straight lines alone would choose corners.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log
from ...numerics.linear import inv

Array = npt.NDArray[np.float64]
# of a slope in units of the candidates' whole range: as if half a dataset had been seen at each end
RIDGE = 0.25
PENALTY = 1000.0
MOST_ROUNDS = 50


def ranged(measures: Array) -> Array:
    """Columns (n, q) from 0 to 1 over their range, 0 where one does not vary."""
    values = np.asarray(measures, dtype=np.float64)
    low = values.min(axis=0)
    wide = values.max(axis=0) - low
    return np.asarray((values - low) / np.where(wide == 0, 1.0, wide))


def farthest_points(points: Array, count: int) -> list[int]:
    """Indices of so many of points (n, d), each as far as can be from those before; the first farthest from the middle.

    Of equally far ones the earliest.
    """
    points = np.asarray(points, dtype=np.float64)
    first = int(np.argmax(_squares(points - points.mean(axis=0))))
    chosen = [first]
    nearest = _squares(points - points[first])
    while len(chosen) < min(count, len(points)):
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, _squares(points - points[chosen[-1]]))
    return chosen


def choose_spread(
    measures: Array, weights: Array, count: int, plane: tuple[int, int], limit: float, keep: float = 0.3
) -> list[int]:
    """Choose so many rows of measures.

    Parameters
    ----------
    measures : ndarray (n, q)
        Of every candidate; any units.
    weights : ndarray (q,)
        How much the error of each one's slope matters.
    count : int
        How many to choose, at most n.
    plane : (int, int)
        The two columns that are spread first and whose correlation is held within ``limit``.
    limit : float
        Largest absolute correlation of these two that costs nothing.
    keep : float
        Share of the least distance of farthest points that exchanges must leave.

    Returns
    -------
    list of int
        Rising indices; the same for the same input on every machine.
    """
    scale = ranged(measures)
    points = np.ascontiguousarray(scale[:, list(plane)])
    chosen = farthest_points(points, count)
    apart = keep * keep * _least_square(points[chosen])
    rows = np.column_stack([np.ones(len(scale)), scale - 0.5])
    outer = rows[:, :, None] * rows[:, None, :]
    ridge = np.diag([0.0] + [RIDGE] * scale.shape[1])
    pair = plane[0] + 1, plane[1] + 1

    def cost(gram: Array) -> Array:
        """Of Gram matrices (..., q + 1, q + 1) of rows with their constant."""
        errors = np.diagonal(inv(gram + ridge), axis1=-2, axis2=-1)[..., 1:]
        mean, number = gram[..., 0, :], gram[..., 0, :1]
        moments = [gram[..., a, b] - mean[..., a] * mean[..., b] / number[..., 0] for a, b in (pair, pair[:1] * 2)]
        other = gram[..., pair[1], pair[1]] - mean[..., pair[1]] * mean[..., pair[1]] / number[..., 0]
        square = np.maximum(moments[1] * other, 1e-30)
        over = np.maximum(abs(moments[0]) / np.sqrt(square) - limit, 0.0)
        return np.asarray((weights * log(errors)).sum(axis=-1) + PENALTY * over * over)

    gram = outer[chosen].sum(axis=0)
    best = float(cost(gram))
    for _ in range(MOST_ROUNDS):
        before = best
        for place, out in enumerate(list(chosen)):
            others = [index for index in chosen if index != out]
            allowed = np.ones(len(scale), dtype=bool)
            allowed[chosen] = False
            for index in others:
                allowed &= _squares(points - points[index]) >= apart
            candidates = np.flatnonzero(allowed)
            if not len(candidates):
                continue
            costs = cost(gram - outer[out] + outer[candidates])
            least = int(np.argmin(costs))
            if float(costs[least]) < best - 1e-9:
                chosen[place] = int(candidates[least])
                # summed anew: differences would carry rounding along
                gram, best = outer[chosen].sum(axis=0), float(costs[least])
        if before - best < 1e-6:
            break
    return sorted(chosen)


def _squares(differences: Array) -> Array:
    return np.asarray((differences * differences).sum(axis=-1))


def _least_square(points: Array) -> float:
    """The least squared distance between two of points (n, d)."""
    if len(points) < 2:
        return 0.0
    return min(float(_squares(points[i + 1 :] - points[i]).min()) for i in range(len(points) - 1))
