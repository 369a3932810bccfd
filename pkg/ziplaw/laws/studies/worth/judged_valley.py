"""The loss of any split of one compute, judged by the measured losses alone: no law, and so no rule, is favoured.

At the compute C each size's loss is read along its own curve; a smooth valley in ln N goes through the sizes. All
valleys of a dataset may lean by one amount, found from all of them together (``valleys.bottoms.leaning``). Nothing is
judged beyond the sizes measured: the best split is the best between them, and a rule that wants a smaller or larger
model gets the loss of the smallest or the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ....errors import FitError
from ....numerics.functions import log
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...solve.additive import Array
from ...valleys.bottoms import ValleyShape, leaning, leaning_shapes
from ...valleys.curves import Curve, Valley, at_compute, size_curves
from ...valleys.run_noise import Noise, curve_noise, run_labels

PerToken = Callable[[float], float]
# half octaves of compute below C at which there are valleys too
_BELOW = 6
_STEP = float(log(2.0)) / 2
_REDRAWN = 200
# ln N between two sizes among which a best one is looked for
_GRID = 201


@dataclass(frozen=True, eq=False)
class JudgedValley:
    """Log losses at one compute as a function of ln N.

    Attributes
    ----------
    log_C : float
        ln of the compute.
    sizes : (float, float)
        ln N of the least and the largest size measured at this compute.
    x, log_loss : float
        ln N of the best split between these sizes, and ln loss there.
    """

    log_C: float
    sizes: tuple[float, float]
    x: float
    log_loss: float
    _shape: ValleyShape = field(repr=False)
    _z: Array = field(repr=False)
    _noise: Noise = field(repr=False)
    _heights: tuple[Array, Array] = field(repr=False)

    def at(self, x: Array) -> Array:
        """Ln loss (n,) at ln N (n,), of the nearest size measured where N lies beyond them."""
        return _curve(self._shape, self._z[None], 0, np.clip(np.atleast_1d(x), *self.sizes))[0]

    def compute_wasted(self, log_loss: float) -> float:
        """Ln of how many times less compute the best split needs for this loss: between measured valleys, else along
        the line through the nearest two.
        """
        return wasted(*self._heights, log_loss)

    def lost_to_noise(self, draws: int = _REDRAWN, seed: int = 42) -> float:
        """Mean of ln loss over the best split's when N is that of a redrawn table.

        By so much would a rule that knew the truth seem to lose, for the judge's own best split is as far off.
        """
        grid = np.linspace(*self.sizes, _GRID)
        drawn = _curve(self._shape, self._z + self._noise.draw(draws, seed), 0, grid)
        return float((self.at(grid)[drawn.argmin(axis=1)] - self.log_loss).mean())


def _curve(shape: ValleyShape, tables: Array, place: int, x: Array) -> Array:
    return shape.curves(shape.losses(tables), place, x)


def wasted(log_C: Array, height: Array, log_loss: float) -> float:
    """Ln of the factor between the largest of computes (k,), falling, and the one whose best ln loss is ``log_loss``.

    Best ln losses (k,) rise as the compute falls; one that does not is passed over.
    """
    kept = [0]
    for j in range(1, len(log_C)):
        if height[j] > height[kept[-1]]:
            kept.append(j)
    if len(kept) < 2:
        return float("nan")
    x, y = log_C[kept], height[kept]
    right = int(np.clip(np.searchsorted(y, log_loss), 1, len(y) - 1))
    slope = (x[right] - x[right - 1]) / (y[right] - y[right - 1])
    return float(x[0] - (x[right - 1] + slope * (log_loss - y[right - 1])))


def largest_compute(N: Array, D: Array, per_token: PerToken, sizes: int) -> float:
    """Ln of the largest compute at which so many sizes were measured.

    Raises
    ------
    FitError
        When there are fewer sizes with two budgets.
    """
    curves = size_curves(N, D)
    ends = sorted((float(log(per_token(curve.N))) + float(curve.log_D[-1]) for curve in curves), reverse=True)
    if len(ends) < sizes:
        raise FitError(f"{len(ends)} sizes have two budgets or more, {sizes} are needed at one compute: add sizes")
    return ends[sizes - 1]


def losses_noise(N: Array, D: Array, loss: Array, runs: Sequence[object]) -> Noise:
    """How far the losses (n,) of one dataset scatter about its valleys, which may lean, at computes of 6 N D."""
    curves, z, run = size_curves(N, D), log(loss), run_labels(runs, len(N))
    noise = curve_noise(curves, N, D, z, run)
    top = largest_compute(N, D, lambda size: FLOPS_PER_PARAMETER_TOKEN * size, 3)
    valleys = _down_from(curves, top, lambda size: FLOPS_PER_PARAMETER_TOKEN * size)
    return curve_noise(curves, N, D, z, run, _lean(leaning_shapes(valleys), z, noise, len(N)))


def judge_by_valley(N: Array, D: Array, loss: Array, noise: Noise, per_token: PerToken, log_C: float) -> JudgedValley:
    """Make the judge of one dataset at one compute.

    Parameters
    ----------
    N, D, loss : ndarray (n,)
        Measured cells.
    noise : Noise
        See ``losses_noise``: how much of the lean is believed, and the error of the judge.
    per_token : callable
        FLOPs of a token at N.
    log_C : float
        ln of the compute.

    Raises
    ------
    FitError
        When fewer than three sizes were measured there.
    """
    curves, z = size_curves(N, D), log(loss)
    valleys = _down_from(curves, log_C, per_token)
    if not valleys or valleys[0].log_C < log_C:
        raise FitError("fewer than three sizes were measured at this compute")
    shape = ValleyShape(valleys, _lean(leaning_shapes(valleys), z, noise, len(N)))
    best = []
    for j, valley in enumerate(valleys):
        grid = np.linspace(valley.x.min(), valley.x.max(), _GRID)
        losses = _curve(shape, z[None], j, grid)[0]
        best.append((float(grid[losses.argmin()]), float(losses.min())))
    ends = float(valleys[0].x.min()), float(valleys[0].x.max())
    heights = np.array([valley.log_C for valley in valleys]), np.array([height for _, height in best])
    return JudgedValley(log_C, ends, *best[0], shape, z, noise, heights)


def _lean(shapes: list[ValleyShape], z: Array, noise: Noise, n: int) -> float:
    return float(leaning(shapes, z[None], noise.sd, _independent(shapes[0], n)).lean[0])


def _independent(shape: ValleyShape, n: int) -> float:
    """Cells over all losses of the valleys, which were interpolated between them."""
    return min(1.0, n / sum(len(valley.x) for valley in shape.valleys))


def _down_from(curves: list[Curve], log_C: float, per_token: PerToken) -> list[Valley]:
    """Valleys at this compute and by half octaves below it."""
    found = [at_compute(curves, log_C - step * _STEP, per_token) for step in range(_BELOW + 1)]
    return [valley for valley in found if valley is not None]
