"""Bottoms of all valleys of a table and the line through them, once as measured and many times redrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import FitError
from ...numerics.distributions import chi_squared_beyond
from ...numerics.draws import normals
from ...numerics.functions import exp, log, product
from ...numerics.linear import pinv, polyfit
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import Array
from ..forms.chinchilla import additive
from .bottoms import Bottoms, ValleyShape, leaning, leaning_shapes, line, parabolas
from .curves import Valley, at_compute, budget_labels, log_compute, measured_valleys, shared_compute, size_curves
from .run_noise import Noise, budget_noise, curve_noise, run_labels

# rounds by which losses are taken to the compute of their budget
_SHIFTS = 3
_UNSHARED = 1e-9
# sizes of one compute between which a bottom is looked for where others have more
_NARROWEST = float(log(3.0))


@dataclass(frozen=True)
class BottomLine:
    """Bottoms of the valleys that have one between their sizes, their line, and the same for m redrawn tables.

    Attributes
    ----------
    valleys : list of Valley
        The valleys that have one.
    bottoms : Bottoms
        Of the table itself.
    centre : float
        Mean ln C of the table's rows.
    value, slope : float
        ln N_opt = value + slope (ln C - centre).
    drawn : Bottoms
        Of the redrawn tables.
    lines : ndarray (m, 2)
        Value and slope of the redrawn tables, NaN where fewer than three bottoms are left.
    df : float
        Degrees of freedom of the scatter behind them.
    scatter : float
        Standard deviation of ln N about the line beyond what the losses' noise explains; 0 where that is not clear.
    measured : bool
        Whether the valleys are the table's own budgets, not interpolated.
    beyond : dict
        "smallest", "largest" or "no" -> computes whose bottom lies beyond that size, or nowhere.
    bias : (float, float) or None
        Value and slope on a noise-free law, less that law's own.
    """

    valleys: list[Valley]
    bottoms: Bottoms
    centre: float
    value: float
    slope: float
    drawn: Bottoms
    lines: Array
    df: float
    scatter: float
    measured: bool
    beyond: dict[str, list[float]]
    bias: tuple[float, float] | None

    @property
    def left_out(self) -> str:
        """Says which computes have their optimum beyond their sizes; "" when none has."""
        return _name_beyond(self.beyond, self.measured)


def bottom_line(
    N: Array,
    D: Array,
    loss: Array,
    *,
    points: int = 12,
    law: Array | None = None,
    lean: bool = False,
    runs: Sequence[object] | None = None,
    n: int = 1000,
    seed: int = 42,
) -> BottomLine:
    """Find the valleys of a checked table, their bottoms and line, and the same for redrawn tables; see `isoflop`.

    Raises
    ------
    FitError
        When fewer than three valleys have their bottom between the measured sizes.
    """
    z, log_C, run = log(loss), log_compute(N, D), run_labels(runs, len(N))
    valleys, curves = _valleys(N, D, z, points)

    def noise_about(shape: float | None) -> Noise:
        if curves is None:
            return budget_noise(ValleyShape(valleys, shape), z, run)
        return curve_noise(curves, N, D, z, run, shape)

    noise = noise_about(None)
    share = min(1.0, len(N) / sum(len(valley.x) for valley in valleys))
    shapes = leaning_shapes(valleys) if lean else []
    if lean:
        # what parabolas miss of a valley that leans is no noise
        noise = noise_about(float(leaning(shapes, z[None], noise.sd, share).lean[0]))

    def bottoms(kept: list[Valley], tables: Array) -> Bottoms:
        return leaning(shapes, tables, noise.sd, share) if lean else parabolas(kept, tables)

    inside, beyond = _inside(valleys, bottoms(valleys, z[None]).x[0])
    if inside.sum() < 3:
        said = _name_beyond(beyond, curves is None)
        raise FitError(
            f"{inside.sum()} of {len(valleys)} {'budgets' if curves is None else 'computes'} have their optimum "
            f"between their sizes, a line needs 3{f': {said}' if said else ''}"
        )
    kept = [valley for valley, ok in zip(valleys, inside) if ok]
    if lean and len(kept) < len(valleys):
        shapes = leaning_shapes(kept)
    found, drawn = bottoms(kept, z[None]), _within_reach(kept, bottoms(kept, z + noise.draw(n, seed)))
    centre = float(log_C.mean())
    x = np.array([valley.log_C for valley in kept]) - centre
    variance = _believable(robust_variance(drawn.x))
    if noise.known:
        scatter = _scatter(x, found.x[0], variance)
    else:
        # three sizes each leave no residual: the line's own is left, where its points are independent
        scatter = _about_line(x, found.x[0]) if curves is None else float("nan")
    weights = 1.0 / (variance + np.square(np.nan_to_num(scatter)) + _UNSHARED)
    value, slope = (float(v[0]) for v in line(x, found.x, weights))
    if scatter:
        more = scatter * normals(np.random.default_rng([seed, 1]), drawn.x.shape)
        drawn = replace(drawn, x=drawn.x + more)
    bias = None
    if law is not None and np.min(law[1:]) > 0:
        E, A, B, alpha, beta = law
        a = beta / (alpha + beta)
        exact = bottoms(kept, log(additive(np.array([E, A, B, alpha, beta]), N, D))[None])
        on_law = line(x, exact.x, weights)
        true = log(alpha * A / (beta * B)) / (alpha + beta) + a * (centre - log(FLOPS_PER_PARAMETER_TOKEN))
        bias = float(on_law[0][0] - true), float(on_law[1][0] - a)
    return BottomLine(
        kept,
        found,
        centre,
        value,
        slope,
        drawn,
        np.column_stack(line(x, drawn.x, weights)),
        # a line through few bottoms that scatter is known no better than their number lets it be
        max(min(noise.df, len(kept) - 2.0) if scatter else noise.df, 1.0),
        scatter if noise.known else 0.0,
        curves is None,
        beyond,
        bias,
    )


def _valleys(N, D, z, points):
    """Valleys of a table, and the curves that they were interpolated along (None at budgets of its own)."""
    labels, curves = budget_labels(N, D), size_curves(N, D)
    budgets = 0 if labels is None else int(labels.max()) + 1
    if budgets >= 3:
        return _at_common_compute(measured_valleys(N, D, labels), N, D, z), None
    if budgets and len(curves) < 3:
        count = "one budget" if budgets == 1 else f"{budgets} budgets"
        raise FitError(f"{count} of three sizes or more, a line needs 3: add budgets, C/10 and 10 C")
    found = [at_compute(curves, log_C) for log_C in shared_compute(curves, points)]
    valleys = [valley for valley in found if valley is not None]
    # three sizes leave no residual, and near ones no valley
    good = [valley for valley in valleys if len(valley.x) >= 4 and np.ptp(valley.x) >= _NARROWEST]
    return (good if len(good) >= 3 else valleys), curves


def _at_common_compute(valleys, N, D, z):
    """Shift each loss of a budget to the budget's mean compute, along the valleys that all of them make."""
    log_C = log_compute(N, D)
    centres = np.array([valley.log_C for valley in valleys])
    rows = [valley.weights.argmax(axis=1) for valley in valleys]
    if max(np.ptp(log_C[r]) for r in rows) < 1e-6:
        return valleys
    for _ in range(_SHIFTS):
        found = parabolas(valleys, z[None])
        x, height, curvature = found.x[0], found.height[0], found.curvature[0]
        ok = np.isfinite(x)
        if ok.sum() < 3:
            return valleys
        a = polyfit(centres[ok], x[ok], 1)[0]
        k_slope = polyfit(centres[ok], log(curvature[ok]), 1)[0]
        h_slope = np.interp(centres, centres[ok], np.gradient(height[ok], centres[ok]))
        out = []
        for j, (valley, r) in enumerate(zip(valleys, rows)):
            if not ok[j]:
                out.append(valley)
                continue
            off = log_C[r] - valley.log_C
            there = h_slope[j] * off + curvature[j] * exp(k_slope * off) * np.square(valley.x - x[j] - a * off)
            out.append(
                Valley(valley.log_C, valley.x, valley.weights, curvature[j] * np.square(valley.x - x[j]) - there)
            )
        valleys = out
    return valleys


