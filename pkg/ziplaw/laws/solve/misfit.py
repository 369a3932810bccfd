"""How the residuals of a fit fail to scatter: their size, what N and D explain of them, equal runs, trends."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import f_beyond
from ...numerics.functions import exp, expm1, log, product, raised
from ...numerics.linear import lstsq
from .additive import Array
from .additive_fit import Coordinates, FittedLaw
from .levels import SAME_VALUE, near_groups

POOR_RMS = 0.05
SYSTEMATIC_SHARE = 0.5
REPLICATE_SPREAD = 0.1
# rows of one size that make it a history
_HISTORY = 10


def misfit(fitted: FittedLaw) -> dict[str, Any]:
    """Measure how the residuals fail to scatter: size, share explained by N and D, spread of equal runs, trends."""
    r, w = fitted.residuals, fitted.weights
    out: dict[str, Any] = {"rms_log_residual": float(np.sqrt((w * r * r).sum() / w.sum())), "flags": []}
    out.update(systematic_share=None, systematic_p=None, replicate_spread=None)
    if not np.isfinite(out["rms_log_residual"]):
        return out
    out["systematic_share"], out["systematic_p"] = _smooth_share(r, fitted.problem)
    n_group, d_group = near_groups(fitted.N), near_groups(fitted.D)
    out["replicate_spread"] = _pure_error(n_group, d_group, r)["rms"]
    poor = out["rms_log_residual"] > POOR_RMS
    if poor:
        out["flags"].append("poor fit")
    if (out["replicate_spread"] or 0) > REPLICATE_SPREAD:
        out["flags"].append("mixed runs")
    share, p_value = out["systematic_share"], out["systematic_p"]
    if share is not None and share > SYSTEMATIC_SHARE and p_value < 0.01 and out["rms_log_residual"] > 0.01:
        out["flags"].append("systematic residuals")
    for name, along, across in (("D", d_group, n_group), ("N", n_group, d_group)):
        pairs, rises = _rises(along, across, fitted.loss)
        if pairs >= 4 and rises / pairs > 0.2:
            out["flags"].append(f"loss rises with {name}")
    loss = fitted.loss
    if poor and loss.max() > 2 * loss.min():
        out["flags"] += ["barely trained runs"] if (loss > 0.85 * loss.max()).mean() >= 0.1 else []
        out["flags"] += ["saturated runs"] if (loss < 1.1 * loss.min()).mean() >= 0.25 else []
    return out


def _smooth_share(r: Array, table: Coordinates) -> tuple[float | None, float | None]:
    """Share of the residuals' variance that a quadratic in ln N, ln D explains, and the p-value of its F test."""
    columns = [np.ones_like(r)]
    for values in (table.x, table.y):
        levels = min(len(np.unique(values)) - 1, 2)
        columns += [raised(values, degree) for degree in range(1, levels + 1)]
    if len(columns) == 5:
        columns.append(table.x * table.y)
    X = np.column_stack(columns)
    freedom = len(r) - X.shape[1]
    total = float(np.square(r - r.mean()).sum())
    if freedom < 4 or total <= 0 or X.shape[1] < 2:
        return None, None
    rest = float(np.square(r - product(X, lstsq(X, r)[0])).sum())
    F = (total - rest) / (X.shape[1] - 1) / max(rest / freedom, 1e-300)
    return max(0.0, 1 - rest / total), float(f_beyond(max(F, 0.0), X.shape[1] - 1, freedom))


def _rises(along: npt.NDArray[np.intp], across: npt.NDArray[np.intp], loss: Array) -> tuple[int, int]:
    """Count neighbouring pairs along one axis at equal other axis, and those whose mean log loss rises by over 2 %."""
    pairs = rises = 0
    for value in np.unique(across):
        rows = across == value
        steps, inverse = np.unique(along[rows], return_inverse=True)
        mean = np.bincount(inverse, log(loss[rows])) / np.bincount(inverse)
        pairs += len(steps) - 1
        rises += int((np.diff(mean) > 0.02).sum())
    return pairs, rises


