"""How the laws of several datasets move with H: the paper's two-stage regression, the joint test, L(N, D, H).

``regress`` takes the rows of runs.csv and the documents of fits/*.json as plain dicts and returns the content of
regression.json, which is all that ``predict`` needs.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from ...errors import FitError
from ..fits.dataset import takes_part, uninformative
from ..forms import arguments
from ..forms.allocation import exponents
from ..forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, PARAMETERS
from ..intervals.identification import Doubt, refusal
from ..solve.diagnostics import TOGETHER
from . import law_in_H
from .covariates import leave_one_out
from .joint import Panel
from .joint_test import joint_test
from .measure_of_h import measure_of

TWO_STAGE = ("E", "A", "B", "alpha", "beta", "ln_A", "ln_B", "a")
MIN_DATASETS = 3
# a fit with one of these says nothing about some exponent, so no line in H can be drawn through it
UNIDENTIFIED = {
    "not converged",
    "all N equal",
    "all D equal",
    TOGETHER,
    "A at zero",
    "B at zero",
    "alpha at its bound",
    "beta at its bound",
}
_E_LEAST = 0.01  # of the lowest loss: what an E that came out as zero counts as, for its logarithm
_LEFT_OUT = (
    "leave one dataset out: its losses predicted from the others' laws regressed on a covariate; RMS log error, "
    "each dataset weighs the same; with E predicted too, and with the dataset's own E"
)
_LABEL = "two-stage OLS, ignores first-stage error, anti-conservative: it rejects a true null too often"


def choose(fits):
    """Split fits into those that carry a law and those left out.

    A dataset is used when its fit document calls it reportable, H is known, and the chosen variant identifies all
    exponents. The variant is "floor" (E held at the known floor) when every reportable dataset has it, else "free".

    Parameters
    ----------
    fits : sequence of dict
        Documents of kind "fit" with variants.

    Returns
    -------
    used : list of dict
        Sorted by H, then by name.
    variant : str
    left_out : list of dict
        ``dataset`` and ``reason`` of the others.
    """
    units = sorted({str(fit.get("loss_unit") or "nats per token") for fit in fits})
    if len(units) > 1:
        raise FitError(f"the fits are of losses in {' and in '.join(units)}: convert them to one unit and fit again")
    names = [fit.get("dataset") for fit in fits]
    if len(set(names)) < len(names):
        raise FitError(f"{max(names, key=names.count)} has {len(names) - len(set(names)) + 1} fits: give one a dataset")
    candidates, left_out = [], []
    for fit in fits:
        if not isinstance(fit.get("variants"), dict):
            raise FitError(
                "a fit without variants is no fit of a sweep's dataset: use ziplaw fit runs.csv --dataset NAME"
            )
        if not isinstance(fit.get("H"), int | float):
            left_out.append({"dataset": fit["dataset"], "reason": "its H is not known"})
        elif not fit.get("reportable"):
            left_out.append(
                {"dataset": fit["dataset"], "reason": f"not reportable: {fit.get('reason') or fit['regime']}"}
            )
        else:
            candidates.append(fit)
    held = bool(candidates) and all(
        (fit["variants"].get("floor") or {}).get("converged") and (fit.get("floor") or 0) > 0 for fit in candidates
    )
    variant = "floor" if held else "free"
    used = []
    for fit in candidates:
        found = fit["variants"][variant] or {}
        lost = sorted(UNIDENTIFIED & set(found.get("flags", ())))
        if not found.get("converged") or lost:
            why = ", ".join(lost) or found.get("message") or "not converged"
            left_out.append({"dataset": fit["dataset"], "reason": f"its law is not identified: {why}"})
        elif (why := uninformative(found)) is not None:
            left_out.append({"dataset": fit["dataset"], "reason": why})
        else:
            used.append(fit)
    used.sort(key=lambda fit: (fit["H"], fit["dataset"]))
    return used, variant, sorted(left_out, key=lambda entry: entry["dataset"])


def cells(rows, fit):
    """Columns N, D, loss (float64 arrays) of the cells that a dataset's fit used."""
    kept = [
        row
        for row in rows
        if row.get("dataset") == fit["dataset"]
        and row.get("status", "finished") != "diverged"
        and isinstance(row.get("loss"), int | float)
        and takes_part(row, fit.get("cells"))
    ]
    if not kept:
        raise FitError(f"runs.csv has no cell of {fit['dataset']} that its fit used: give the runs that were fitted")
    arguments.one_architecture(kept)
    return tuple(arguments.check_column([row[key] for row in kept], key) for key in ("N", "D", "loss"))


