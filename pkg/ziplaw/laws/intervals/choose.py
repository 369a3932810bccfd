"""Every kind of interval behind one name, and the default for a table with or without runs."""

from __future__ import annotations

import numpy as np

from ..forms import arguments
from .bootstrap import Bootstrap, bootstrap
from .delta import delta_interval, delta_interval_of
from .jackknife import Jackknife, jackknife
from .kinds import BY_RUN, METHODS
from .profile import profile_interval, profile_interval_of
from .quantities import Runs
from .view import Ends, Function, HasView, View

Draws = Bootstrap | Jackknife | None  # None for a method that needs none
_WITHOUT_DRAWS = {
    "delta": "delta method, Student t",
    "sandwich": "delta method, Student t, errors of any spread",
    "profile": "profile likelihood",
}


def default_method(clusters: Runs = None, view: View | None = None) -> str:
    """Return the default kind of interval: "jackknife" where runs are named, however few, else the law's own.

    That is "case" for the additive law, 94 to 97 % coverage with independent errors, and "sandwich" for any other, and
    for the excess over a floor: there case bootstraps cover too little, 89 to 92 % of the loss, for the refits' median
    strays from the estimate; one spread for all rows is an assumption that learning curves break. Where rows of a run
    share an error, rows taken as independent cover as little as 78 %, a wild bootstrap by run 80, a cluster bootstrap
    needs many runs; leaving out one run at a time holds 92 to 98 % with four, six or twelve runs
    (``docs/validation.md``); where too few are left it refuses.
    """
    own = "case" if view is None else view.default
    return own if clusters is None else "jackknife"


def resample(
    fitted: HasView, method: str | None = None, *, clusters: Runs = None, n: int = 2000, seed: int = 42
) -> tuple[str, Draws]:
    """Return (method, its resamples): a ``Bootstrap`` or ``Jackknife``, or None for those that need none."""
    method = arguments.check_choice(method or default_method(clusters, fitted.view), "method", METHODS)
    if method in _WITHOUT_DRAWS:
        return method, None
    if method == "jackknife":
        return method, jackknife(fitted, clusters)
    labels = clusters if method in BY_RUN else None
    return method, bootstrap(fitted, n, seed=seed, clusters=labels, method=method)


def describe(method: str, draws: Draws, n: int) -> str:
    """One line about how intervals were made."""
    if draws is None:
        return _WITHOUT_DRAWS[method]
    if method == "jackknife":
        return f"jackknife over {draws.n_clusters} runs, t with {draws.freedom} degrees of freedom"
    runs = f" over {draws.n_clusters} runs" if draws.n_clusters else ""
    return f"{method} bootstrap{runs}, {n} refits, bias-corrected"


def interval_of(
    fitted: HasView, function: Function, method: str, draws: Draws, level: float = 0.95, on_log: bool = True
) -> Ends:
    """Interval of any function of natural parameters (..., q), by a method and its resamples (see ``resample``).

    ``on_log`` says that the function is positive and ranges over decades.
    """
    if isinstance(draws, Bootstrap):
        return draws.interval_of(function, level)
    if draws is not None:
        return draws.interval_of(function, level, on_log)
    if method in ("delta", "sandwich"):
        return delta_interval_of(fitted, function, level, on_log, robust=method == "sandwich")
    return profile_interval_of(fitted, function, level, on_log)


def intervals(
    fitted: HasView,
    method: str | None = None,
    level: float = 0.95,
    *,
    clusters: Runs = None,
    n: int = 2000,
    seed: int = 42,
    C: float | None = None,
    N: float | None = None,
    D: float | None = None,
) -> dict[str, Ends]:
    """Intervals of the parameters, of an allocation and of a prediction, by any method.

    Parameters
    ----------
    fitted : LawFit, FormFit or LinkFit
        The law.
    method : str, optional
        "case", "cluster", "residual", "wild", "parametric" (bootstraps), "jackknife" (over runs), "delta", "sandwich"
        or "profile"; see ``default_method``.
    level : float
        Coverage to aim at.
    clusters : array-like (n_rows,), optional
        The run that each row belongs to.
    n, seed : int
        Refits and seed of a bootstrap.
    C : float, optional
        Training FLOPs: adds "N_opt", "D_opt" and "loss_opt".
    N, D : float, optional
        Adds "loss", the law's mean there.

    Returns
    -------
    dict
        name -> (lo, hi).
    """
    method, draws = resample(fitted, method, clusters=clusters, n=n, seed=seed)
    if draws is None:
        if method == "profile":
            out = profile_interval(fitted, level, C=C, N=N, D=D)
        else:
            out = delta_interval(fitted, level, method == "sandwich", C=C, N=N, D=D)
        view = fitted.view
        if "loss_opt" in out:
            best = view.split(view.points(view.theta), np.asarray(C, dtype=np.float64))
            out["loss_opt"] = view.told_loss(out["loss_opt"], dict(zip("ND", best)))
        if "loss" in out:
            out["loss"] = view.told_loss(
                out["loss"], {"N": np.asarray(N, dtype=float), "D": np.asarray(D, dtype=float)}
            )
        return out
    out = draws.interval(level)
    if C is not None:
        out.update({f"{name}_opt": pair for name, pair in draws.allocate(C, level).items()})
    if N is not None and D is not None:
        lo, hi = draws.predict(N, D, level)
        out["loss"] = (float(lo), float(hi))
    return out
