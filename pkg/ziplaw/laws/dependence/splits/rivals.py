"""Is it H? Other covariates of the datasets held against it: alone, given H, and H given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....numerics.functions import product
from ...solve.additive import Array
from ..statistics import permutation
from ..statistics.meta_regression import meta_regression
from ..statistics.permutation import p_words
from .dataset_splits import Splits
from .trend import QUANTITIES

_RESERVED = ("H", "all rivals", "none")
_SAME = 1e-6  # relative: errors closer than this are equal


def rivals_of_H(
    splits: Splits, H: Array, rivals: Mapping[str, Sequence[Any]], *, seed: int = 42
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Hold other covariates of the datasets against H.

    For each covariate, and for ln N_opt and a: its rank correlation; the rank correlation left to it once H is taken
    off, and left to H once it is taken off (``permutation.partial_rank``); and the root mean square error of every
    dataset predicted from the line of the others in it. The row "none" predicts by the others' mean; the row
    "all rivals" takes all of them off H at once.

    Parameters
    ----------
    splits : Splits
    H : ndarray, float64 (K,)
    rivals : dict of str to array-like (K,)
        Candidates without H. One that is missing in a dataset, or takes fewer than three values, is skipped.
    seed : int
        Of the sample of relabellings, beyond seven datasets.

    Returns
    -------
    rows : list of dict
        H first, then the rivals, "all rivals" (where there are at least two) and "none".
    skipped : dict
        Reasons by name.
    """
    usable: dict[str, Array] = {}
    skipped: dict[str, str] = {}
    for name, values in rivals.items():
        if name in _RESERVED:
            skipped[name] = "bears the name of another row: rename the column"
            continue
        try:
            column = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            skipped[name] = "not a number in every dataset"
            continue
        if not np.isfinite(column).all():
            skipped[name] = f"missing in {int((~np.isfinite(column)).sum())} of {len(column)} datasets"
        elif len(np.unique(column)) < 3:
            skipped[name] = f"takes {len(np.unique(column))} values over {len(column)} datasets"
        else:
            usable[name] = column
    rows = [_row("H", splits, H, seed)]
    for name, column in usable.items():
        row = _row(name, splits, column, seed)
        for i, quantity in enumerate(QUANTITIES):
            row[quantity] |= {
                "given_H": _partial(column, splits.y[:, i], [H], seed),
                "H_given": _partial(H, splits.y[:, i], [column], seed),
            }
        rows.append(row)
    if len(usable) > 1:
        together = {q: {"H_given": _partial(H, splits.y[:, i], list(usable.values()), seed)}
                    for i, q in enumerate(QUANTITIES)}  # fmt: skip
        rows.append({"covariate": "all rivals", **together})
    rows.append({"covariate": "none"} | {q: {"left_out_error": e} for q, e in _left_out(splits, None).items()})
    return rows, skipped


def rivals_in_words(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say of ln N_opt which rivals foretell a dataset left out better than H does, and what is left to H given each.

    Returns
    -------
    dict
        ``better`` (their names) and ``text``, None where no rival was there or none could be left out.
    """
    entries = {row["covariate"]: row["ln_N"] for row in rows}
    mine = entries["H"]["left_out_error"]
    rivals = {name: entry for name, entry in entries.items() if "H_given" in entry}
    if mine is None or not rivals:
        return {"better": [], "text": None}
    errors = {name: entry["left_out_error"] for name, entry in rivals.items() if entry.get("left_out_error")}
    # a covariate that is H in another unit differs in the last digits
    better = sorted((name for name in errors if errors[name] < mine * (1 - _SAME)), key=lambda name: errors[name])
    if better:
        told = ", ".join(f"{name} ({errors[name]:.2f})" for name in better)
        first = f"ln N_opt of a dataset left out is foretold better by {told} than by H ({mine:.2f})"
    else:
        first = f"no rival foretells ln N_opt of a dataset left out better than H does ({mine:.2f})"
    left = []
    for name, entry in rivals.items():
        found = entry["H_given"]
        rho, p = found["rank_correlation"], found["p_permutation"]
        left.append(f"{name}: {found['why']}" if rho is None else f"{name}: {rho:+.2f}, {p_words(p)}")
    return {"better": better, "text": f"{first}; rank correlation with H that is left given {'; '.join(left)}"}


def _row(name, splits, column, seed):
    row: dict[str, Any] = {"covariate": name}
    errors = _left_out(splits, column)
    for i, quantity in enumerate(QUANTITIES):
        rho, p = permutation.spearman(column, splits.y[:, i], seed)
        row[quantity] = {
            "rank_correlation": rho if np.isfinite(rho) else None,
            "p_rank": p,
            "left_out_error": errors[quantity],
        }
    return row


def _partial(column, values, given, seed):
    rho, p = permutation.partial_rank(column, values, given, seed)
    if np.isfinite(rho):
        return {"rank_correlation": rho, "p_permutation": p, "why": None}
    few = len(column) - len(given) - 2 < permutation.LEAST_FREEDOM
    return {"rank_correlation": None, "p_permutation": None, "why": "too few datasets" if few else "nothing left"}


def _left_out(splits, column):
    """RMS error of every dataset's ln N_opt and a, predicted from the line of the others; None where too few."""
    K = len(splits.y)
    if K < 4 or (column is not None and min(len(np.unique(np.delete(column, k))) for k in range(K)) < 2):
        return dict.fromkeys(QUANTITIES)
    X = np.ones((K, 1)) if column is None else np.column_stack([np.ones(K), (column - column.mean()) / column.std()])
    misses = np.empty((K, 2))
    for k in range(K):
        rest = np.arange(K) != k
        line = meta_regression(splits.y[rest], splits.S[rest], X[rest], structure="diagonal")
        misses[k] = splits.y[k] - product(line.coefficients, X[k])
    return dict(zip(QUANTITIES, np.sqrt(np.square(misses).mean(axis=0)).tolist()))
