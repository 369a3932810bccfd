"""Intervals for everything a law says: bootstraps that resample cells, runs or residuals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import FitError
from . import checks
from .allocate import exponents, optimal_split
from .diagnostics import unidentified
from .forms import PARAMETERS, additive
from .solver import polish

METHODS = ("case", "cluster", "residual", "wild", "parametric")
_LIMITS = {"E": (0, np.inf), "A": (0, np.inf), "B": (0, np.inf), "alpha": (0, np.inf), "beta": (0, np.inf)}
_SPLIT_LIMITS = {"a": (0.0, 1.0), "b": (0.0, 1.0), "log10_G": (-np.inf, np.inf)}


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Refits of one law.

    Attributes
    ----------
    samples : ndarray (n, 5)
        E, A, B, alpha, beta of every refit.
    objective : ndarray (n,)
        Objective of every refit.
    converged : ndarray, bool (n,)
        Refits that met the tolerance.
    method : str
        "case", "cluster", "residual", "wild" or "parametric".
    n_clusters : int or None
        Number of clusters, where clusters were resampled.
    """

    samples: np.ndarray
    objective: np.ndarray
    converged: np.ndarray
    method: str
    n_clusters: int | None
    fitted: object = field(repr=False)

    def interval(self, level=0.95) -> dict[str, tuple[float, float]]:
        """Percentile intervals of E, A, B, alpha, beta, a, b and log10_G.

        What the table cannot identify gets its whole range, such as (0, inf).
        """
        level = checks.check_level(level)
        a, b, log10_G = exponents(self.samples)
        columns = {**dict(zip(PARAMETERS, self.samples.T)), "a": a, "b": b, "log10_G": log10_G}
        out = {name: self._quantiles(values, level) for name, values in columns.items()}
        lost = unidentified(self.fitted)
        out.update({name: _LIMITS[name] for name in lost})
        if lost & {"A", "B", "alpha", "beta"}:
            out.update(_SPLIT_LIMITS)
        return out

    def predict(self, N, D, level=0.95):
        """Interval of the law's mean loss at N, D (broadcast): arrays lo, hi."""
        N, D = np.broadcast_arrays(checks.check_positive(N, "N"), checks.check_positive(D, "D"))
        draws = additive(self.samples, N.ravel(), D.ravel())
        lo, hi = self._quantiles(draws, checks.check_level(level))
        return np.reshape(lo, N.shape), np.reshape(hi, N.shape)

    def allocate(self, C, level=0.95) -> dict[str, tuple]:
        """Intervals of N_opt, D_opt and the loss there for C training FLOPs: name -> (lo, hi)."""
        level = checks.check_level(level)
        return {
            name: self._quantiles(draws, level)
            for name, draws in zip(("N", "D", "loss"), optimal_split(self.samples, C))
        }

    def _quantiles(self, draws, level):
        good = draws[np.isfinite(self.objective)]
        with np.errstate(invalid="ignore"):
            lo, hi = np.quantile(good, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return (float(lo), float(hi)) if np.ndim(lo) == 0 else (lo, hi)


def bootstrap(fitted, n=1000, *, seed=42, clusters=None, method=None, threads=None) -> Bootstrap:
    """Refit many resampled or perturbed tables, all at once.

    Parameters
    ----------
    fitted : LawFit
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
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= 10_000_000:
        raise FitError(f"n is {n!r}, must be a number of refits from 1 to 10000000")
    method = checks.check_choice(method or ("case" if clusters is None else "cluster"), "method", METHODS)
    labels = _labels(clusters, fitted.n)
    if method == "cluster" and labels is None:
        raise FitError("a cluster bootstrap needs clusters: give one label a row, such as its training run")
    rng = np.random.default_rng(seed)
    design, theta = fitted.solution.design, fitted.solution.theta
    weights, z = fitted.weights, design.z
    if method == "case":
        weights = weights * rng.multinomial(fitted.n, np.full(fitted.n, 1 / fitted.n), size=n)
    elif method == "cluster":
        k = labels.max() + 1
        weights = weights * rng.multinomial(k, np.full(k, 1 / k), size=n)[:, labels]
    else:
        z = _perturbed(fitted, n, rng, method, labels)
    table = type(design)(design.x, design.y, z, design.x_mean, design.y_mean, design.scale)
    samples, objective, converged = polish(
        np.repeat(theta[None], n, axis=0),
        table,
        weights=weights,
        delta=fitted.solution.delta,
        free=fitted.settings.free,
        tie=fitted.settings.tie,
        threads=checks.check_threads(threads),
    )
    samples = design.to_natural(samples)
    if fitted.settings.excess_floor is not None:
        samples[:, 0] = fitted.settings.excess_floor
    k = None if labels is None else int(labels.max() + 1)
    return Bootstrap(samples, objective, converged, method, k, fitted)


def _labels(clusters, n):
    if clusters is None:
        return None
    clusters = np.asarray(clusters)
    if clusters.shape != (n,):
        raise FitError(f"clusters have shape {clusters.shape}: give one label for each of the {n} rows")
    labels = np.unique(clusters, return_inverse=True)[1].ravel()
    if labels.max() < 1:
        raise FitError("all rows are in one cluster: at least two are needed to resample")
    return labels


def _perturbed(fitted, n, rng, method, labels):
    """Log losses (n, rows) redrawn around the fitted law."""
    r, rows = fitted.residuals, fitted.n
    inflate = np.sqrt(rows / max(rows - fitted.settings.n_free, 1))
    mean = fitted.solution.design.z + r
    noise = -(r - np.median(r)) * inflate
    if method == "residual":
        return mean + noise[rng.integers(0, rows, (n, rows))]
    if method == "parametric":
        return mean + rng.normal(0.0, np.sqrt((noise**2).mean()), (n, rows))
    labels = np.arange(rows) if labels is None else labels
    # Webb's six points: enough distinct draws even with five clusters
    points = np.array([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5]) ** 0 * np.sqrt([1.5, 1.0, 0.5, 0.5, 1.0, 1.5])
    points[:3] *= -1
    return mean - r * inflate * points[rng.integers(0, 6, (n, labels.max() + 1))][:, labels]
