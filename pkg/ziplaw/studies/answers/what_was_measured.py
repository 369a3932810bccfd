"""What was measured: datasets, cells and their regimes by half and family, how H goes with its rivals, seed noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...laws.studies.slopes import correlations
from ...numerics.functions import log
from ..measured import Study
from ..readings.parts import parts

RIVALS = ("floor", "unigram_entropy")
COLUMNS = (
    "half", "family", "datasets", "runs", "cells", "scaling", "saturated", "not_started", "diverged", "reportable",
    "H_least", "H_most", "floor_least", "floor_most", "unigram_entropy_least", "unigram_entropy_most", "r_floor",
    "r_unigram_entropy", "seed_pairs", "seed_sd",
)  # fmt: skip
_REGIMES = {"scaling": "scaling", "saturated": "saturated", "not_started": "not started"}


def rows(study: Study) -> list[dict[str, Any]]:
    """One row for each half ("both" too, where both were measured) and family ("all" too) that has datasets.

    ``reportable``: datasets whose additive law may be quoted. ``r_...``: correlation with H, None in the family of one
    H. ``seed_sd``: standard deviation of ln(loss) from seed to seed of a cell, over the ``seed_pairs`` cells that have
    several.
    """
    return [
        {"half": half, "family": family, **_counts(part), **_ranges(part, family)}
        for half, family, part in parts(study)
    ]


def _counts(part: Study) -> dict[str, Any]:
    measured = [row for row in part.runs if row["loss"] is not None and row["status"] != "diverged"]
    regimes = [row["regime"] for row in measured]
    pairs, sd = seed_noise(measured)
    return {
        "datasets": len(part.design),
        "runs": len({(row["dataset"], row["model"], row["seed"]) for row in part.runs}),
        "cells": len(part.runs),
        **{column: regimes.count(regime) for column, regime in _REGIMES.items()},
        "diverged": len(part.runs) - len(measured),
        "reportable": sum(bool(fit.get("reportable")) for fit in part.fits),
        "seed_pairs": pairs,
        "seed_sd": sd,
    }


def _ranges(part: Study, family: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {name: [float(part.covariates[d][name]) for d in part.datasets] for name in ("H", *RIVALS)}
    for name, values in known.items():
        found |= {f"{name}_least": min(values), f"{name}_most": max(values)}
    tells = family != "H" and len(set(known["H"])) > 1
    with_H = correlations(np.column_stack([*known.values()]))[0, 1:] if tells else [None, None]
    return found | {f"r_{name}": None if r is None else float(r) for name, r in zip(RIVALS, with_H, strict=True)}


def seed_noise(rows: Sequence[Mapping[str, Any]]) -> tuple[int, float | None]:
    """Cells with several seeds, and the standard deviation of ln(loss) about their means; None where there are none."""
    cells: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        cells.setdefault((row["dataset"], row["model"], row["D"]), []).append(float(log(row["loss"])))
    several = [np.array(values) for values in cells.values() if len(values) > 1]
    if not several:
        return 0, None
    squares = sum(float(np.square(values - values.mean()).sum()) for values in several)
    return len(several), float(np.sqrt(squares / sum(len(values) - 1 for values in several)))