def _pure_error(n_group: npt.NDArray[np.intp], d_group: npt.NDArray[np.intp], r: Array) -> dict[str, Any]:
    """Scatter of residuals within cells of equal N and D: degrees of freedom, RMS, sum of squares, cells."""
    inverse = np.unique(np.column_stack([n_group, d_group]), axis=0, return_inverse=True)[1].ravel()
    counts = np.bincount(inverse)
    freedom = len(r) - len(counts)
    if freedom < 1:
        return {"df": 0, "rms": None, "ss": 0.0, "cells": len(counts)}
    ss = float(np.square(r - (np.bincount(inverse, r) / counts)[inverse]).sum())
    return {"df": freedom, "rms": float(np.sqrt(ss / freedom)), "ss": ss, "cells": len(counts)}


def together_along_runs(fitted: FittedLaw) -> float | None:
    """Correlation of neighbouring residuals along D at one size, where it shows that rows are points of one run.

    None where sizes have few rows each, or neighbours err apart: grids and isoFLOP tables have a run a row.
    """
    products = squares = 0.0
    count = sizes = 0
    labels = near_groups(fitted.N, SAME_VALUE)
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        if len(rows) < _HISTORY:
            continue
        r = fitted.residuals[rows[np.argsort(fitted.D[rows], kind="stable")]]
        products, squares = (
            products + float((r[1:] * r[:-1]).sum()),
            squares + float((np.square(r[1:]) + np.square(r[:-1])).sum()),
        )
        count, sizes = count + len(r) - 1, sizes + 1
    correlation = 2 * products / squares if squares > 0 else 0.0
    # by chance it is over three standard errors once in a thousand tables; and m rows that share c of their errors'
    # variance are worth m / (1 + c (m - 1)): a quarter of them or less is worth a word
    return correlation if count and correlation > max(3 / np.sqrt(count), 3 * sizes / count) else None


def lack_of_fit(fitted: FittedLaw) -> dict[str, float] | None:
    """F test of the law's misfit against the scatter of seed replicates; None without replicates.

    F = (lack-of-fit sum of squares / (cells - parameters)) / (pure error / replicate degrees of freedom), on log loss.
    """
    pure = _pure_error(
        np.unique(fitted.N, return_inverse=True)[1], np.unique(fitted.D, return_inverse=True)[1], fitted.residuals
    )
    freedom = pure["cells"] - fitted.n_free
    if pure["df"] < 1 or freedom < 1 or pure["ss"] <= 0:
        return None
    lack = max(float(np.square(fitted.residuals).sum()) - pure["ss"], 0.0)
    F = lack / freedom / (pure["ss"] / pure["df"])
    return {"F": F, "df1": freedom, "df2": pure["df"], "p_value": float(f_beyond(F, freedom, pure["df"]))}


def worst_region(fitted: FittedLaw) -> str:
    """Say where the law is furthest off: a third of the range of N crossed with a third of the range of D, or one row.

    A row is named where its square is most of the sum of all.
    """
    r = -fitted.residuals
    one = int(np.argmax(np.abs(r)))
    if np.square(r[one]) > 0.5 * np.square(r).sum() and len(r) > 2:
        how = f"{exp(abs(r[one])):.3g} times" if abs(r[one]) > 1 else f"{abs(expm1(r[one])):.0%}"
        return f"most of it is row {one + 1}, {how} {'above' if r[one] > 0 else 'below'} the law"
    thirds = [np.searchsorted(np.quantile(v, [1 / 3, 2 / 3]), v, side="right") for v in (fitted.N, fitted.D)]
    words = ("small", "middling", "large")
    found = []
    for i in range(3):
        for j in range(3):
            rows = (thirds[0] == i) & (thirds[1] == j)
            if rows.sum() >= 2:
                found.append((float(np.median(r[rows])), f"{words[i]} N and {words[j]} D"))
    if not found:
        return "too few rows to say where"
    off, where = max(found, key=lambda item: abs(item[0]))
    return f"at {where} the loss lies {abs(expm1(off)):.0%} {'above' if off > 0 else 'below'} the law"
