"""Delete-one-run jackknife: intervals that hold up when the rows of a run share an error and runs are few."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, log, product
from ..forms import arguments
from ..solve.additive import Array
from ..solve.levels import SAME_VALUE, near_groups
from .bootstrap import cluster_labels
from .quantities import Bands, Runs, split_limits
from .view import Ends, Function, HasView, View

MIN_RUNS = 3


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Refits with one run left out each.

    Attributes
    ----------
    samples : ndarray (runs, q)
        Natural parameters without each run: E, A, B, alpha, beta of the additive law.
    n_clusters : int
        Number of runs.
    freedom : int
        Runs less one: the degrees of freedom of the t intervals.
    points : ndarray (runs, p)
        The refits as ``View`` takes them.
    """

    samples: Array
    n_clusters: int
    freedom: int
    points: Array = field(repr=False)
    view: View = field(repr=False)

    def interval(self, level: float = 0.95) -> dict[str, Ends]:
        """Intervals of the parameters, and of a, b and log10_G where the law has them: estimate +- t standard errors.

        The variance is (runs - 1)/runs times the sum of squares of the left-out estimates about their mean (CV3 of
        MacKinnon, Nielsen and Webb 2023), on the log scale for amplitudes.
        """
        view = self.view
        draws, estimates = view.named(self.points), view.named(self._estimate)
        out = {name: self._ends(draws[name], estimates[name], level, name in view.on_log) for name in draws}
        for name in set(view.names) - view.signed:
            out[name] = (max(out[name][0], 0.0), out[name][1])
        for name in {"a", "b"} & set(out):
            out[name] = (max(out[name][0], 0.0), min(out[name][1], 1.0))
        return {**out, **view.unknown()}

    def predict(self, N: npt.ArrayLike, D: npt.ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
        """Interval of the law's mean loss at N, D (broadcast): arrays lo, hi."""
        N, D = np.broadcast_arrays(arguments.check_positive(N, "N"), arguments.check_positive(D, "D"))
        at = {"N": N.ravel(), "D": D.ravel()}
        ends = self._ends(self.view.loss(self.points, at), self.view.loss(self._estimate, at), level, True)
        lo, hi = self.view.told_loss(ends, at)
        return np.reshape(lo, N.shape), np.reshape(hi, N.shape)

    def allocate(self, C: npt.ArrayLike, level: float = 0.95) -> Bands:
        """Intervals of N_opt, D_opt and the loss there for C training FLOPs: name -> (lo, hi)."""
        draws, estimates = self.view.split(self.points, C), self.view.split(self._estimate, C)
        out = {name: self._ends(d, e, level, True) for name, d, e in zip(("N", "D", "loss"), draws, estimates)}
        out["loss"] = self.view.told_loss(out["loss"], dict(zip("ND", estimates)))
        return split_limits(self.view.unknown(), out)

    def interval_of(self, function: Function, level: float = 0.95, on_log: bool = True) -> Ends:
        """Interval of any function of natural parameters (..., q), averaged on a log scale where ``on_log``."""
        draws, estimate = (function(self.view.natural_of(points)) for points in (self.points, self._estimate))
        lo, hi = self._ends(draws, estimate, level, on_log)
        return float(lo), float(hi)

    def covariance(self) -> Array:
        """Jackknife covariance (5, 5) of ln E, ln A, ln B, alpha, beta; NaN rows where one is zero or held fixed."""
        with np.errstate(divide="ignore"):
            phi = np.concatenate([log(self.samples[:, :3]), self.samples[:, 3:]], axis=1)
        k = self.n_clusters
        with np.errstate(invalid="ignore"):
            off = phi - phi.mean(axis=0)
        fixed = np.isin(self.view.names, list(self.view.held()))
        held = ~np.isfinite(off).all(axis=0) | fixed
        out = product((k - 1) / k * np.where(held, 0.0, off).T, np.where(held, 0.0, off))
        out[held, :], out[:, held] = np.nan, np.nan
        return out

    @property
    def _estimate(self) -> Array:
        return self.view.points(self.view.theta)

    def _ends(self, draws: Array, estimate: Any, level: float, on_log: bool) -> tuple[Any, Any]:
        t = student_quantile(self.freedom, (1 + arguments.check_level(level)) / 2)
        with np.errstate(all="ignore"):
            if on_log:
                draws, estimate = log(draws), log(estimate)
            k = self.n_clusters
            # left-out estimates lie k - 1 times nearer to each other than estimates of fresh tables
            half = t * np.sqrt((k - 1) / k * np.square(draws - draws.mean(axis=0)).sum(axis=0))
            lo, hi = estimate - half, estimate + half
            if on_log:
                lo, hi = exp(lo), exp(hi)
        low, high = (0.0 if on_log else -np.inf), np.inf
        lo, hi = np.where(np.isfinite(lo), lo, low), np.where(np.isfinite(hi), hi, high)
        return (float(lo), float(hi)) if np.ndim(lo) == 0 else (lo, hi)


def _check_what_is_left(view, labels, names):
    """Refuse where leaving out some run leaves too few sizes or budgets: its refit would stay where it starts."""
    used = view.weights > 0
    columns, needed, remedy = view.levels()
    for name, values in columns.items():
        pairs = np.unique(np.column_stack([near_groups(values[used], SAME_VALUE), labels[used]]), axis=0)
        owners = np.bincount(pairs[:, 0])
        # a size goes with the run that is its only one
        alone = np.bincount(pairs[owners[pairs[:, 0]] == 1, 1], minlength=len(names))
        levels = len(owners) - alone
        if levels.min() < needed:
            run = int(levels.argmin())
            raise FitError(
                f"{len(names)} runs: intervals leave out one at a time, and without {names[run]} there are "
                f"{levels[run]} {name}, of which the law needs {needed}: add runs of other sizes or seeds"
                f"{f', or {remedy}' if remedy else ''}"
            )


def jackknife(fitted: HasView, clusters: Runs) -> Jackknife:
    """Leave out one run at a time.

    Parameters
    ----------
    fitted : LawFit, FormFit or LinkFit
        The law and its table.
    clusters : array-like (n_rows,)
        A label for each row: the training run that it is a branch of.

    Returns
    -------
    Jackknife

    Raises
    ------
    FitError
        When there are fewer than three runs, or what is left without one of them no longer identifies the law: such as
        three runs of three sizes, of which two cannot tell E from A and alpha.
    """
    view = fitted.view
    labels = cluster_labels(clusters, view.n)
    k = 0 if labels is None else int(labels.max()) + 1
    if k < MIN_RUNS:
        raise FitError(
            f"{k} runs: leaving one out at a time needs at least {MIN_RUNS}, and 4 sizes where E is free: add runs"
        )
    _check_what_is_left(view, labels, np.unique(np.asarray(clusters)))
    weights = view.weights * (labels != np.arange(k)[:, None])
    theta, _, _ = view.solve(np.repeat(view.theta[None], k, axis=0), weights=weights)
    return Jackknife(view.natural(theta), k, k - 1, view.points(theta), view)
