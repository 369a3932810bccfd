"""Many additive laws at once: damped Newton steps on the Huber objective, with delta continuation, compiled.

The readable twin is ``tests/twins/law_solver.py``. The model is kept in centred, scaled coordinates (see ``Design``):
f = E + A exp(-alpha x) + B exp(-beta y) with x = ln N - mean, y = ln D - mean. That takes away the correlation of .999
between ln A and alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import ModuleType

import numpy as np
import numpy.typing as npt

from ...base.threads import each, n_threads
from ...errors import FitError
from ...numerics.functions import exp, log
from ..forms.arguments import Array

Index32 = npt.NDArray[np.int32]

# alpha and beta: below the lower bound a power law cannot be told from a constant, above the upper from a step
EXPONENT_BOUNDS = (0.005, 5.0)
# rows x problems below which a second thread does not pay; as much, about a tenth of a second, is solved between two
# looks at whether the user wants to stop
_SHARE = 50_000


@dataclass(frozen=True)
class Design:
    """Data of a fit in centred coordinates.

    Parameters
    ----------
    x, y : ndarray, float64 (n,)
        ln N and ln D minus their means.
    z : ndarray, float64 (n,) or (problems, n)
        ln(loss / scale).
    x_mean, y_mean : float
        The means taken off.
    scale : float
        Geometric mean of the loss.
    """

    x: Array
    y: Array
    z: Array
    x_mean: float
    y_mean: float
    scale: float

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array) -> Design:
        """Centre and scale a table of N, D and loss (each float64 (n,))."""
        x, y, z = log(N), log(D), log(loss)
        x_mean, y_mean, scale = float(x.mean()), float(y.mean()), float(exp(z.mean()))
        return cls(x - x_mean, y - y_mean, z - log(scale), x_mean, y_mean, scale)

    @cached_property
    def distinct(self) -> tuple[Array, Index32, Array, Index32]:
        """Distinct x, each row's index among them (int32), and the same of y: exponentials are taken of these alone."""
        (ux, ix), (uy, iy) = (np.unique(v, return_inverse=True) for v in (self.x, self.y))
        return ux, ix.astype(np.int32), uy, iy.astype(np.int32)

    def to_natural(self, theta: npt.ArrayLike) -> Array:
        """Turn centred (..., 5) parameters into natural E, A, B, alpha, beta."""
        out = np.array(theta, dtype=np.float64)
        out[..., 0] *= self.scale
        out[..., 1] *= self.scale * exp(out[..., 3] * self.x_mean)
        out[..., 2] *= self.scale * exp(out[..., 4] * self.y_mean)
        return out


def huber(r: Array, delta: float | Array) -> Array:
    """Huber function r^2/2 inside delta, delta (|r| - delta/2) outside; delta = inf gives r^2/2."""
    size = np.abs(r)
    clipped = np.minimum(size, delta)
    return clipped * (size - 0.5 * clipped)


def residuals(theta: Array, design: Design) -> Array:
    """Log residuals ln f - ln loss, (problems, n), of centred parameters (problems, 5)."""
    E, A, B, alpha, beta = (theta[:, i, None] for i in range(5))
    return log(E + A * exp(-alpha * design.x) + B * exp(-beta * design.y)) - design.z


def core() -> ModuleType:
    """Return the compiled fitter."""
    try:
        from ... import _laws
    except ImportError:
        raise FitError("the compiled fitter is missing: build it with make build (or pip install ziplaw)") from None
    return _laws


def polish(
    theta: npt.ArrayLike,
    design: Design,
    *,
    weights: npt.ArrayLike | None = None,
    delta: float | Array = 1e-3,
    free: Sequence[bool] | npt.NDArray[np.bool_] = (True,) * 5,
    tie: bool = False,
    max_steps: int = 500,
    anneal: bool = True,
    threads: int | None = 1,
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Minimise the sum of weighted Huber terms from each start.

    Each step solves with the Newton matrix of the Huber sum, damped by the positive definite matrix of iteratively
    reweighted least squares; a bound that a parameter pushes against holds it. Delta starts at the median residual and
    shrinks fourfold at a time, because the optimum at a small delta is that of a nearly absolute-value objective.

    Parameters
    ----------
    theta : ndarray, float64 (problems, 5)
        Starts in centred coordinates.
    design : Design
        The data; ``z`` may be (n,) or (problems, n).
    weights : ndarray, float64 (n,) or (problems, n), optional
        Weight of each term, at least 0.
    delta : float or ndarray (problems,)
        Huber's delta; inf means least squares on log loss.
    free : sequence of 5 bool
        Parameters that may move.
    tie : bool
        Keep alpha = beta (start with them equal).
    max_steps : int
        Steps allowed to each problem.
    anneal : bool
        Whether to let delta shrink to its target instead of starting there.
    threads : int, optional
        Threads that share the problems, None for all cores; the result does not depend on it.

    Returns
    -------
    theta : ndarray (problems, 5)
    objective : ndarray (problems,)
    converged : ndarray, bool (problems,)
    """
    fitter, threads = core(), n_threads(threads, FitError)
    theta = np.array(theta, dtype=np.float64, ndmin=2, order="C")
    k, n = len(theta), len(design.x)
    z = np.ascontiguousarray(np.atleast_2d(design.z), dtype=np.float64)
    w = np.ascontiguousarray(np.atleast_2d(np.ones(n) if weights is None else weights), dtype=np.float64)
    delta = np.ascontiguousarray(np.broadcast_to(np.asarray(delta, dtype=np.float64), (k,)))
    objective, converged = np.empty(k), np.empty(k, dtype=np.uint8)
    options = {
        "distinct": design.distinct,
        "free": free,
        "tie": tie,
        "bounds": EXPONENT_BOUNDS,
        "max_steps": max_steps,
        "anneal": anneal,
    }

    def part(rows: slice) -> None:
        zs, ws = (table if len(table) == 1 else table[rows] for table in (z, w))
        fitter.polish(design.x, design.y, zs, ws, delta[rows], theta[rows], objective[rows], converged[rows], **options)

    in_pieces(part, k, n, threads)
    return theta, objective, converged.astype(bool)


def in_pieces(part: Callable[[slice], None], k: int, n: int, threads: int) -> None:
    """Call ``part`` on slices of k problems of n rows each, shared by threads."""
    pieces = max(1, min(k, k * n // _SHARE))
    bounds = np.linspace(0, k, pieces + 1).astype(int)
    slices = [slice(a, b) for a, b in pairwise(bounds)]
    each(part, slices, min(threads, pieces))


def project(
    design: Design, weights: npt.ArrayLike | None, exponents: npt.ArrayLike, fixed_E: float | None = None
) -> tuple[Array, Array]:
    """Best E, A, B >= 0 at every pair of exponents, by least squares on f / L - 1.

    Parameters
    ----------
    design : Design
        The data, ``z`` of shape (n,).
    weights : ndarray (n,) or None
        Weight of each row.
    exponents : ndarray (m,)
        Values of alpha and of beta.
    fixed_E : float, optional
        Centred (scaled) E, when it is not free.

    Returns
    -------
    linear : ndarray (m, m, 3)
        E, A, B at (alpha, beta) = (exponents[i], exponents[j]).
    cost : ndarray (m, m)
        The weighted sum of squares.
    """
    w = np.ones(len(design.x)) if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    exponents = np.ascontiguousarray(exponents, dtype=np.float64)
    return core().project(design.x, design.y, design.z, w, exponents, -1.0 if fixed_E is None else float(fixed_E))
