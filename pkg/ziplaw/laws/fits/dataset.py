"""One dataset of a sweep: which cells can carry a law, its fits with E free and E at the floor, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ..forms import arguments
from ..forms.catalogue import LINKS
from ..forms.chinchilla import PARAMETERS
from ..intervals import identification
from ..intervals.bootstrap import Bootstrap
from ..intervals.choose import describe, resample
from ..intervals.identification import Doubt
from ..intervals.jackknife import Jackknife
from ..intervals.quantities import Runs
from ..solve import diagnostics
from .dataset_links import fit_links, split_by_isoflop
from .fit import LawFit, fit
from .link_fit import LinkFit

Row = Mapping[str, Any]  # of runs.csv
MIN_CELLS, MIN_SIZES, MIN_BUDGETS = 8, 3, 3
CELLS = ("scaling", "all")
QUANTITIES = (*PARAMETERS, "a", "b", "log10_G")
STARTED = "started"  # cells that were fitted without a floor: all but those that have certainly not started


def fit_dataset(
    rows: Sequence[Row],
    *,
    cells: str = "scaling",
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 42,
    links: Sequence[str] = LINKS,
) -> dict[str, Any]:
    """Fit the laws of one dataset to its rows of runs.csv: the additive law to chosen cells, every link to all of them.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one dataset with at least model, seed, N, D, loss; floor, regime, unigram_entropy and H where known.
    cells : {"scaling", "all"}
        Fit the additive law to the cells in the scaling regime, or to all that were measured. Without a floor nobody
        can tell which cells are saturated: "scaling" then leaves out those that have certainly not started
        (``regime`` "not started").
    bootstrap : int
        Refits behind the intervals.
    level : float
        Coverage that the intervals claim.
    seed : int
        Seed of the resampling.
    links : sequence of str
        Links under which all cells are fitted (``dataset_links.fit_links``).

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
    arguments.one_architecture(rows)
    measured = [row for row in rows if _number(row.get("loss")) and row.get("status", "finished") != "diverged"]
    floor = next((row["floor"] for row in rows if row.get("floor") is not None), None)
    used = cells if floor is not None or cells == "all" else STARTED
    chosen = [row for row in measured if takes_part(row, used)]
    regime, reportable, reason = _regime(measured, floor)
    if (used == STARTED and len(chosen) == len(measured)) or len(chosen) < 6:
        chosen, used = measured, "all"
    variants = {"free": _variant(chosen, None, bootstrap, level, seed), "floor": None}
    if floor is not None:
        variants["floor"] = _variant(chosen, float(floor), bootstrap, level, seed)
    if reportable and not any(v and v["converged"] for v in variants.values()):
        reportable, reason = False, f"no fit converged: {variants['free']['message']}"
    doubts = {name: uninformative(v) for name, v in variants.items() if v and v["converged"]}
    if reportable and all(doubts.values()):
        reportable, reason = False, doubts.get("floor") or doubts["free"]
    first = rows[0]
    errors = [row["loss_stderr"] for row in measured if _number(row.get("loss_stderr"))]
    names = ("scaling", "saturated", "not started") if floor is not None else ("not started",)
    counts = {name: sum(row.get("regime") == name for row in measured) for name in names}
    return {
        "dataset": first["dataset"],
        "H": first.get("H"),
        "H_std": first.get("H_std"),
        "floor": floor,
        "floor_stderr": first.get("floor_stderr"),
        "unigram_entropy": first.get("unigram_entropy"),
        # all runs are measured on the same held-out documents: this error is common to them, see docs/data.md
        "loss_stderr": float(np.median(errors)) if errors else None,
        "valid_sources": first.get("valid_sources"),
        "n_points": len(measured),
        "n_scaling": counts.get("scaling"),
        "n_diverged": len(rows) - len(measured),
        "regime_counts": counts,
        "regime": regime,
        "cells": used,
        "reportable": reportable,
        "reason": reason,
        "variants": variants,
        "links": fit_links(measured, floor=floor, unigram=first.get("unigram_entropy"), links=links, level=level),
        "isoflop": split_by_isoflop(measured, level=level, seed=seed, n=bootstrap),
    }


def _number(value):
    return isinstance(value, int | float) and np.isfinite(value) and value > 0


def takes_part(row: Row, cells: str) -> bool:
    """Tell whether a measured row of runs.csv takes part in a fit of these cells: "scaling", "started" or "all"."""
    return {
        "scaling": row.get("regime") == "scaling",
        STARTED: row.get("regime") != "not started",
    }.get(cells, True)


