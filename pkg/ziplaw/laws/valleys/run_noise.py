"""How far losses scatter about the valleys, and tables of losses redrawn with that scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log, product
from ..forms.arguments import Array
from .bottoms import ValleyShape
from .curves import Curve, Valley, at_compute, log_compute

# a loss that decides its own fitted value has no residual to speak of
_MOST_LEVERAGE = 0.9
# rows of an interpolated table at whose own compute the misfit is measured; more say the same again
_MOST_ROWS = 200


@dataclass(frozen=True)
class Noise:
    """Scatter of log losses about their valleys.

    Attributes
    ----------
    residuals : ndarray (r,)
        Residuals over sqrt(1 - leverage), their mean taken out: as large as the errors are.
    shared : float
        Correlation of two residuals of one run, 0 where every row is a run.
    run : ndarray of int (n,)
        The run of every row of the table.
    df : float
        Degrees of freedom that the scatter is estimated with.
    """

    residuals: Array
    shared: float
    run: npt.NDArray[np.intp]
    df: float

    @property
    def known(self) -> bool:
        """Whether there is any residual to tell the scatter by."""
        return len(self.residuals) > 0

    @property
    def sd(self) -> float:
        """Standard deviation of a log loss."""
        return float(np.sqrt(np.square(self.residuals).mean())) if len(self.residuals) else 0.0

    def draw(self, m: int, seed: int) -> Array:
        """Errors (m, n) to add to m tables: residuals drawn with replacement, one a run and one a row (PCG64)."""
        rng = np.random.default_rng(seed)
        n, pool = len(self.run), self.residuals if len(self.residuals) else np.zeros(1)
        own = pool[rng.integers(0, len(pool), (m, n))]
        if not self.shared:
            return own
        of_run = pool[rng.integers(0, len(pool), (m, int(self.run.max()) + 1))][:, self.run]
        return np.sqrt(self.shared) * of_run + np.sqrt(1 - self.shared) * own


def run_labels(runs: Sequence[object] | None, n: int) -> npt.NDArray[np.intp]:
    """Number the runs of n rows; every row is its own where none are named."""
    if runs is None:
        return np.arange(n)
    return np.unique(np.asarray([str(run) for run in runs]), return_inverse=True)[1].ravel()


def budget_noise(shape: ValleyShape, z: Array, run: npt.NDArray[np.intp]) -> Noise:
    """Noise of a table with budgets of its own, z (n,): the residuals of all its valleys together."""
    found, rows = [], []
    for valley, fit, h in zip(shape.valleys, shape.fitted(z), shape.leverages()):
        here = np.flatnonzero(valley.weights.any(axis=0))
        found.append((product(valley.weights, z) + valley.shift - fit, h))
        rows.append(here)
    residual, leverage = (np.concatenate(column) for column in zip(*found))
    return _noise(residual, leverage, np.concatenate(rows), run, float(sum(len(r) - 3 for r in rows)))


def curve_noise(
    curves: list[Curve], N: Array, D: Array, z: Array, run: npt.NDArray[np.intp], lean: float | None = None
) -> Noise:
    """Noise of a table whose valleys lie between points of its curves: every row against the valley at its compute.

    The valleys are parabolas, or lean by as much as is given.
    """
    residual, leverage, rows = [], [], []
    log_C, x = log_compute(N, D), log(N)
    chosen = np.unique(np.linspace(0, len(N) - 1, min(len(N), _MOST_ROWS)).round().astype(int))
    for row in chosen:
        valley: Valley | None = at_compute(curves, log_C[row])
        if valley is None or len(valley.x) < 4:
            continue
        shape = ValleyShape([valley], lean)
        own = int(abs(valley.x - x[row]).argmin())
        residual.append(z[row] - shape.fitted(z)[0][own])
        leverage.append(shape.leverages()[0][own])
        rows.append(row)
    if not rows:
        return Noise(np.zeros(0), 0.0, run, 0.0)
    found = np.array(residual), np.array(leverage)
    return _noise(*found, np.array(rows), run, float((1 - found[1]).sum()))


def _noise(residual, leverage, rows, run, df):
    """Pool residuals; how much of them the rows of a run share comes from the products of pairs."""
    known = leverage < _MOST_LEVERAGE
    if not known.any():
        return Noise(np.zeros(0), 0.0, run, 0.0)
    pool = residual[known] / np.sqrt(1 - leverage[known])
    labels, shared = run[rows[known]], 0.0
    sums, squares, count = (np.bincount(labels, weights=w) for w in (pool, np.square(pool), None))
    pairs = float((count * (count - 1)).sum())
    if pairs:
        # sum of e_i e_j over pairs of one run, over what it would be were they one error
        shared = float(
            np.clip((np.square(sums) - squares).sum() / pairs / max(np.square(pool).mean(), 1e-300), 0.0, 1.0)
        )
    mean_run = float(np.square(count).sum() / count.sum())
    return Noise(pool - pool.mean(), shared, run, df / (1 + shared * (mean_run - 1)))
