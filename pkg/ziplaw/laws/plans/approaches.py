"""Compute-optimal N and D without a law: Hoffmann et al.'s Approach 1 (envelope) and 2 (isoFLOP parabolas)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ...errors import FitError
from ..forms import arguments
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, Plan
from ..forms.chinchilla import additive
from ..solve.additive import Array
from ..solve.levels import SAME_VALUE, n_levels, near_groups

# a table whose rows lie nearly all on budgets of three sizes or more is one of isoFLOP curves: nothing to interpolate
_ISOFLOP_SHARE = 0.9

Curve = tuple[float, Array, Array]  # N, ln D rising, ln loss


@dataclass(frozen=True)
class Approach:
    """N_opt = N_factor C^a and D_opt = D_factor C^b through the points that an approach found.

    Attributes
    ----------
    name : str
        "envelope" or "isoflop".
    a, b : float
        Exponents; N D = C/6 makes them add to one.
    a_interval : tuple of float
        t interval of the straight line through the points. Points that share runs are not independent, so it is too
        narrow by an unknown amount.
    log_N_factor : float
        ln of N_factor.
    C, N, D, loss : ndarray (points,)
        The optima found.
    bias : float or None
        Exponent that the same approach finds on a noise-free additive law at the same (N, D), less that law's own a.
    note : str
        What the approach is known to get wrong.
    """

    name: str
    a: float
    b: float
    a_interval: tuple[float, float]
    log_N_factor: float
    C: Array
    N: Array
    D: Array
    loss: Array
    bias: float | None
    note: str

    def allocate(self, C: npt.ArrayLike) -> Plan:
        """Return the split of C FLOPs on the fitted line; its loss is not known to this approach (NaN)."""
        C = arguments.check_positive(C, "C")
        N = np.exp(self.log_N_factor + self.a * np.log(C))
        D = C / (FLOPS_PER_PARAMETER_TOKEN * N)
        if C.ndim == 0:
            return Plan(float(C), float(N), float(D), float("nan"))
        return Plan(C, N, D, np.full(C.shape, np.nan))


def loss_curves(N: Array, D: Array, loss: Array) -> list[Curve]:
    """Group a table into one curve a model size: (N, ln D rising, ln loss), seeds averaged, two points at least.

    Sizes within a thousandth of each other are one.
    """
    out = []
    labels = near_groups(N, SAME_VALUE)
    for label in range(labels.max() + 1):
        rows = labels == label
        size = np.median(N[rows])
        y, inverse = np.unique(np.log(D[rows]), return_inverse=True)
        z = np.bincount(inverse, np.log(loss[rows])) / np.bincount(inverse)
        if len(y) >= 2:
            out.append((float(size), y, z))
    return out


def _at_compute(curves, log_C):
    """Interpolate ln loss of every size at C = 6 N D: sizes (s,), ln loss (s, m), NaN outside a curve's range."""
    sizes = np.array([size for size, _, _ in curves])
    out = np.full((len(curves), len(log_C)), np.nan)
    for i, (size, y, z) in enumerate(curves):
        want = log_C - np.log(FLOPS_PER_PARAMETER_TOKEN * size)
        inside = (want >= y[0] - 1e-9) & (want <= y[-1] + 1e-9)
        out[i, inside] = np.interp(want[inside], y, z)
    return sizes, out


def _compute_grid(curves, points):
    """Logs of C at which at least three sizes were measured, evenly spaced."""
    ends = np.array([np.log(FLOPS_PER_PARAMETER_TOKEN * size) + y[[0, -1]] for size, y, _ in curves])
    grid = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 400)
    inside = ((grid[:, None] >= ends[:, 0]) & (grid[:, None] <= ends[:, 1])).sum(axis=1) >= 3
    if not inside.any():
        raise FitError("fewer than three model sizes overlap in compute: train them on overlapping C = 6 N D")
    return np.linspace(grid[inside][0], grid[inside][-1], points)


def _line(name, log_C, log_N, loss, bias, note):
    if len(log_C) < 3:
        raise FitError(f"{len(log_C)} optima lie inside the measured sizes, a line needs 3: widen the range of sizes")
    fitted = stats.linregress(log_C, log_N)
    half = stats.t.ppf(0.975, len(log_C) - 2) * fitted.stderr
    N = np.exp(log_N)
    return Approach(
        name=name,
        a=float(fitted.slope),
        b=float(1 - fitted.slope),
        a_interval=(float(fitted.slope - half), float(fitted.slope + half)),
        log_N_factor=float(fitted.intercept),
        C=np.exp(log_C),
        N=N,
        D=np.exp(log_C) / (FLOPS_PER_PARAMETER_TOKEN * N),
        loss=loss,
        bias=bias,
        note=note,
    )


def _table(N, D, loss):
    return arguments.check_table(N, D, loss, duplicates="keep")[:3]


