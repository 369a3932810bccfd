"""All that a sweep says about how laws move with H: the best split, then two-stage lines, the joint test, L(N, D, H).

``regress`` takes the rows of runs.csv and the documents of fits/*.json as plain dicts and returns the content of
regression.json, which is all that a prediction needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ...numerics.functions import log
from ..forms import arguments
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, PARAMETERS
from ..solve.additive import Array
from . import law_in_H
from .covariates import leave_one_out
from .crossing import crossing
from .joint_test import joint_test
from .measure_of_H import measure_of
from .panel import Panel
from .selection import Fit, Row, cells, choose_fits, estimates, panel_of
from .splits.split_on_H import split_on_H
from .two_stage import two_stage

MIN_DATASETS = 3
_E_LEAST = 0.01  # of the lowest loss: what an E that came out as zero counts as, for its logarithm
_LEFT_OUT = (
    "leave one dataset out: its losses predicted from the others' laws regressed on a covariate; RMS log error, "
    "each dataset weighs the same; with E predicted too, and with the dataset's own E"
)


def regress(
    rows: Sequence[Row],
    fits: Sequence[Fit],
    *,
    scores: Sequence[Mapping[str, Any]] = (),
    covariates: Mapping[str, Mapping[str, Any]] | None = None,
    bootstrap: int = 499,
    level: float = 0.95,
    seed: int = 42,
) -> dict[str, Any]:
    """Everything about how laws move with H.

    Parameters
    ----------
    rows : sequence of dict
        Rows of runs.csv.
    fits : sequence of dict
        Documents of ``ziplaw fit --dataset`` for the sweep's datasets.
    scores : sequence of dict, optional
        The datasets' scores: the law then says what its H is of (``measure_of_H``), and no score made otherwise is
        planned for by it.
    covariates : dict, optional
        Rivals of H, for the best split and for the leave-one-dataset-out comparison: name -> {dataset: value}, beside
        the floor, the unigram entropy and the vocabulary size, which are always tried.
    bootstrap : int
        Simulated tables behind the bootstrap p-value of the joint test.
    level : float
        Coverage of intervals; 1 - level is the level of tests.
    seed : int
        Seed of all resampling.

    Returns
    -------
    dict
        The content of regression.json (``docs/formats.md``). ``split`` needs three datasets whose best split is known,
        and no reportable exponents. With fewer than three datasets that carry a law, the parts ``two_stage``,
        ``joint_test``, ``law``, ``crossings`` and ``comparison`` are None and
        ``conclusion`` says why.

    Raises
    ------
    FitError
        When runs and fits do not belong together.
    """
    level = arguments.check_level(level)
    used, variant, left_out = choose_fits(fits)
    tables = [cells(rows, fit) for fit in used]
    document: dict[str, Any] = {
        "H_of": measure_of(_scores_of(used, scores)) if scores else None,
        "n_datasets": len(used),
        "n_left_out": len(left_out),
        "left_out": left_out,
        "variant": variant,
        "datasets": _datasets(used, variant, rows),
        "fitted_on": _ranges(used, tables, rows) if used else None,
        "chinchilla": {
            name: dict(zip(PARAMETERS, c.array.tolist())) | {"source": c.source}
            for name, c in (("published", CHINCHILLA), ("refit", CHINCHILLA_REFIT))
        },
        "split": None,
        "two_stage": None,
        "joint_test": None,
        "law": None,
        "law_without_H": None,
        "crossings": None,
        "comparison": None,
        "level": level,
        "seed": seed,
    }
    document["split"], message = split_on_H(rows, fits, covariates=covariates, level=level, seed=seed)
    if message:
        document["split_message"] = message
    distinct = len({fit["H"] for fit in used})
    if distinct < MIN_DATASETS:
        document["conclusion"] = _too_few(len(used), distinct, left_out)
        return document
    values, covariances, H = estimates(used, variant)
    document["two_stage"] = two_stage(used, variant, level)
    panel = panel_of(used, variant, tables)
    try:
        document["joint_test"] = joint_test(panel, bootstrap=bootstrap, level=level, seed=seed)
    except FitError as error:
        document["joint_test_message"] = str(error)
    # ln E of an E that came out as zero would be a line's end at minus infinity
    values[:, 0] = np.maximum(values[:, 0], [_E_LEAST * loss.min() for _, _, loss in tables])
    logs = np.column_stack([log(values[:, :3]), values[:, 3:]])
    common: dict[str, Any] = {"ln_N": panel.x_mean, "ln_D": panel.y_mean, "level": level}
    law = law_in_H.regress_laws(logs, covariances, H, **common)
    document["law"] = law
    document["law_without_H"] = law_in_H.regress_laws(logs, covariances, H, **common, sloped=False)
    H_range = (float(H.min()), float(H.max()))
    # a = beta/(alpha+beta) is one half where alpha = beta: one crossing under two names
    cross = crossing(law, level, H_range)
    document["crossings"] = {"alpha_equals_beta": cross, "a_equals_half": cross}
    rivals = {name: [d[name] for d in document["datasets"]] for name in ("H", "floor", "unigram_entropy", "vocab_size")}
    for name, given in (covariates or {}).items():
        rivals[name] = [given.get(dataset) for dataset in panel.names]
    document["comparison"] = leave_one_out(logs, covariances, panel, rivals) | {"method": _LEFT_OUT}
    document["conclusion"] = _conclude(document)
    return document


def _scores_of(used, scores):
    """Scores of the datasets used, held against their fits."""
    found = {score["dataset"]: score for score in scores}
    for fit in used:
        score = found.get(fit["dataset"])
        if score is None:
            raise FitError(f"no score of {fit['dataset']} among the scores: give one for every fit, or none")
        if score["H"] != fit["H"]:
            raise FitError(
                f"H of {fit['dataset']} is {score['H']:.6g} in its score and {fit['H']:.6g} in its fit: they are not "
                "of one sweep; collect and fit again"
            )
    return [found[fit["dataset"]] for fit in used]


def _datasets(used, variant, rows):
    out = []
    for fit in used:
        found = fit["variants"][variant]
        vocabulary = next((row.get("vocab_size") for row in rows if row.get("dataset") == fit["dataset"]), None)
        out.append(
            {
                "dataset": fit["dataset"],
                "H": fit["H"],
                "floor": fit.get("floor"),
                "unigram_entropy": fit.get("unigram_entropy"),
                "vocab_size": vocabulary,
                "n_cells": found.get("n"),
                "rms_log_residual": found.get("rms_log_residual"),
                "parameters": found["parameters"],
                "flags": found.get("flags", []),
            }
        )
    return out


def _ranges(used, tables, rows):
    N, D, loss = (np.concatenate([table[i] for table in tables]) for i in range(3))
    H = [float(fit["H"]) for fit in used]
    names = {fit["dataset"] for fit in used}
    vocabularies = sorted({row["vocab_size"] for row in rows if row.get("dataset") in names and row.get("vocab_size")})
    ranges = {"H": H, "N": N, "D": D, "C": FLOPS_PER_PARAMETER_TOKEN * N * D, "loss": loss}
    return {key: [float(np.min(v)), float(np.max(v))] for key, v in ranges.items()} | {
        "n_datasets": len(used),
        "n_cells": len(N),
        "datasets": [fit["dataset"] for fit in used],
        "vocab_sizes": vocabularies,
        "C_definition": "6 N D",
    }


def _too_few(count, distinct, left_out):
    text = f"not enough datasets: {count} of {count + len(left_out)} carry a law"
    if distinct < count:
        text += f" ({distinct} different values of H)"
    return text + f", at least {MIN_DATASETS} that differ in H are needed; no trend, no law and no prediction is drawn"


def _conclude(document):
    K, out = document["n_datasets"], document["n_left_out"]
    test = document["joint_test"]
    parts = [
        test["conclusion"] if test else document["joint_test_message"],
        document["crossings"]["alpha_equals_beta"]["text"],
    ]
    poor = [d["dataset"] for d in document["datasets"] if (d["rms_log_residual"] or 0) > 0.05]
    ranked = [row["covariate"] for row in document["comparison"]["rows"]]
    if ranked and ranked[0] != "H":
        what = "no covariate at all" if ranked[0] == "none" else ranked[0]
        parts.append(f"left-out datasets are predicted better by {what} than by H")
    if poor:
        parts.append(f"the additive form misses by more than 5 % in {len(poor)} of {K} datasets ({', '.join(poor)})")
    if out:
        parts.append(f"{out} of {K + out} datasets left out as not reportable or not identified")
    return "; ".join(parts)


def evidence(rows: Sequence[Row], fits: Sequence[Fit]) -> tuple[Panel | None, Array | None]:
    """Return what ``claims`` needs besides regression.json: the panel of cells, standard errors (K, 5); or two None."""
    used, variant, _ = choose_fits(fits)
    if len({fit["H"] for fit in used}) < MIN_DATASETS:
        return None, None
    _, covariances, _ = estimates(used, variant)
    panel = panel_of(used, variant, [cells(rows, fit) for fit in used])
    errors = np.sqrt(np.einsum("kii->ki", covariances))
    if variant == "floor":
        errors[:, 0] = [fit.get("floor_stderr") or 0.0 for fit in used]
        errors[:, 0] /= [fit["floor"] for fit in used]
    return panel, np.where(np.isfinite(errors), errors, np.inf)
