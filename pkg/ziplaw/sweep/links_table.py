"""links.csv: every dataset under every link, and by isoFLOP; how well each holds, and its split at one compute."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..base.documents import read_json
from ..errors import FitError
from ..laws.dependence.splits.dataset_splits import reference_C, with_splits
from ..laws.dependence.splits.link_choice import choose_link
from ..laws.forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..laws.forms.catalogue import LINKS
from ..numerics.functions import exp, log, product

Row = dict[str, Any]
ISOFLOP = "isoflop"


def links_rows(paths: Iterable[str | os.PathLike]) -> list[Row]:
    """Return the rows of links.csv from fit files of a sweep's datasets: a dataset's links, then isoFLOP.

    Raises
    ------
    FitError
        When a file holds the fit of a table of its own, or one that was made before links were fitted.
    """
    documents = []
    for path in paths:
        document = read_json(path, "fit")
        if "links" not in document:
            raise FitError(f"{path} holds no links: make it again (ziplaw fit --dataset)")
        documents.append(document)
    return rows_of(documents)


def rows_of(documents: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of links.csv from fit documents."""
    documents = sorted(documents, key=lambda document: document["dataset"])
    C, (chosen, _) = reference_of(documents), choose_link(with_splits(documents))
    rows = []
    for document in documents:
        links = document["links"]
        found = [_row(document, link, links[link], C) for link in LINKS if link in links]
        if document.get(ISOFLOP):
            found.append(_isoflop(document, document[ISOFLOP], C))
        best = next((row["N_opt"] for row in found if row["link"] == chosen), None)
        for row in found:
            row["chosen"] = row["link"] == chosen
            row["N_times_chosen"] = row["N_opt"] / best if best and row["N_opt"] else None
        rows += found
    return rows


def reference_of(documents: Iterable[Mapping[str, Any]]) -> float | None:
    """Compute at which splits of several datasets are compared: the middle of what was measured (``reference_C``)."""
    documents = list(documents)
    if used := with_splits(documents):
        return reference_C(used)
    # none is identified, so none enters a regression: any compute will do to show them at
    middles = [(d["n_points"], s["C"]) for d in documents for s in _splits(d)[:1] if d.get("n_points")]
    if not middles:
        return None
    weights, C = np.array(middles, dtype=np.float64).T
    return float(exp(np.average(log(C), weights=weights)))


def _splits(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [fit["split"] for fit in document.get("links", {}).values() if fit.get("split")]


def moved(split: Mapping[str, Any], C: float) -> Row:
    """Return ln N_opt of a SPLIT (``docs/formats.md``) at another compute, with the ends of its interval.

    ln N_opt(C) = ln N + a ln(C/C0), so its variance is u' V u with u = (1, ln(C/C0)); the interval keeps the width in
    standard errors that ln N has at C0.
    """
    far = float(log(C / split["C"]))
    out: Row = {"ln_N": split["ln_N"] + split["a"] * far, "low": None, "high": None}
    low, high = split["intervals"]["ln_N"]
    if split.get("covariance") and None not in (low, high):
        V, u = np.array(split["covariance"], dtype=np.float64), np.array([1.0, far])
        width = (high - low) / 2 * float(np.sqrt(product(u, V, u) / V[0, 0])) if V[0, 0] > 0 else 0.0
        out |= {"low": out["ln_N"] - width, "high": out["ln_N"] + width}
    return out


def _split(split: Mapping[str, Any] | None, C: float | None) -> Row:
    """Columns of a split at compute C: N_opt, D_opt, a and b with their ends."""
    if not split or C is None:
        return dict.fromkeys(("C", "N_opt", "D_opt", "a", "b"), None) | {"identified": False}
    at, (a_low, a_high) = moved(split, C), split["intervals"]["a"]
    tokens = float(log(C / FLOPS_PER_PARAMETER_TOKEN))
    if not 0 <= at["ln_N"] <= tokens:
        # less than one parameter or token: a term of the law vanished
        return _split(None, C)
    out = {
        "C": C,
        "N_opt": at["ln_N"],
        "N_lo": at["low"],
        "N_hi": at["high"],
        "D_opt": tokens - at["ln_N"],
        "D_lo": None if at["high"] is None else tokens - at["high"],
        "D_hi": None if at["low"] is None else tokens - at["low"],
    }
    out |= {key: None if out[key] is None else float(exp(out[key])) for key in out if key != "C"}
    ends = {"a": split["a"], "a_lo": a_low, "a_hi": a_high}
    ends |= {"b": 1 - split["a"], "b_lo": None if a_high is None else 1 - a_high}
    ends |= {"b_hi": None if a_low is None else 1 - a_low}
    return out | ends | {"identified": split.get("identified"), "interval_method": split.get("method")}


def _row(document: Mapping[str, Any], link: str, fit: Mapping[str, Any], C: float | None) -> Row:
    row = {key: document.get(key) for key in ("dataset", "H", "reportable", "reason")} | {"link": link}
    row |= {key: fit.get(key) for key in ("error_of", "n", "n_left_out", "rms_log_residual", "converged", "message")}
    held = fit.get("holdout") or {}
    row |= {"holdout_n": held.get("n"), "holdout_rms": held.get("rms_log_error")}
    row |= _split(fit.get("split"), C)
    parameters = (fit.get("parameters") or {}) | (fit.get("index") or {})
    row |= {key: parameters.get(key) for key in ("A", "B", "alpha", "beta", "k")}
    row |= {key: fit.get(key) for key in ("E", "U")}
    row |= _near(fit.get("near_best"), C)
    why = (fit.get("split") or {}).get("reason")
    return row | {"flags": ";".join(fit.get("flags", ())), "not_identified": why}


def _near(near: Mapping[str, Any] | None, C: float | None) -> Row:
    """Least and most N within the tolerance of the best loss, between the budgets at which they were computed."""
    if not near or C is None or not near["C"][0] <= C <= near["C"][-1]:
        return {"near_lo": None, "near_hi": None}
    at, out = log(near["C"]), {}
    for key, name in (("near_lo", "low"), ("near_hi", "high")):
        # an end that is not there at a budget is not there between it and the next
        end = np.interp(log(C), at, log(np.array(near[name], dtype=np.float64)))
        out[key] = float(exp(end)) if np.isfinite(end) else None
    return out


def _isoflop(document: Mapping[str, Any], found: Mapping[str, Any], C: float | None) -> Row:
    row = {key: document.get(key) for key in ("dataset", "H", "reportable", "reason")} | {"link": ISOFLOP}
    split = found.get("split")
    why = found.get("note") if not split or not split.get("identified") else None
    return row | {"converged": bool(split), "message": found.get("note"), "not_identified": why} | _split(split, C)
