"""Is H the right covariate? Leave one dataset out, predict its losses from the others' laws, and compare covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...numerics.functions import exp, log, product
from ..forms.chinchilla import additive
from ..solve.additive import EXPONENT_BOUNDS, Array
from . import law_in_H
from .panel import Panel
from .statistics.meta_regression import meta_regression

NONE = "none"


def leave_one_out(
    logs: Array, covariances: Array, panel: Panel, covariates: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """Predict the losses of every dataset from laws regressed on a covariate over the other datasets.

    For each dataset left out, the other laws are regressed (``meta_regression``) on a constant ("none") or on
    a constant and the covariate; the line gives its E, A, B, alpha, beta, and those its losses. "E known" puts the
    dataset's own E (its floor, or its fitted E) in place of the predicted one: grammars have a floor, text has none.

    Parameters
    ----------
    logs : ndarray (K, 5)
        ln E, ln A, ln B, alpha, beta of the datasets at N = D = 1.
    covariances : ndarray (K, 5, 5)
        Their covariances, NaN where held.
    panel : Panel
        The cells.
    covariates : dict of str to array-like (K,)
        Candidates; H among them. One that is missing in a dataset, or the same in all, is skipped with a reason.

    Returns
    -------
    dict
        ``rows``: for each covariate the RMS log error over datasets (each dataset weighs the same), with E predicted
        and with E known, its ratio to "none", in how many datasets it beats "none", and the errors by dataset; sorted
        by the error with E known. ``skipped``: reasons by name.
    """
    y, S = law_in_H.centre(logs, covariances, panel.x_mean, panel.y_mean)
    K = panel.K
    rows: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    if K < 4:
        return {"rows": rows, "skipped": {"all": f"{K} datasets: leaving one out needs at least 4"}}
    constant = _errors(y, S, panel, np.ones((K, 1)))
    rows.append(_row(NONE, constant, constant, panel))
    for name, values in covariates.items():
        try:
            c = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            skipped[name] = "not a number in every dataset"
            continue
        if not np.isfinite(c).all():
            skipped[name] = f"missing in {int((~np.isfinite(c)).sum())} of {K} datasets"
        elif min(len(np.unique(np.delete(c, k))) for k in range(K)) < 3:
            skipped[name] = f"takes {len(np.unique(c))} values over {K} datasets: a line needs 3 with any one left out"
        else:
            # one scale for floors, counts and ratios: lines do not care, their solver does
            scaled = (c - c.mean()) / c.std()
            rows.append(_row(name, _errors(y, S, panel, np.column_stack([np.ones(K), scaled])), constant, panel))
    return {"rows": sorted(rows, key=lambda row: row["rms_E_known"]), "skipped": skipped}


def _errors(y, S, panel, X):
    """RMS log errors (K, 2) of each dataset left out: E predicted, E known."""
    K = len(y)
    out = np.empty((K, 2))
    for k in range(K):
        rest = np.arange(K) != k
        line = product(meta_regression(y[rest], S[rest], X[rest]).coefficients, X[k])
        on = panel.w[k] > 0
        for j, ln_E in enumerate((line[0], y[k, 0])):
            # a line that runs out of what a law can have predicts badly, but a number
            alpha, beta = np.maximum(line[3:], EXPONENT_BOUNDS[0])
            law = [*exp(np.clip([ln_E, line[1], line[2]], -60, 60)), alpha, beta]
            predicted = additive(law, exp(panel.x[k, on]), exp(panel.y[k, on]))
            out[k, j] = np.sqrt(np.square(log(predicted) - panel.z[k, on]).mean())
    return out


def _row(name, errors, constant, panel):
    pooled, base = np.sqrt(np.square(errors).mean(axis=0)), np.sqrt(np.square(constant).mean(axis=0))
    return {
        "covariate": name,
        "rms_E_predicted": float(pooled[0]),
        "rms_E_known": float(pooled[1]),
        "ratio_E_predicted": float(pooled[0] / base[0]),
        "ratio_E_known": float(pooled[1] / base[1]),
        "better_than_none": None if name == NONE else int((errors[:, 1] < constant[:, 1]).sum()),
        "by_dataset": dict(zip(panel.names, errors[:, 1].tolist())),
    }