def uninformative(fit: Mapping[str, Any]) -> str | None:
    """Say why the exponents of a fit say nothing: an interval that is missing or reaches a bound; None when they do.

    Parameters
    ----------
    fit : dict
        A FIT (see ``docs/formats.md``) that converged.
    """
    for name in ("alpha", "beta"):
        ends = fit["intervals"].get(name)
        if why := identification.at_bound(name, ends):
            missing = not ends or None in ends
            return f"{why}; {fit['interval_method']}" if missing and fit.get("interval_method") else why
    return None


def _regime(measured, floor):
    """Regime of the dataset, whether its exponents may be reported, and why (not)."""
    used = [row for row in measured if takes_part(row, "scaling" if floor is not None else STARTED)]
    sizes, budgets = len({row["N"] for row in used}), len({row.get("budget") or row["D"] for row in used})
    over = f"over {sizes} size{'s' * (sizes != 1)} and {budgets} budget{'s' * (budgets != 1)}"
    what = f"{len(used)} of {len(measured)} cells scale, {over}"
    if floor is None:
        lost = len(measured) - len(used)
        not_started = f"{lost} of {len(measured)} cells have certainly not started, " if lost else ""
        what = f"no floor is known, so saturation cannot be ruled out; {not_started}{len(used)} may scale, {over}"
    if len(used) >= MIN_CELLS and sizes >= MIN_SIZES and budgets >= MIN_BUDGETS:
        return ("scaling" if floor is not None else None), True, what
    what += f"; needed: {MIN_CELLS} cells, {MIN_SIZES} sizes, {MIN_BUDGETS} budgets"
    counts = {name: sum(row.get("regime") == name for row in measured) for name in ("saturated", "not started")}
    most = max(counts, key=counts.get)
    if counts[most] > len(used):
        return most, False, what
    return ("scaling" if floor is not None else None), False, what


def _variant(rows, floor, bootstrap, level, seed):
    """One fit as plain numbers; a table that cannot be fitted gives a failed fit with its message."""
    try:
        columns = {key: [row[key] for row in rows] for key in ("N", "D", "loss")}
        fitted = fit(**columns, fixed_E=floor, duplicates="keep", units="keep")
    except FitError as error:
        return _failed(str(error), len(rows))
    runs = np.array([f"{row.get('model')}/{row.get('seed')}" for row in rows])
    return fit_document(fitted, runs, bootstrap=bootstrap, level=level, seed=seed)


def fit_document(
    fitted: LawFit,
    clusters: Runs = None,
    *,
    method: str | None = None,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 42,
) -> dict[str, Any]:
    """Return a FIT: a fitted law with intervals and diagnostics, as plain numbers (see ``docs/formats.md``).

    Where the runs are too few for intervals over them, there are none and ``interval_method`` says why.
    """
    try:
        method, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
    except FitError as error:
        return _document(fitted, clusters, dict.fromkeys(QUANTITIES, (None, None)), f"none: {error}", level)
    return resampled_document(fitted, clusters, method, draws, bootstrap=bootstrap, level=level)


def resampled_document(
    fitted: LawFit | LinkFit,
    clusters: Runs,
    method: str,
    draws: Bootstrap | Jackknife | None,
    *,
    bootstrap: int,
    level: float,
) -> dict[str, Any]:
    """Return the FIT of a law of which the resamples are at hand (None for a method that needs none)."""
    found = {
        at: fitted.intervals(method, at) if draws is None else draws.interval(at)
        for at in (level, identification.LEVEL)
    }
    how, judged = describe(method, draws, bootstrap), found[identification.LEVEL]
    document = _document(fitted, clusters, found[level], how, level, judged)
    if isinstance(draws, Jackknife):
        document["covariance_over_runs"] = draws.covariance().tolist()
    return document


def _document(fitted, clusters, intervals, method, level, judged=None):
    """Put a FIT together; ``judged`` are the intervals at the level by which identification goes."""
    return {
        **fitted.to_dict(),
        "intervals": {name: list(pair) for name, pair in intervals.items()},
        "interval_method": method,
        "level": level,
        "n_clusters": None if clusters is None else len(np.unique(clusters)),
        "usable": diagnostics.usable(fitted),
        "warnings": diagnostics.warnings(fitted),
        "plan_refused": [doubt.to_dict() for doubt in identification.law_doubts(fitted, judged or intervals)],
    }


def _failed(message, n):
    return {
        "parameters": dict.fromkeys(PARAMETERS),
        "intervals": {name: [None, None] for name in QUANTITIES},
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
        "plan_refused": [Doubt(message, "measure more (N, D) points").to_dict()],
    }
