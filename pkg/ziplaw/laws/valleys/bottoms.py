"""The bottom of each valley, by parabolas or by curves that may all lean; a straight line through the bottoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...numerics.functions import einsum, exp, log, product
from ...numerics.linear import pinv
from ..forms.arguments import Array
from .curves import Valley

# alpha + beta in the valley's shape exp(-alpha t)/alpha + exp(beta t)/beta: it sets how steep the far sides are, and
# hardly moves the bottom; published laws have .5 to .8
STEEPNESS = 0.6
# beta - alpha of all valleys together: published laws lie within .1, and this is what the losses must argue against
LEAN_SD = 0.15
_LEANS = np.linspace(-0.45, 0.45, 31)


@dataclass(frozen=True)
class Bottoms:
    """The lowest points of valleys for one or many tables of log losses.

    Attributes
    ----------
    x, height, curvature : ndarray (m, J)
        ln N of the lowest point, ln loss there, half the second derivative; NaN where a valley has no bottom.
    lean : ndarray (m,)
        beta - alpha of the shape: 0 for parabolas.
    """

    x: Array
    height: Array
    curvature: Array
    lean: Array


def _basis(t: Array, lean: float | None) -> Array:
    """Columns (k, 3) whose sum with fitted weights is the valley: a parabola (None), or one that leans."""
    if lean is None:
        return np.column_stack([np.ones_like(t), t, t * t])
    alpha, beta = (STEEPNESS - lean) / 2, (STEEPNESS + lean) / 2
    return np.column_stack([np.ones_like(t), exp(-alpha * t) / alpha, exp(beta * t) / beta])


def _lowest(weights: Array, lean: float | None) -> tuple[Array, Array, Array]:
    """Place, height and curvature of the lowest point for weights (..., 3) of a basis; NaN where it has none."""
    c, p, q = np.moveaxis(weights, -1, 0)
    with np.errstate(all="ignore"):
        if lean is None:
            ok = q > 0
            return (
                np.where(ok, -p / (2 * q), np.nan),
                np.where(ok, c - p * p / (4 * q), np.nan),
                np.where(ok, q, np.nan),
            )
        alpha, beta = (STEEPNESS - lean) / 2, (STEEPNESS + lean) / 2
        t = log(p / q) / STEEPNESS
        left, right = p * exp(-alpha * t), q * exp(beta * t)
        ok = (p > 0) & (q > 0)
        height = c + left / alpha + right / beta
        curvature = (alpha * left + beta * right) / 2
        return np.where(ok, t, np.nan), np.where(ok, height, np.nan), np.where(ok, curvature, np.nan)


class ValleyShape:
    """Least-squares fits of one shape to a fixed set of valleys, for many tables of log losses at once."""

    def __init__(self, valleys: list[Valley], lean: float | None = None) -> None:
        self.lean = lean
        self.valleys = valleys
        self.centres = np.array([valley.x.mean() for valley in valleys])
        self.bases = [_basis(valley.x - centre, lean) for valley, centre in zip(valleys, self.centres)]
        self.solvers = [pinv(basis) for basis in self.bases]

    def losses(self, z: Array) -> list[Array]:
        """Log losses (m, k) of every valley for tables of log losses z (m, n)."""
        return [product(z, valley.weights.T) + valley.shift for valley in self.valleys]

    def bottoms(self, losses: list[Array]) -> tuple[Array, Array, Array]:
        """Places (ln N), heights and curvatures, each (m, J)."""
        found = [_lowest(product(y, solver.T), self.lean) for y, solver in zip(losses, self.solvers)]
        x, height, curvature = (np.stack(column, axis=-1) for column in zip(*found))
        return x + self.centres, height, curvature

    def misfit(self, losses: list[Array]) -> Array:
        """Sum of squares about the fits, (m,)."""
        total = np.zeros(len(losses[0]))
        for y, solver, basis in zip(losses, self.solvers, self.bases):
            total += np.square(y - product(product(y, solver.T), basis.T)).sum(axis=-1)
        return total

    def fitted(self, z: Array) -> list[Array]:
        """Fitted log losses (k,) of every valley for one table z (n,)."""
        return [
            product(b, product(s, (product(v.weights, z) + v.shift)))
            for v, s, b in zip(self.valleys, self.solvers, self.bases)
        ]

    def curves(self, losses: list[Array], place: int, x: Array) -> Array:
        """Fitted log losses (m, n) of one valley at ln N (n,), for tables of its log losses."""
        basis = _basis(x - self.centres[place], self.lean)
        return np.asarray(product(losses[place], self.solvers[place].T, basis.T))

    def leverages(self) -> list[Array]:
        """How much each loss of a valley moves its own fitted value, (k,) each."""
        return [einsum("ki,ik->k", basis, solver) for basis, solver in zip(self.bases, self.solvers)]


def parabolas(valleys: list[Valley], z: Array) -> Bottoms:
    """Bottoms of a parabola in ln N through ln loss a valley, for tables of log losses z (m, n)."""
    shape = ValleyShape(valleys)
    return Bottoms(*shape.bottoms(shape.losses(z)), lean=np.zeros(len(z)))


def leaning_shapes(valleys: list[Valley]) -> list[ValleyShape]:
    """The shapes among which `leaning` chooses, for one set of valleys."""
    return [ValleyShape(valleys, float(lean)) for lean in _LEANS]


def leaning(shapes: list[ValleyShape], z: Array, noise: float, share: float = 1.0) -> Bottoms:
    """Bottoms of valleys that all lean by one amount, found from all of them together.

    About its lowest point the loss of A/N^alpha + B/D^beta at fixed C is exp(-alpha t)/alpha + exp(beta t)/beta up to
    scale, whatever rising function the loss is of it: its third derivative over its second is beta - alpha at every
    budget. A parabola takes that as zero and puts the bottom too far to the steep side.

    Parameters
    ----------
    shapes : list of ValleyShape
        See `leaning_shapes`; three sizes a valley at least.
    z : ndarray (m, n)
        Tables of log losses.
    noise : float
        Standard deviation of a log loss: how much of the lean is believed, against a prior of 0 +- ``LEAN_SD``.
    share : float
        Independent losses over all losses of the valleys, where these were interpolated.
    """
    losses = shapes[0].losses(z)
    # zero noise leaves the losses the only word
    penalty = np.square(noise * _LEANS / LEAN_SD)
    misfit = np.array([share * shape.misfit(losses) for shape in shapes]) + penalty[:, None]
    found = np.array([shape.bottoms(losses) for shape in shapes])  # (L, 3, m, J)
    best = np.clip(misfit.argmin(axis=0), 1, len(_LEANS) - 2)
    m = np.arange(misfit.shape[1])
    below, here, above = misfit[best - 1, m], misfit[best, m], misfit[best + 1, m]
    with np.errstate(all="ignore"):
        off = np.nan_to_num((below - above) / (2 * (below - 2 * here + above)))
    off = np.clip(off, -1, 1)
    step = best + np.where(off < 0, -1, 1)
    x, height, curvature = np.moveaxis(found[best, :, m] * (1 - abs(off))[:, None, None]
                                       + found[step, :, m] * abs(off)[:, None, None], 1, 0)  # fmt: skip
    return Bottoms(x, height, curvature, _LEANS[best] + off * (_LEANS[1] - _LEANS[0]))


def line(log_C: Array, x: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted straight lines through (log_C (J,), x (m, J)), NaN left out: value at log_C = 0 and slope, (m,) each."""
    ok = np.isfinite(x)
    w, x = ok * weights, np.where(ok, x, 0.0)
    with np.errstate(all="ignore"):
        total = w.sum(axis=-1)
        centre = (w * log_C).sum(axis=-1) / total
        d = log_C - centre[..., None]
        slope = (w * d * x).sum(axis=-1) / (w * d * d).sum(axis=-1)
        at_zero = (w * x).sum(axis=-1) / total - slope * centre
    few = ok.sum(axis=-1) < 3
    return np.where(few, np.nan, at_zero), np.where(few, np.nan, slope)