def ols(H, values, level=0.95) -> dict:
    """Ordinary least squares of values (K,) on H (K,), with t intervals.

    Returns
    -------
    dict
        slope, slope_ci, intercept, intercept_ci, p_value (of the slope), r2, n.
    """
    n = len(H)
    x = H - H.mean()
    slope = float(x @ values / (x @ x))
    intercept = float(values.mean() - slope * H.mean())
    rest = values - intercept - slope * H
    total = float(((values - values.mean()) ** 2).sum())
    s2 = float(rest @ rest) / (n - 2)
    sd = np.sqrt(s2 / (x @ x))
    sd0 = np.sqrt(s2 * (1 / n + H.mean() ** 2 / (x @ x)))
    t = stats.t.ppf((1 + level) / 2, n - 2)
    return {
        "slope": slope,
        "slope_ci": [slope - t * sd, slope + t * sd],
        "intercept": intercept,
        "intercept_ci": [intercept - t * sd0, intercept + t * sd0],
        "p_value": float(2 * stats.t.sf(abs(slope) / sd, n - 2)) if sd > 0 else None,
        "r2": float(1 - rest @ rest / total) if total > 0 else None,
        "n": n,
    }


def estimates(used, variant):
    """Estimates E, A, B, alpha, beta (K, 5), their logs' covariances (K, 5, 5, NaN where held) and H (K,)."""
    found = [fit["variants"][variant] for fit in used]
    values = np.array([[fit["parameters"][name] for name in PARAMETERS] for fit in found], dtype=np.float64)
    covariances = np.array([fit["covariance"] for fit in found], dtype=np.float64)
    return values, covariances, np.array([fit["H"] for fit in used], dtype=np.float64)


def two_stage(used, variant, level=0.95) -> dict:
    """The paper's regression: each fitted parameter on H by OLS, as if the fits had no error."""
    values, _, H = estimates(used, variant)
    columns = dict(zip(PARAMETERS, values.T))
    columns["ln_A"], columns["ln_B"] = np.log(values[:, 1]), np.log(values[:, 2])
    columns["a"] = exponents(values)[0]
    return {"label": _LABEL, "level": level, "parameters": {name: ols(H, columns[name], level) for name in TWO_STAGE}}


