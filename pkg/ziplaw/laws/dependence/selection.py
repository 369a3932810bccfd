"""Which datasets of a sweep carry a law: their fits, the cells that these used, and the estimates as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ..fits.dataset import takes_part, uninformative
from ..forms import arguments
from ..forms.chinchilla import PARAMETERS
from ..solve.additive import Array
from ..solve.diagnostics import TOGETHER
from .panel import Panel, Table

Fit = Mapping[str, Any]  # a document of kind "fit"
Row = Mapping[str, Any]  # a row of runs.csv

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


def choose_fits(fits: Sequence[Fit]) -> tuple[list[Fit], str, list[dict[str, str]]]:
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


def cells(rows: Sequence[Row], fit: Fit) -> Table:
    """Columns N, D, loss (float64 arrays) of the cells that a dataset's fit used."""
    kept = [
        row
        for row in rows
        if row.get("dataset") == fit["dataset"]
        and row.get("status", "finished") != "diverged"
        and isinstance(row.get("loss"), int | float)
        and takes_part(row, fit.get("cells", "all"))
    ]
    if not kept:
        raise FitError(f"runs.csv has no cell of {fit['dataset']} that its fit used: give the runs that were fitted")
    arguments.one_architecture(kept)
    N, D, loss = (arguments.check_column([row[key] for row in kept], key) for key in ("N", "D", "loss"))
    return N, D, loss


def estimates(used: Sequence[Fit], variant: str) -> tuple[Array, Array, Array]:
    """Estimates E, A, B, alpha, beta (K, 5), their logs' covariances (K, 5, 5, NaN where held) and H (K,)."""
    found = [fit["variants"][variant] for fit in used]
    values = np.array([[fit["parameters"][name] for name in PARAMETERS] for fit in found], dtype=np.float64)
    covariances = np.array([fit["covariance"] for fit in found], dtype=np.float64)
    return values, covariances, np.array([fit["H"] for fit in used], dtype=np.float64)


def panel_of(used: Sequence[Fit], variant: str, tables: Sequence[Table]) -> Panel:
    """Put the cells (N, D, loss) of each dataset into one panel, E held at the floors where the variant holds it."""
    floors = [fit["floor"] for fit in used] if variant == "floor" else None
    return Panel.of([fit["dataset"] for fit in used], [fit["H"] for fit in used], tables, floors)