def _inside(valleys, x):
    """Which valleys have their bottom between their sizes, and the computes of the others by side."""
    inside = np.zeros(len(valleys), dtype=bool)
    beyond: dict[str, list[float]] = {}
    for j, valley in enumerate(valleys):
        if np.isfinite(x[j]) and valley.x.min() <= x[j] <= valley.x.max():
            inside[j] = True
            continue
        middle = (valley.x.min() + valley.x.max()) / 2
        # without a bottom the losses fall on one side or bend down in the middle
        side = "no" if not np.isfinite(x[j]) else "smallest" if x[j] < middle else "largest"
        beyond.setdefault(side, []).append(float(exp(valley.log_C)))
    return inside, beyond


def _name_beyond(beyond, measured):
    said = []
    for side, computes in beyond.items():
        named = ", ".join(f"{C:.3g}" for C in computes)
        if not measured and len(computes) > 1:
            named = f"{min(computes):.3g} to {max(computes):.3g}"
        if side == "no":
            said.append(f"at C = {named} the losses show no lowest point: add sizes on both sides")
        else:
            add = "smaller" if side == "smallest" else "larger"
            said.append(f"at C = {named} the loss is lowest at the {side} size: add {add} ones there")
    return "; ".join(said)


def _within_reach(valleys, drawn):
    """Take out redrawn bottoms that lie beyond the sizes by more than their whole range."""
    low = np.array([2 * valley.x.min() - valley.x.max() for valley in valleys])
    high = np.array([2 * valley.x.max() - valley.x.min() for valley in valleys])
    with np.errstate(invalid="ignore"):
        far = (drawn.x < low) | (drawn.x > high)
    return replace(drawn, x=np.where(far, np.nan, drawn.x))


def robust_variance(columns: Array) -> Array:
    """Variance of each column (m, k) from its quartiles, NaN left out: single wild values do not decide it."""
    low, high = np.nanquantile(columns, (0.25, 0.75), axis=0)
    return np.square((high - low) / 1.349)


def _believable(variance):
    """No bottom counts 25 times as much as the middle one, and none that no redrawn table has counts."""
    known = variance[np.isfinite(variance)]
    return np.where(np.isfinite(variance), np.maximum(variance, np.median(known) / 25 if len(known) else 1.0), np.inf)


def _about_line(log_C, x):
    """Standard deviation of bottoms about their straight line."""
    residual = x - np.polyval(polyfit(log_C, x, 1), log_C)
    return float(np.sqrt(np.square(residual).sum() / (len(x) - 2)))


def _scatter(log_C, x, variance):
    """Standard deviation of bottoms about their line beyond their own errors (DerSimonian and Laird), 0 if unclear."""
    w = 1.0 / (variance + _UNSHARED)
    value, slope = (v[0] for v in line(log_C, x[None], w))
    Q, df = float((w * np.square(x - value - slope * log_C)).sum()), len(x) - 2
    if chi_squared_beyond(Q, df) >= 0.05:
        return 0.0
    X = np.column_stack([np.ones_like(log_C), log_C])
    hat = product(pinv(product(X.T, (w[:, None] * X))), product(X.T, (np.square(w[:, None]) * X)))
    return float(np.sqrt((Q - df) / (w.sum() - np.trace(hat))))