def envelope(
    N: npt.ArrayLike, D: npt.ArrayLike, loss: npt.ArrayLike, *, points: int = 50, law: npt.ArrayLike | None = None
) -> Approach:
    """Approach 1: at each C, the size whose (interpolated) loss is lowest; a line through ln N against ln C.

    Parameters
    ----------
    N, D, loss : array (n,)
        Measured points; points of one size form its curve, linear in ln loss against ln D between them.
    points : int
        Values of C, evenly spaced in its logarithm over the range that three sizes share.
    law : array-like (5,), optional
        E, A, B, alpha, beta: measure the approach's bias on this law.

    Returns
    -------
    Approach

    Raises
    ------
    FitError
        When fewer than three sizes overlap in compute.
    """
    N, D, loss = _table(N, D, loss)
    curves = loss_curves(N, D, loss)
    if len(curves) < 3:
        raise FitError(f"{len(curves)} model sizes have two points or more, 3 are needed: measure more budgets a size")
    log_C = _compute_grid(curves, points)
    sizes, z = _at_compute(curves, log_C)
    best = np.nanargmin(np.where(np.isfinite(z), z, np.inf), axis=0)
    # where the best size is the first or last one measured there, the optimum may lie outside the sizes
    count = np.isfinite(z)
    edge = (best == count.argmax(axis=0)) | (best == len(sizes) - 1 - count[::-1].argmax(axis=0))
    note = "the optimum steps from size to size; few sizes make its slope coarse"
    if (~edge).sum() < 3:
        raise FitError("the lowest loss is at the smallest or largest size nearly everywhere: widen the range of sizes")
    keep = ~edge
    if (count_found := len(np.unique(best[keep]))) < 3:
        raise FitError(f"the lowest loss is at {count_found} of {len(sizes)} sizes only, a slope needs 3: add sizes")
    losses = np.exp(z[best, np.arange(len(log_C))])
    bias = None if law is None else _bias(envelope, N, D, law, points=points)
    return _line("envelope", log_C[keep], np.log(sizes[best])[keep], losses[keep], bias, note)


def isoflop(
    N: npt.ArrayLike, D: npt.ArrayLike, loss: npt.ArrayLike, *, points: int = 12, law: npt.ArrayLike | None = None
) -> Approach:
    """Approach 2: at each C, the minimum of a parabola in ln N through the losses; a line through ln N against ln C.

    Where nearly all rows lie on budgets (C = 6 N D within 2 %) with three sizes or more each, the parabolas go through
    those; else losses at a C between budgets are interpolated along each size's curve. The parabola is symmetric and
    the true valley is not unless alpha = beta, so its minimum is off by an amount that grows with the range of sizes;
    give ``law`` to have that bias measured.

    Parameters
    ----------
    N, D, loss : array (n,)
        Measured points.
    points : int
        Values of C, where losses are interpolated.
    law : array-like (5,), optional
        E, A, B, alpha, beta: measure the approach's bias on this law.

    Returns
    -------
    Approach
        Its ``note`` names the budgets whose optimum is not between their sizes.

    Raises
    ------
    FitError
        When fewer than three parabolas have their minimum inside the measured sizes.
    """
    N, D, loss = _table(N, D, loss)
    valleys, curves = _budgets(N, D, loss), loss_curves(N, D, loss)
    measured = len(valleys) >= 3
    if valleys and len(valleys) < 3 and len(curves) < 3:
        count = "one budget" if len(valleys) == 1 else f"{len(valleys)} budgets"
        raise FitError(f"{count} of three sizes or more, a line needs 3: add budgets, C/10 and 10 C")
    if not measured:
        valleys = _interpolated(curves, points)
    found: list[tuple[float, float, float]] = []
    beyond: dict[str, list[float]] = {}
    for log_C, x, losses in valleys:
        curvature, slope, level = np.polyfit(x - x.mean(), losses, 2)
        vertex = x.mean() - slope / (2 * curvature) if curvature > 0 else np.inf
        if x.min() <= vertex <= x.max():
            found.append((log_C, vertex, level - slope**2 / (4 * curvature)))
        else:
            at = "smallest" if losses[x == x.min()].mean() < losses[x == x.max()].mean() else "largest"
            beyond.setdefault(at, []).append(float(np.exp(log_C)))
    one_sided = "; ".join(_beyond(at, budgets) for at, budgets in beyond.items()) if measured else ""
    if len(found) < 3 and one_sided:
        raise FitError(
            f"{len(found)} of {len(valleys)} budgets have their optimum between their sizes, a line needs 3: "
            f"{one_sided}"
        )
    bias = None if law is None else _bias(isoflop, N, D, law, points=points)
    columns = np.array(found).reshape(-1, 3).T
    note = (
        "a parabola is symmetric, the valley is not unless alpha = beta: the slope is biased where sizes range widely"
    )
    note = "; ".join(filter(None, (f"parabolas at {len(found)} measured budgets" if measured else "", one_sided, note)))
    return _line("isoflop", columns[0], columns[1], columns[2], bias, note)


def _budgets(N, D, loss):
    """Budgets of three sizes or more: (ln C, ln N (k,), losses (k,)); none where they are not what the table is."""
    C = FLOPS_PER_PARAMETER_TOKEN * N * D
    labels = near_groups(C)
    groups = [rows for label in range(labels.max() + 1) if n_levels(N[rows := labels == label]) >= 3]
    if sum(rows.sum() for rows in groups) < _ISOFLOP_SHARE * len(N):
        return []
    return [(float(np.log(C[rows]).mean()), np.log(N[rows]), loss[rows]) for rows in groups]


def _interpolated(curves, points):
    """The same at evenly spaced C, along each size's curve."""
    if len(curves) < 3:
        raise FitError(f"{len(curves)} model sizes have two points or more, 3 are needed: measure more budgets a size")
    log_C = _compute_grid(curves, points)
    sizes, z = _at_compute(curves, log_C)
    columns = ((c, np.isfinite(z[:, j]), z[:, j]) for j, c in enumerate(log_C))
    return [
        (float(c), np.log(sizes[inside]), np.exp(column[inside])) for c, inside, column in columns if inside.sum() >= 3
    ]


def _beyond(at, budgets):
    named = ", ".join(f"{C:.3g}" for C in budgets)
    add = "smaller" if at == "smallest" else "larger"
    return f"at C = {named} the loss is lowest at the {at} size: add {add} ones there"


def _bias(approach, N, D, law, **options):
    law = np.asarray(law, dtype=np.float64)
    try:
        return approach(N, D, additive(law, N, D), **options).a - law[4] / (law[3] + law[4])
    except FitError:
        return None
