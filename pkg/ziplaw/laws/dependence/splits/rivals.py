"""Is it H? Other covariates of the datasets held against it: alone, given H, and H given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...solve.additive import Array
from ..statistics import permutation
from ..statistics.meta_regression import meta_regression
from .dataset_splits import Splits
from .trend import QUANTITIES


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
    return {"rank_correlation": rho if np.isfinite(rho) else None, "p_permutation": p}


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
        misses[k] = splits.y[k] - line.coefficients @ X[k]
    return dict(zip(QUANTITIES, np.sqrt((misses**2).mean(axis=0)).tolist()))