def regress(rows, fits, *, scores=(), covariates=None, bootstrap=499, level=0.95, seed=42) -> dict:
    """Everything about how laws move with H.

    Parameters
    ----------
    rows : sequence of dict
        Rows of runs.csv.
    fits : sequence of dict
        Documents of ``ziplaw fit --dataset`` for the sweep's datasets.
    scores : sequence of dict, optional
        The datasets' scores: the law then says what its H is of (``measure_of_h``), and no score made otherwise is
        planned for by it.
    covariates : dict, optional
        Rivals of H for the leave-one-dataset-out comparison: name -> {dataset: value}, beside the floor, the unigram
        entropy and the vocabulary size, which are always tried.
    bootstrap : int
        Simulated tables behind the bootstrap p-value of the joint test.
    level : float
        Coverage of intervals; 1 - level is the level of tests.
    seed : int
        Seed of all resampling.

    Returns
    -------
    dict
        The content of regression.json (``docs/formats.md``). With fewer than three datasets that carry a law, the
        parts ``two_stage``, ``joint_test``, ``law``, ``crossings`` and ``comparison`` are None and ``conclusion`` says why.

    Raises
    ------
    FitError
        When runs and fits do not belong together.
    """
    level = arguments.check_level(level)
    used, variant, left_out = choose(fits)
    tables = [cells(rows, fit) for fit in used]
    document = {
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
        "two_stage": None,
        "joint_test": None,
        "law": None,
        "law_without_H": None,
        "crossings": None,
        "comparison": None,
        "level": level,
        "seed": seed,
    }
    values, covariances, H = estimates(used, variant) if used else (None, None, np.array([]))
    distinct = len(np.unique(H))
    if distinct < MIN_DATASETS:
        document["conclusion"] = _too_few(len(used), distinct, left_out)
        return document
    document["two_stage"] = two_stage(used, variant, level)
    floors = [fit["floor"] for fit in used] if variant == "floor" else None
    panel = Panel.of([fit["dataset"] for fit in used], H, tables, floors)
    try:
        document["joint_test"] = joint_test(panel, bootstrap=bootstrap, level=level, seed=seed)
    except FitError as error:
        document["joint_test_message"] = str(error)
    values[:, 0] = np.maximum(values[:, 0], [_E_LEAST * loss.min() for _, _, loss in tables])
    logs = np.column_stack([np.log(values[:, :3]), values[:, 3:]])
    centre = {"ln_N": panel.x_mean, "ln_D": panel.y_mean}
    law = law_in_H.fit_law(logs, covariances, H, **centre, level=level)
    document["law"] = law
    document["law_without_H"] = law_in_H.fit_law(logs, covariances, H, **centre, level=level, sloped=False)
    H_range = (float(H.min()), float(H.max()))
    cross = law_in_H.crossing(law, level, H_range)
    document["crossings"] = {"alpha_equals_beta": cross, "a_equals_half": cross}
    rivals = {name: [d[name] for d in document["datasets"]] for name in ("H", "floor", "unigram_entropy", "vocab_size")}
    for name, values in (covariates or {}).items():
        rivals[name] = [values.get(dataset) for dataset in panel.names]
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
                f"H of {fit['dataset']} is {score['H']:.6g} in its score and {fit['H']:.6g} in its fit: they are not of one "
                "sweep; collect and fit again"
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
    ranges = {"H": H, "N": N, "D": D, "C": 6 * N * D, "loss": loss}
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


def evidence(rows, fits):
    """Return what ``claims`` needs besides regression.json: the panel of cells, standard errors (K, 5); or two None."""
    used, variant, _ = choose(fits)
    if len({fit["H"] for fit in used}) < MIN_DATASETS:
        return None, None
    _, covariances, H = estimates(used, variant)
    floors = [fit["floor"] for fit in used] if variant == "floor" else None
    panel = Panel.of([fit["dataset"] for fit in used], H, [cells(rows, fit) for fit in used], floors)
    errors = np.sqrt(np.einsum("kii->ki", covariances))
    if variant == "floor":
        errors[:, 0] = [fit.get("floor_stderr") or 0.0 for fit in used]
        errors[:, 0] /= [fit["floor"] for fit in used]
    return panel, np.where(np.isfinite(errors), errors, np.inf)


def prediction(document, H, C, *, level=0.95, epsilon=1.0, check=True) -> dict:
    """Predict from a regression document: ``data_law.predict`` with what the law rests on and every reason for doubt.

    Raises
    ------
    FitError
        When the document holds no law, or does not identify the split (``check=False`` gives the numbers all the same,
        with the reasons under "refused").
    """
    if document.get("law") is None:
        raise FitError(
            f"this regression holds no law ({document.get('conclusion', 'no conclusion')}): give another --law"
        )
    on = document["fitted_on"]
    result = law_in_H.predict(
        document["law"], H, C, level=level, epsilon=epsilon, fitted_on=on, without_H=document.get("law_without_H")
    )
    if check and result["refused"]:
        doubts = [Doubt(**doubt) for doubt in result["refused"]]
        raise FitError(f"{refusal(doubts)}; check=False gives the numbers all the same")
    warnings = []
    if not result["extrapolation"]["in_range"]:
        warnings.append(f"extrapolation: {result['extrapolation']['text']}")
    test = document.get("joint_test")
    if test is None or test["p_permutation"] > 1 - document["level"]:
        p = "no joint test" if test is None else f"permutation p = {test['p_permutation']:.2g}"
        warnings.append(f"that exponents depend on H is not established in the data behind this law ({p})")
    poor = sum((d["rms_log_residual"] or 0) > 0.05 for d in document["datasets"])
    if poor:
        warnings.append(f"the additive form misses by more than 5 % in {poor} of {on['n_datasets']} datasets behind it")
    return result | {"fitted_on": on, "warnings": warnings}
