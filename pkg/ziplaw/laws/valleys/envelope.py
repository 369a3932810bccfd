"""Approach 1: the lower envelope of the loss curves of all sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log, product
from ..forms import arguments
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.chinchilla import additive
from .bottoms import line
from .curves import along, shared_compute, size_curves
from .lines import Approach, approach_of, interval, widening
from .run_noise import curve_noise, run_labels

_REFITS = 400


def envelope(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    points: int = 50,
    law: npt.ArrayLike | None = None,
    runs: Sequence[object] | None = None,
    level: float = 0.95,
    n: int = _REFITS,
    seed: int = 42,
) -> Approach:
    """Approach 1: at each C, the size whose (interpolated) loss is lowest; a line through ln N against ln C.

    Parameters
    ----------
    N, D, loss : array (n,)
        Measured points; points of one size form its curve in ln loss against ln D.
    points : int
        Values of C, evenly spaced in its logarithm over the range that three sizes share.
    law : array-like (5,), optional
        E, A, B, alpha, beta: measure the approach's bias on this law.
    runs : sequence (n,), optional
        The run of every row, where rows of one run share an error.
    level : float
        Coverage of the intervals.
    n, seed : int
        Redrawn tables (as in `isoflop`), and their seed.

    Returns
    -------
    Approach

    Raises
    ------
    FitError
        When fewer than three sizes overlap in compute.
    """
    N, D, loss, _ = arguments.check_table(N, D, loss, duplicates="keep")
    level = arguments.check_level(level)
    curves = size_curves(N, D)
    log_C = shared_compute(curves, points)
    log_N = log([curve.N for curve in curves])
    # ln loss of size s at C number j = weights[s, j] @ z; infinite where it was not measured
    weights = np.zeros((len(curves), points, len(N)))
    outside = np.zeros((len(curves), points))
    for s, curve in enumerate(curves):
        for j, c in enumerate(log_C):
            row = along(curve, c - log(FLOPS_PER_PARAMETER_TOKEN) - log_N[s])
            if row is None:
                outside[s, j] = np.inf
            else:
                weights[s, j] = row

    def lowest(z):
        """Number of the best size at every C, and where it is the first or last one measured there, (points,)."""
        best = (product(weights, z) + outside).argmin(axis=0)
        there = np.isfinite(outside) & (outside == 0)
        first, last = there.argmax(axis=0), len(curves) - 1 - there[::-1].argmax(axis=0)
        return best, (best == first) | (best == last)

    def through(z):
        best, edge = lowest(z)
        value, slope = line(log_C, np.where(edge, np.nan, log_N[best])[None], np.ones(points))
        return float(value[0]), float(slope[0])

    z = log(loss)
    best, edge = lowest(z)
    if (~edge).sum() < 3:
        raise FitError("the lowest loss is at the smallest or largest size nearly everywhere: widen the range of sizes")
    if (count_found := len(np.unique(best[~edge]))) < 3:
        raise FitError(f"the lowest loss is at {count_found} of {len(curves)} sizes only, a slope needs 3: add sizes")
    value, slope = through(z)
    noise = curve_noise(curves, N, D, z, run_labels(runs, len(N)))
    drawn = np.array([[lowest(row)[0], lowest(row)[1]] for row in z + noise.draw(n, seed)])
    places = np.where(drawn[:, 1].astype(bool), np.nan, log_N[drawn[:, 0]])
    slopes = line(log_C, places, np.ones(points))[1]
    bias = None
    law = None if law is None else np.asarray(law, dtype=np.float64)
    if law is not None and law[1:].min() > 0:
        bias = through(log(additive(law, N, D)))[1] - float(law[4] / (law[3] + law[4]))
        bias = bias if np.isfinite(bias) else None
    widen = widening(noise.df, level)
    keep = np.flatnonzero(~edge)
    return approach_of(
        "envelope",
        log_C=log_C[keep],
        log_N=log_N[best[keep]],
        loss=exp(product(weights, z)[best[keep], keep]),
        line=(value, slope),
        a_interval=interval(slope, slopes, level, widen),
        N_interval=exp([interval(log_N[best[j]], places[:, j], level, 1.0) for j in keep]),
        bias=bias,
        bias_log_N=None,
        measured=False,
        note="the optimum steps from size to size; few sizes make its slope coarse",
    )
