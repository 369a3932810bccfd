"""Bootstraps of a fitted law: cells, runs or residuals resampled, all refits at once, intervals for what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError, integer
from ...numerics.distributions import normal_cdf, normal_inverse, student_quantile
from ...numerics.draws import normals
from ..forms import arguments
from ..solve.additive import Array
from .kinds import BOOTSTRAPS
from .quantities import Bands, Runs, split_limits, tails
from .view import Ends, Function, HasView, View

_FAR = 1e300  # stands for infinity
CLUSTER_RUNS = 5
WILD_RUNS = 3
_PIECE = 20_000  # resamples drawn at a time


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Refits of one law.

    Attributes
    ----------
    samples : ndarray (n, q)
        Natural parameters of every refit, in the order of the law's: E, A, B, alpha, beta of the additive one.
    objective : ndarray (n,)
        Objective of every refit.
    converged : ndarray, bool (n,)
        Refits that met the tolerance.
    method : str
        "case", "cluster", "residual", "wild" or "parametric".
    n_clusters : int or None
        Number of clusters, where clusters were resampled.
    freedom : int
        Degrees of freedom of the t that widens intervals: rows or clusters less one where these are resampled (a refit
        counts its own parameters; Hesterberg 2015), rows less parameters where noise is redrawn on the same design.
    points : ndarray (n, p)
        The refits as ``View`` takes them.
    """

    samples: Array
    objective: Array
    converged: npt.NDArray[np.bool_]
    method: str
    n_clusters: int | None
    freedom: int
    points: Array = field(repr=False)
    view: View = field(repr=False)

    def interval(self, level: float = 0.95, kind: str = "bias-corrected") -> dict[str, Ends]:
        """Intervals of the parameters, and of a, b and log10_G where the law has them.

        What the table cannot identify gets its whole range, such as (0, inf).

        Parameters
        ----------
        level : float
            Coverage to aim at.
        kind : {"bias-corrected", "percentile"}
            Quantiles of the refits; by default shifted for median bias and widened from normal to Student t with
            ``freedom`` degrees of freedom (``docs/validation.md`` has the measured coverage of each).
        """
        columns = self.view.named(self.points)
        estimates = self.view.named(self._estimate)
        out = {name: self._quantiles(columns[name], estimates[name], level, kind) for name in columns}
        return {**out, **self.view.unknown()}

    def predict(
        self, N: npt.ArrayLike, D: npt.ArrayLike, level: float = 0.95, kind: str = "bias-corrected"
    ) -> tuple[Array, Array]:
        """Interval of the law's mean loss at N, D (broadcast): arrays lo, hi."""
        N, D = np.broadcast_arrays(arguments.check_positive(N, "N"), arguments.check_positive(D, "D"))
        at = {"N": N.ravel(), "D": D.ravel()}
        draws, estimate = self.view.loss(self.points, at), self.view.loss(self._estimate, at)
        lo, hi = self.view.told_loss(self._quantiles(draws, estimate, level, kind), at)
        return np.reshape(lo, N.shape), np.reshape(hi, N.shape)

    def allocate(self, C: npt.ArrayLike, level: float = 0.95, kind: str = "bias-corrected") -> Bands:
        """Intervals of N_opt, D_opt and the loss there for C training FLOPs: name -> (lo, hi)."""
        draws, estimates = self.view.split(self.points, C), self.view.split(self._estimate, C)
        out = {
            name: self._quantiles(draw, estimate, level, kind)
            for name, draw, estimate in zip(("N", "D", "loss"), draws, estimates)
        }
        out["loss"] = self.view.told_loss(out["loss"], dict(zip("ND", estimates)))
        return split_limits(self.view.unknown(), out)

    def interval_of(self, function: Function, level: float = 0.95, kind: str = "bias-corrected") -> Ends:
        """Interval of any function of natural parameters (..., q)."""
        draws, estimate = (function(self.view.natural_of(points)) for points in (self.points, self._estimate))
        lo, hi = self._quantiles(np.asarray(draws), estimate, level, kind)
        return float(lo), float(hi)

    @property
    def _estimate(self) -> Array:
        return self.view.points(self.view.theta)

    def _quantiles(self, draws: Array, estimate: Any, level: float, kind: str) -> tuple[Any, Any]:
        """Quantiles of draws (n, ...) about an estimate (...): lo and hi, floats or arrays (...)."""
        level = arguments.check_level(level)
        arguments.check_choice(kind, "kind", ("bias-corrected", "percentile"))
        # a refit that reached no finite objective says nothing
        good = draws[np.isfinite(self.objective)]
        shape = good.shape[1:]
        good = good.reshape(len(good), -1)
        ends = np.array(tails(level))[:, None] * np.ones(good.shape[1])
        if kind == "bias-corrected":
            estimate = np.broadcast_to(estimate, shape).ravel()
            below = (good < estimate).mean(axis=0) + 0.5 * (good == estimate).mean(axis=0)
            # Efron's correction: twice as many normal deviations as lie between the refits' median and the estimate;
            # where all refits lie on one side, as many as so many refits can tell
            limit = 0.5 / len(good)
            shift = 2 * normal_inverse(np.clip(below, limit, 1 - limit))
            ends = normal_cdf(shift + student_quantile(self.freedom, ends))
        found = np.array([[_quantile(column, q) for column, q in zip(good.T, row)] for row in ends])
        lo, hi = found.reshape(2, *shape)
        return (float(lo), float(hi)) if not shape else (lo, hi)


