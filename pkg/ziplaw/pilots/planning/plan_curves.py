"""Curves of a pilot's page, as rows of the CSV beside each: isoFLOP valleys, the best N against compute, the check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ...laws.forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...laws.pilots.compute import Compute
from ...laws.pilots.reading import PilotRuns
from ...laws.valleys.bottom_line import bottom_line
from ...laws.valleys.bottoms import STEEPNESS
from ...laws.valleys.curves import along, budget_labels, log_compute, shared_compute, size_curves
from ...laws.valleys.lines import interval, widening
from ...numerics.functions import exp, expm1, log
from .plan_evidence import PilotEvidence
from .results_folder import PilotFolder

RULE_OF_THUMB = 20.0  # tokens a parameter: what Chinchilla is remembered by
# computes at which valleys are looked for where the runs lie on no common ones
_COMPUTES = 6
_POINTS = 25


def isoflop_rows(pilot: PilotFolder, level: float, runs: PilotRuns | None = None) -> tuple[list[dict[str, Any]], str]:
    """Losses at equal compute, the valleys through them and their lowest points.

    Compute is all FLOPs here: the machinery of ``laws.valleys`` takes 6 N D for compute, so it is given C / 6 N in
    place of D, which is a shift along the curve of every size.

    Returns
    -------
    rows : list of dict
        ``plan_rows.ISOFLOP_CSV``; ``kind`` is measured (a cell), between (interpolated along a size's curve), valley,
        best (its lowest point, with the band of N), or, where a compute
        has no valley, law and law's best.
    note : str
        What was fitted, or why there are no valleys.
    """
    N, C, loss = (pilot.column(name) for name in ("N", "C", "loss"))
    D = C / (FLOPS_PER_PARAMETER_TOKEN * N)
    found, note = None, ""
    try:
        found = bottom_line(N, D, loss, points=_COMPUTES, lean=True, runs=pilot.trunks)
        note = f"valleys that may lean at {len(found.valleys)} computes" + (
            f"; {found.left_out}" if found.left_out else ""
        )
    except FitError as error:
        note = f"no valleys: {error}"
    labels = budget_labels(N, D)
    measured = labels is not None and labels.max() >= 2 and (found is None or found.measured)
    if measured:
        rows = _cells(pilot, labels, log_compute(N, D))
    else:
        rows = _between(N, D, loss)
        rows += [_row(None, "measured", model=row["model"], N=row["N"], loss=row["loss"], own=row["C"])
                 for row in pilot.cells]  # fmt: skip
    if found is not None:
        rows += _valleys(found, level)
    if runs is not None:
        with_valley = {row["C"] for row in rows if row["kind"] == "best"}
        shown = {row["C"] for row in rows if row["kind"] == ("measured" if measured else "between")}
        rows += _by_law(runs, sorted(C for C in shown - with_valley if _several(rows, C)), N, level)
    return sorted(rows, key=_order), note


def _row(C, kind, *, N, loss=None, model=None, own=None, ends=(None, None)):
    return {"C": float(own if C is None else C), "kind": kind, "model": model, "N": float(N), "N_lo": ends[0],
            "N_hi": ends[1], "loss": None if loss is None else float(loss)}  # fmt: skip


def _order(row):
    return (row["kind"], row["C"], row["N"])


def _cells(pilot, labels, log_C):
    """Measured cells on common computes, each at the mean of its budget's."""
    middle = {label: float(exp(log_C[labels == label].mean())) for label in np.unique(labels[labels >= 0])}
    return [_row(middle.get(label), "measured", model=row["model"], N=row["N"], loss=row["loss"], own=row["C"])
            for label, row in zip(labels, pilot.cells)]  # fmt: skip


def _between(N, D, loss):
    """Losses interpolated along the curve of every size at computes that three sizes share."""
    curves, z = size_curves(N, D), log(loss)
    try:
        # the very computes at which valleys are looked for
        where = shared_compute(curves, _COMPUTES)
    except FitError:
        return []
    rows = []
    for log_C in where:
        for curve in curves:
            weights = along(curve, log_C - log(FLOPS_PER_PARAMETER_TOKEN * curve.N))
            if weights is not None:
                rows.append(_row(float(exp(log_C)), "between", N=curve.N, loss=exp((weights * z).sum())))
    return rows


def _several(rows, C):
    """Whether two sizes or more stand at a compute."""
    return len({row["N"] for row in rows if row["C"] == C}) > 1


def _by_law(runs: PilotRuns, computes: list[float], N: Any, level: float) -> list[dict[str, Any]]:
    """The law's own curve where no valley has a lowest point, and its best N with the band."""
    rows = []
    sizes = exp(np.linspace(log(N.min()), log(N.max()), _POINTS))
    for C in computes:
        loss, _ = runs.loss(sizes, runs.compute.tokens(sizes, C), level)
        rows += [_row(C, "law", N=n, loss=value) for n, value in zip(sizes, loss)]
        best, ends = runs.n_opt(C, level)
        value, _ = runs.loss(best, float(runs.compute.tokens(best, C)), level)
        rows.append(_row(C, "law's best", N=best, loss=value, ends=(ends[0], ends[1])))
    return rows


def _valleys(found, level):
    """The fitted valleys over their own sizes, and their lowest points with bands."""
    rows, widen, lean = [], widening(found.df, level), float(found.bottoms.lean[0])
    alpha, beta = (STEEPNESS - lean) / 2, (STEEPNESS + lean) / 2
    for j, valley in enumerate(found.valleys):
        C, x0 = float(exp(valley.log_C)), float(found.bottoms.x[0, j])
        height, curvature = found.bottoms.height[0, j], found.bottoms.curvature[0, j]
        ends = interval(x0, found.drawn.x[:, j], level, widen)
        band = [float(exp(end)) if np.isfinite(end) else None for end in ends]
        rows.append(_row(C, "best", N=exp(x0), loss=exp(height), ends=band))
        t = np.linspace(valley.x.min(), valley.x.max(), _POINTS) - x0
        k = 2 * curvature / (alpha + beta)
        values = exp(height + k * (expm1(-alpha * t) / alpha + expm1(beta * t) / beta))
        rows += [_row(C, "valley", N=N, loss=value) for N, value in zip(exp(x0 + t), values)]
    return rows


def best_n_rows(
    pilot: PilotFolder, evidence: PilotEvidence, C: float, level: float, isoflop: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Best N against compute (all FLOPs) by all evidence, the prior, the runs, isoFLOP and 20 tokens a parameter.

    Returns
    -------
    list of dict
        ``plan_rows.BEST_N_CSV``; ``from`` is plan, prior, runs, isoflop or "20 tokens a parameter".
    """
    measured = pilot.column("C")
    first, last = log(measured.min()), log(max(C, float(measured.max())))
    grid = exp(np.linspace(first, last, _POINTS))
    grid[-1] = max(C, float(measured.max()))
    rows = []
    rows += [_told("plan", evidence.split(float(c), level)) for c in grid]
    for name in ("prior", "runs"):
        if name in evidence.sources:
            rows += [_told(name, evidence.by_itself(name, float(c), level)) for c in grid]
    rows += [{"from": "isoflop", "C": row["C"], "N": row["N"], "N_lo": row["N_lo"], "N_hi": row["N_hi"]}
             for row in isoflop if row["kind"] == "best"]  # fmt: skip
    rows += [{"from": "20 tokens a parameter", "C": float(c), "N": at_ratio(evidence.compute, float(c))} for c in grid]
    return rows


def _told(name, told):
    low, high = told["N_interval"]
    return {"from": name, "C": told["C"], "N": told["N"], "N_lo": low, "N_hi": high}


def at_ratio(compute: Compute, C: float, ratio: float = RULE_OF_THUMB) -> float:
    """N of the run that costs C (all FLOPs) with so many tokens a parameter."""
    low, high = compute.x[0] - 20.0, compute.x[-1] + 20.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        N = exp(middle)
        if N * ratio < compute.tokens(N, C):
            low = middle
        else:
            high = middle
    return float(exp(0.5 * (low + high)))
