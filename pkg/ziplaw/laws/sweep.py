"""One dataset of a sweep: which cells can carry a law, its fits with E free and E at the floor, as plain numbers."""

from __future__ import annotations

import numpy as np

from ..errors import FitError
from . import checks, diagnostics
from .fit import fit
from .forms import PARAMETERS
from .methods import describe, resample

MIN_CELLS, MIN_SIZES, MIN_BUDGETS = 8, 3, 3
CELLS = ("scaling", "all")


def fit_dataset(rows, *, cells="scaling", bootstrap=1000, level=0.95, seed=42):
    """Fit the additive law to one dataset's rows of runs.csv.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one dataset with at least model, seed, N, D, loss; floor, regime, unigram_entropy and H where known.
    cells : {"scaling", "all"}
        Fit the cells in the scaling regime (where a floor tells them apart), or all that were measured.
    bootstrap : int
        Refits behind the intervals.
    level : float
        Coverage that the intervals claim.
    seed : int
        Seed of the resampling.

    Returns
    -------
    dict
        The content of ``fits/<dataset>.json``; see ``docs/formats.md``. A dataset that cannot be fitted gives the same
        keys, with ``converged`` false and a message.

    Raises
    ------
    FitError
        When there is no row, or the rows are of several datasets or architectures.
    """
    names = {row["dataset"] for row in rows}
    if len(names) != 1:
        raise FitError(f"rows of {len(names)} datasets {sorted(names)}: fit one dataset at a time")
    checks.one_architecture(rows)
    measured = [row for row in rows if _number(row.get("loss")) and row.get("status", "finished") != "diverged"]
    floor = next((row["floor"] for row in rows if row.get("floor") is not None), None)
    scaling = [row for row in measured if row.get("regime") == "scaling"]
    regime, reportable, reason = _regime(measured, scaling, floor)
    chosen = scaling if cells == "scaling" and floor is not None else measured
    used = cells if floor is not None else "all"
    if chosen is scaling and len(chosen) < 6:
        chosen, used = measured, "all"
    variants = {"free": _variant(chosen, None, bootstrap, level, seed), "floor": None}
    if floor is not None:
        variants["floor"] = _variant(chosen, float(floor), bootstrap, level, seed)
    if reportable and not any(v and v["converged"] for v in variants.values()):
        reportable, reason = False, f"no fit converged: {variants['free']['message']}"
    first = rows[0]
    counts = {
        name: sum(row.get("regime") == name for row in measured) for name in ("scaling", "saturated", "not started")
    }
    return {
        "dataset": first["dataset"],
        "H": first.get("H"),
        "H_std": first.get("H_std"),
        "floor": floor,
        "floor_stderr": first.get("floor_stderr"),
        "unigram_entropy": first.get("unigram_entropy"),
        "n_points": len(measured),
        "n_scaling": len(scaling) if floor is not None else None,
        "n_diverged": len(rows) - len(measured),
        "regime_counts": counts if floor is not None else None,
        "regime": regime,
        "cells": used,
        "reportable": reportable,
        "reason": reason,
        "variants": variants,
    }


def _number(value):
    return isinstance(value, int | float) and np.isfinite(value) and value > 0


def _regime(measured, scaling, floor):
    """Regime of the dataset, whether its exponents may be reported, and why (not)."""
    if floor is None:
        if len(measured) < 6:
            return None, False, f"{len(measured)} measured cells, at least 6 are needed"
        return None, True, "no floor is known, so saturation cannot be ruled out; judged by convergence alone"
    sizes, budgets = len({row["N"] for row in scaling}), len({row.get("budget") or row["D"] for row in scaling})
    what = f"{len(scaling)} of {len(measured)} cells scale, over {sizes} sizes and {budgets} budgets"
    if len(scaling) >= MIN_CELLS and sizes >= MIN_SIZES and budgets >= MIN_BUDGETS:
        return "scaling", True, what
    what += f"; needed: {MIN_CELLS} cells, {MIN_SIZES} sizes, {MIN_BUDGETS} budgets"
    counts = {name: sum(row.get("regime") == name for row in measured) for name in ("saturated", "not started")}
    if len(scaling) >= max(counts.values()):
        return "scaling", False, what
    return max(counts, key=counts.get), False, what


def _variant(rows, floor, bootstrap, level, seed):
    """One fit as plain numbers; a table that cannot be fitted gives a failed fit with its message."""
    try:
        columns = {key: [row[key] for row in rows] for key in ("N", "D", "loss")}
        fitted = fit(**columns, fixed_E=floor, duplicates="keep")
    except FitError as error:
        return _failed(str(error), len(rows))
    runs = np.array([f"{row.get('model')}/{row.get('seed')}" for row in rows])
    return fit_document(fitted, runs, bootstrap=bootstrap, level=level, seed=seed)


def fit_document(fitted, clusters=None, *, method=None, bootstrap=1000, level=0.95, seed=42):
    """Return a FIT: a fitted law with intervals and diagnostics, as plain numbers (see ``docs/formats.md``)."""
    method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    if draws is None:
        intervals = fitted.intervals(method, level)
    else:
        intervals = draws.interval(level)
    document = {
        **fitted.to_dict(),
        "intervals": {name: list(pair) for name, pair in intervals.items()},
        "interval_method": describe(method, draws, bootstrap),
        "level": level,
        "n_clusters": None if clusters is None else len(np.unique(clusters)),
        "usable": diagnostics.usable(fitted),
        "warnings": diagnostics.warnings(fitted),
    }
    if method == "jackknife":
        document["covariance_over_runs"] = draws.covariance().tolist()
    return document


def _failed(message, n):
    return {
        "parameters": dict.fromkeys(PARAMETERS),
        "intervals": {name: [None, None] for name in (*PARAMETERS, "a", "b", "log10_G")},
        "interval_method": None,
        "level": None,
        "objective": None,
        "n": n,
        "converged": False,
        "message": message,
        "flags": ["not converged"],
        "covariance": [[None] * 5] * 5,
        "rms_log_residual": None,
        "condition_number": None,
        "correlations": [[None] * 5] * 5,
        "fraction_of_starts": None,
        "holdout": None,
        "usable": False,
        "warnings": [message],
    }
