"""Losses at equal compute: a table's own isoFLOP budgets, or points along the curve of every size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import log, product
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import Array
from ..solve.levels import SAME_VALUE, n_levels, near_groups

# a table whose rows lie nearly all on budgets of three sizes or more is one of isoFLOP curves: nothing to interpolate
_ISOFLOP_SHARE = 0.9
# jumps of ln C that part two budgets, tried in turn: exact ones, rounded tokens, FLOPs counted in another way than 6ND
_JUMPS = 0.02, 0.05, 0.12, 0.25
# a budget whose rows differ by more than this in ln C is none
_WIDEST = 0.5
# four points of a curve spaced as evenly as this take a cubic between them, others a line (it amplifies no error)
_EVEN = 1.5
# a slope needs a factor of two of compute
_LEAST_RANGE = float(log(2.0))


@dataclass(frozen=True)
class Valley:
    """Log losses of several sizes at one compute, linear in the log losses of the table.

    Attributes
    ----------
    log_C : float
        ln of C = 6 N D, or of all FLOPs.
    x : ndarray (k,)
        ln N of its sizes.
    weights : ndarray (k, n)
        ln loss at each size = weights @ (ln losses of the table) + shift.
    shift : ndarray (k,)
        What takes each loss to the common compute, where the rows of a budget differ in C; zeros elsewhere.
    """

    log_C: float
    x: Array
    weights: Array
    shift: Array


@dataclass(frozen=True)
class Curve:
    """Runs of one size: ln D rising, and for each of these points the rows that it averages.

    Attributes
    ----------
    N : float
        Parameters.
    log_D : ndarray (p,)
        ln D, rising.
    mean : ndarray (p, n)
        Row weights: mean @ ln losses is the curve, seeds averaged.
    """

    N: float
    log_D: Array
    mean: Array


def log_compute(N: Array, D: Array) -> Array:
    """ln(6 N D), (n,)."""
    return log(FLOPS_PER_PARAMETER_TOKEN) + log(N) + log(D)


def size_curves(N: Array, D: Array) -> list[Curve]:
    """Group a table into one curve a model size, two points at least; sizes within a thousandth are one."""
    out = []
    labels, log_D = near_groups(N, SAME_VALUE), log(D)
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        y, point = np.unique(log_D[rows], return_inverse=True)
        if len(y) >= 2:
            mean = np.zeros((len(y), len(N)))
            mean[point, rows] = 1.0 / np.bincount(point)[point]
            out.append(Curve(float(np.median(N[rows])), y, mean))
    return out


def along(curve: Curve, log_D: float) -> Array | None:
    """Row weights (n,) of ln loss at one ln D of a curve; None outside of its range.

    Between points it is the cubic through the four nearest, where these are spaced evenly enough, else a line.
    """
    y = curve.log_D
    if not y[0] - SAME_VALUE <= log_D <= y[-1] + SAME_VALUE:
        return None
    log_D = float(np.clip(log_D, y[0], y[-1]))
    right = int(np.clip(np.searchsorted(y, log_D), 1, len(y) - 1))
    first = int(np.clip(right - 2, 0, max(len(y) - 4, 0)))
    near = slice(first, first + 4)
    gaps = np.diff(y[near])
    if len(gaps) < 3 or gaps.max() > _EVEN * gaps.min():
        near = slice(right - 1, right + 1)
    nodes = y[near]
    lagrange = [np.prod((log_D - np.delete(nodes, i)) / (nodes[i] - np.delete(nodes, i))) for i in range(len(nodes))]
    return np.asarray(product(lagrange, curve.mean[near]))


def shared_compute(curves: list[Curve], points: int) -> Array:
    """Logs of C at which at least three sizes were measured, evenly spaced; FitError where there are none."""
    if len(curves) < 3:
        raise FitError(f"{len(curves)} model sizes have two points or more, 3 are needed: measure more budgets a size")
    starts, ends = np.array([log(FLOPS_PER_PARAMETER_TOKEN * curve.N) + curve.log_D[[0, -1]] for curve in curves]).T

    def shared(edges: Array) -> Array:
        inside = (edges[:, None] >= starts - SAME_VALUE) & (edges[:, None] <= ends + SAME_VALUE)
        return edges[inside.sum(axis=1) >= 3]

    first, last = shared(starts), shared(ends)
    if not len(first) or last.max() - first.min() < _LEAST_RANGE:
        raise FitError("fewer than three model sizes overlap in compute: train them on overlapping C = 6 N D")
    return np.linspace(first.min(), last.max(), points)


def at_compute(
    curves: list[Curve], log_C: float, per_token: Callable[[float], float] = lambda N: FLOPS_PER_PARAMETER_TOKEN * N
) -> Valley | None:
    """The valley at one compute between the points of the curves; None with fewer than three sizes.

    A token costs 6 N, or ``per_token(N)`` where all FLOPs count.
    """
    x, weights = [], []
    for curve in curves:
        row = along(curve, log_C - log(per_token(curve.N)))
        if row is not None:
            x.append(log(curve.N))
            weights.append(row)
    if len(x) < 3:
        return None
    return Valley(float(log_C), np.array(x), np.array(weights), np.zeros(len(x)))


def budget_labels(N: Array, D: Array) -> npt.NDArray[np.intp] | None:
    """Label the rows (n,) of an isoFLOP table by budget, -1 for rows of none; None where the table is not of this kind.

    Budgets are told apart by jumps of ln C. They need not be exact: tokens are rounded to batches, and FLOPs may have
    been counted in another way than 6ND. Three sizes make a budget; nearly every row must lie on one.
    """
    log_C = log_compute(N, D)
    order = np.argsort(log_C, kind="stable")
    for jump in _JUMPS:
        labels = np.empty(len(N), dtype=np.intp)
        labels[order] = np.concatenate([[0], np.cumsum(np.diff(log_C[order]) > jump)])
        groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
        good = [rows for rows in groups if n_levels(N[rows]) >= 3 and np.ptp(log_C[rows]) <= _WIDEST]
        if sum(map(len, good)) >= _ISOFLOP_SHARE * len(N):
            out = np.full(len(N), -1, dtype=np.intp)
            for label, rows in enumerate(good):
                out[rows] = label
            return out
    return None


def measured_valleys(N: Array, D: Array, labels: npt.NDArray[np.intp]) -> list[Valley]:
    """One valley a budget, its compute the mean of its rows' in logarithms; nothing is shifted yet."""
    log_C, out = log_compute(N, D), []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        weights = np.zeros((len(rows), len(N)))
        weights[np.arange(len(rows)), rows] = 1.0
        out.append(Valley(float(log_C[rows].mean()), log(N[rows]), weights, np.zeros(len(rows))))
    return out
