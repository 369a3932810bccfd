"""Approach 2: the bottom of the valley at every compute, and a line through the bottoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import cov, exp, log
from ..forms import arguments
from .bottom_line import bottom_line, robust_variance
from .lines import Approach, approach_of, interval, widening

_REFITS = 1000
# share of redrawn tables that must give a line again
_MOST_LOST = 0.05
# an N known to no better than a factor of a hundred is not known
_WIDEST = float(log(100.0))


def isoflop(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    points: int = 12,
    law: npt.ArrayLike | None = None,
    lean: bool = False,
    runs: Sequence[object] | None = None,
    level: float = 0.95,
    n: int = _REFITS,
    seed: int = 42,
) -> Approach:
    """Approach 2: at each C, the lowest point of a parabola in ln N; a line through ln N against ln C.

    Where nearly all rows lie on budgets of three sizes or more, the parabolas go through those; else losses at a C
    between budgets are interpolated along each size's curve. Budgets need not hold as many sizes each, nor be exactly
    equal: losses are taken to the common C along the valleys found. Each bottom counts by how well it is known. A
    budget whose bottom lies beyond its sizes is named and left out.

    Intervals come from tables redrawn about the valleys: the residuals of all of them, over sqrt(1 - leverage), are
    resampled (one a row; where ``runs`` are named, one a run beside), every valley and the line fitted again, and the
    quantiles widened by t over z for the degrees of freedom. Where the bottoms scatter about their line by more than
    that explains, the excess is drawn too.

    A parabola is symmetric and the true valley is not unless alpha = beta, so its bottom is off by an amount that grows
    with the range of sizes; give ``law`` to have that bias measured, ``lean`` to let all valleys lean by one amount.

    Parameters
    ----------
    N, D, loss : array (n,)
        Measured points.
    points : int
        Values of C, where losses are interpolated.
    law : array-like (5,), optional
        E, A, B, alpha, beta: measure the approach's bias on this law.
    lean : bool
        Fit valleys that lean (see ``bottoms.leaning``) in place of parabolas.
    runs : sequence (n,), optional
        The run of every row, where rows of one run share an error.
    level : float
        Coverage of the intervals.
    n, seed : int
        Redrawn tables, and their seed.

    Returns
    -------
    Approach
        Its ``note`` names the budgets whose optimum is not between their sizes.

    Raises
    ------
    FitError
        When fewer than three valleys have their bottom between the measured sizes.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, section 3.2; for the bias Czech 2026, "Problems with Chinchilla Approach 2".
    """
    table = arguments.check_table(N, D, loss, duplicates="keep")[:3]
    level = arguments.check_level(level)
    law = None if law is None else np.asarray(law, dtype=np.float64)
    found = bottom_line(*table, points=points, law=law, lean=lean, runs=runs, n=n, seed=seed)
    widen = widening(found.df, level)
    said = found.left_out
    kind = "valleys that may lean" if lean else "parabolas"
    where = f"{kind} at {len(found.valleys)} {'measured budgets' if found.measured else 'computes between budgets'}"
    more = [] if lean else ["a parabola is symmetric, the valley is not unless alpha = beta"]
    if found.scatter:
        more.insert(0, f"the bottoms scatter by {found.scatter:.0%} in N beyond what the losses' noise explains")
    return approach_of(
        "isoflop",
        log_C=np.array([valley.log_C for valley in found.valleys]),
        log_N=found.bottoms.x[0],
        loss=exp(found.bottoms.height[0]),
        line=(found.value - found.slope * found.centre, found.slope),
        a_interval=interval(found.slope, found.lines[:, 1], level, widen),
        N_interval=exp([interval(x, column, level, widen) for x, column in zip(found.bottoms.x[0], found.drawn.x.T)]),
        bias=None if found.bias is None else found.bias[1],
        bias_log_N=None if found.bias is None else found.bias[0],
        measured=found.measured,
        note="; ".join(filter(None, [where, said, *more])),
    )


def isoflop_split(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    seed: int = 42,
    *,
    runs: Sequence[object] | None = None,
    level: float = 0.95,
    n: int = _REFITS,
) -> dict[str, Any]:
    """Ln N_opt at the middle compute of a table and the exponent a, with their covariance, and no law assumed.

    Valleys that may lean by one common amount, so that neither number carries a parabola's bias; see `isoflop`. In a
    grid of sizes and budgets losses are interpolated along each size's curve, and what is redrawn is the losses of the
    rows: with ``runs`` (such as model and seed) an error that the rows of a run share, and one of each row, in the
    proportion that the residuals show.

    Parameters
    ----------
    N, D, loss : array (n,)
        Measured points.
    seed : int
        Seed of the redrawn tables.
    runs : sequence (n,), optional
        The run of every row.
    level : float
        Coverage of the intervals.
    n : int
        Redrawn tables.

    Returns
    -------
    dict
        ``split``: {"C" (geometric mean of 6 N D over the rows), "ln_N", "a", "covariance" (2, 2), "intervals": {"ln_N",
        "a"}, "identified", "method", "lean", "df"}, or None; ``note``: what was fitted, or why there is no split.
    """
    try:
        table = arguments.check_table(N, D, loss, duplicates="keep")[:3]
        found = bottom_line(*table, lean=True, runs=runs, n=n, seed=seed)
    except FitError as error:
        return {"split": None, "note": str(error)}
    widen = widening(found.df, level)
    good = found.lines[np.isfinite(found.lines).all(axis=1)]
    lost = 1 - len(good) / len(found.lines)
    intervals = {
        name: list(interval(value, column, level, widen))
        for name, value, column in zip(("ln_N", "a"), (found.value, found.slope), found.lines.T)
    }
    width = intervals["ln_N"][1] - intervals["ln_N"][0]
    split = {
        "C": float(exp(found.centre)),
        "ln_N": found.value,
        "a": found.slope,
        "covariance": (_covariance(good) * np.square(widen)).tolist(),
        "intervals": intervals,
        "identified": bool(lost <= _MOST_LOST and width <= _WIDEST),
        "method": f"isoFLOP, {len(found.valleys)} valleys, {n} redrawn tables",
        "lean": float(found.bottoms.lean[0]),
        "df": found.df,
    }
    where = "measured budgets" if found.measured else "computes between budgets"
    note = f"valleys that may lean at {len(found.valleys)} {where}"
    return {"split": split, "note": "; ".join(filter(None, [note, found.left_out]))}


def _covariance(lines):
    """Covariance (2, 2) of (ln N, a) from quantiles: single redrawn tables without a bottom do not decide it."""
    if len(lines) < 2:
        return np.full((2, 2), np.inf)
    sd = np.sqrt(robust_variance(lines))
    clipped = np.clip((lines - np.median(lines, axis=0)) / np.where(sd > 0, sd, 1.0), -4, 4)
    scale = sd / np.maximum(clipped.std(axis=0), 1e-300)
    return cov(clipped.T) * np.outer(scale, scale) if (sd > 0).all() else cov(lines.T)
