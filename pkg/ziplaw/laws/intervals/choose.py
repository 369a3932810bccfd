"""Every kind of interval behind one name, and the default for a table with or without runs."""

from __future__ import annotations

from ..forms import arguments
from .bootstrap import Bootstrap, bootstrap
from .delta import delta_interval, delta_interval_of
from .jackknife import Jackknife, jackknife
from .kinds import BY_RUN, METHODS
from .profile import profile_interval, profile_interval_of
from .quantities import Runs
from .view import Ends, Function, HasView

Draws = Bootstrap | Jackknife | None  # None for a method that needs none


def default_method(clusters: Runs = None) -> str:
    """Return the default kind of interval: "jackknife" where runs are named, however few, else "case".

    Without runs the case bootstrap is used: 94 to 97 % coverage with independent errors. Where rows of a run share an
    error it covers as little as 78 %, a wild bootstrap by run 80, a cluster bootstrap needs many runs; leaving out
    one run at a time holds 92 to 98 % with four, six or twelve runs (``docs/validation.md``); where too few are left
    it refuses.
    """
    return "case" if clusters is None else "jackknife"


def resample(
    fitted: HasView, method: str | None = None, *, clusters: Runs = None, n: int = 2000, seed: int = 42
) -> tuple[str, Draws]:
    """Return (method, its resamples): a ``Bootstrap`` or ``Jackknife``, or None for "delta" and "profile"."""
    method = arguments.check_choice(method or default_method(clusters), "method", METHODS)
    if method in ("delta", "profile"):
        return method, None
    if method == "jackknife":
        return method, jackknife(fitted, clusters)
    labels = clusters if method in BY_RUN else None
    return method, bootstrap(fitted, n, seed=seed, clusters=labels, method=method)


def describe(method: str, draws: Draws, n: int) -> str:
    """One line about how intervals were made."""
    if draws is None:
        return {"delta": "delta method, Student t", "profile": "profile likelihood"}[method]
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
    if method == "delta":
        return delta_interval_of(fitted, function, level, on_log)
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
        "case", "cluster", "residual", "wild", "parametric" (bootstraps), "jackknife" (over runs), "delta" or "profile";
        see ``default_method``.
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
        found = delta_interval if method == "delta" else profile_interval
        return found(fitted, level, C=C, N=N, D=D)
    out = draws.interval(level)
    if C is not None:
        out.update({f"{name}_opt": pair for name, pair in draws.allocate(C, level).items()})
    if N is not None and D is not None:
        lo, hi = draws.predict(N, D, level)
        out["loss"] = (float(lo), float(hi))
    return out