def _quantile(column, q):
    """Quantile of draws of which some may be infinite: interpolation with one of those would be NaN."""
    value = np.quantile(np.clip(column, -_FAR, _FAR), q)
    return value if abs(value) < _FAR / 2 else np.copysign(np.inf, value)


def bootstrap(
    fitted: HasView,
    n: int = 1000,
    *,
    seed: int = 42,
    clusters: Runs = None,
    method: str | None = None,
    threads: int | None = None,
) -> Bootstrap:
    """Refit many resampled or perturbed tables, all at once.

    Parameters
    ----------
    fitted : LawFit, FormFit or LinkFit
        The law and its table.
    n : int
        Number of refits.
    seed : int
        Seed of the resampling (PCG64).
    clusters : array-like (n_rows,), optional
        A label for each row, such as the training run that it is a branch of; rows of one run are not independent.
    method : {"case", "cluster", "residual", "wild", "parametric"}, optional
        By default "cluster" when ``clusters`` are given, else "case". "case" draws rows, "cluster" draws whole
        clusters; "residual" and "wild" keep the design and redraw or flip (by cluster, when given) the residuals,
        scaled up by sqrt(n / (n - parameters)); "parametric" adds normal noise of the residuals' size.
    threads : int, optional
        Threads that share the refits, all cores by default; the result does not depend on it.

    Returns
    -------
    Bootstrap
    """
    n = integer("n", n, 1, 10_000_000, "1000 refits are usual", FitError)
    method = arguments.check_choice(method or ("case" if clusters is None else "cluster"), "method", BOOTSTRAPS)
    view = fitted.view
    labels = cluster_labels(clusters, view.n)
    k = None if labels is None else int(labels.max()) + 1
    if method == "cluster" and not k:
        raise FitError("a cluster bootstrap needs clusters: give one label a row, such as its training run")
    if method == "cluster" and k and k < CLUSTER_RUNS:
        raise FitError(
            f"{k} runs: a cluster bootstrap needs at least {CLUSTER_RUNS} (with four, 95 % intervals hold the truth in "
            "70 %): take the jackknife over runs, the default"
        )
    if method == "wild" and k and k < WILD_RUNS:
        raise FitError(f"{k} runs: flipping the errors of whole runs needs at least {WILD_RUNS}: add runs")
    rng = np.random.default_rng(seed)
    weights: Array | None = None
    z: Array | None = None
    if method == "case":
        weights = view.weights * _resampled(rng, view.n, n)
    elif method == "cluster":
        weights = view.weights * _resampled(rng, k, n)[:, labels]
    else:
        z = _perturbed(view, n, rng, method, labels)
    starts = np.repeat(view.theta[None], n, axis=0)
    theta, objective, converged = view.solve(starts, z=z, weights=weights, threads=threads)
    freedom = k - 1 if k else view.n - (1 if method == "case" else view.n_free)
    samples, points = view.natural(theta), view.points(theta)
    return Bootstrap(samples, objective, converged, method, k, max(freedom, 1), points, view)


def _resampled(rng, items, n):
    """How often each of so many items is drawn in n resamples, int64 (n, items); Ctrl-C is heard between two pieces."""
    share, sizes = np.full(items, 1 / items), range(0, n, _PIECE)
    return np.concatenate([rng.multinomial(items, share, size=min(_PIECE, n - start)) for start in sizes])


def cluster_labels(clusters: Runs, n: int) -> npt.NDArray[np.intp] | None:
    """Number the distinct labels of rows from 0, int (n,), or None; FitError unless there are n of two kinds."""
    if clusters is None:
        return None
    clusters = np.asarray(clusters)
    if clusters.shape != (n,):
        raise FitError(f"clusters have shape {clusters.shape}: give one label for each of the {n} rows")
    labels = np.unique(clusters, return_inverse=True)[1].ravel()
    if labels.max() < 1:
        raise FitError("all rows are in one cluster: at least two are needed to resample")
    return labels


def _perturbed(view, n, rng, method, labels):
    """Log losses (n, rows) redrawn around the fitted law."""
    rows = view.n
    mean = view.z + view.residuals
    noise = view.left_out_residuals(view.tangent())
    if method == "residual":
        return mean - (noise - np.median(noise))[rng.integers(0, rows, (n, rows))]
    if method == "parametric":
        variance = np.square(view.residuals).sum() / max(rows - view.n_free, 1)
        return mean + np.sqrt(variance) * normals(rng, (n, rows))
    labels = np.arange(rows) if labels is None else labels
    # Webb's six points: enough distinct draws even with five clusters
    points = np.sqrt([1.5, 1.0, 0.5, 0.5, 1.0, 1.5]) * [-1, -1, -1, 1, 1, 1]
    return mean - noise * points[rng.integers(0, 6, (n, labels.max() + 1))][:, labels]
