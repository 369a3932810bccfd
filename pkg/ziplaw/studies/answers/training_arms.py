"""Does the sign of a trend change with the learning rate? The arms paper and tuned beside mup, on the same grammars.

An arm lies in ``arms/<arm>/runs.csv`` of the study's folder, of some of its datasets and their first seeds. Each
dataset's laws are read alike in every arm, of runs of the seeds that the arm has; a dataset counts where no more than
two thirds of its cells have not started, in both arms. A row for each arm, covariate (H, and ln of beyond_bigram
where the study has it), quantity (ln N_opt at the middle compute, a, alpha, beta) and kind (link, or isoFLOP): the
slope on the covariate in the arm, in mup, and of the difference dataset by dataset, with 95 % intervals. Verdicts, by
this rule:

* "sign changes": both slopes' intervals exclude 0, on different sides;
* "same sign": both exclude 0 on one side;
* "undecided": one of them includes 0;
* "not measured": fewer than FEWEST datasets count and are told in both.

The row of kind "any" sums up: "sign changes" or "same sign" where some kind says so and none says the other, "depends
on the form" where kinds say both, "undecided" where no kind decides, "not measured" where none measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...laws.studies.effects.covariate_effect import Effect, effect
from ...laws.studies.effects.law_readings import KINDS
from ...tables.declared import RUNS
from ..measured import Study
from ..readings.measured_laws import Measured, measured_laws
from ..readings.parts import column, readings_of

ARMS = ("paper", "tuned")
AGAINST = ("H", "beyond_bigram")
QUANTITIES = ("ln_N", "a", "alpha", "beta")
FEWEST = 6
NOT_STARTED = "not started"
MOST_NOT_STARTED = 2 / 3
ANY = "any"
CHANGES, SAME, DEPENDS = "sign changes", "same sign", "depends on the form"
UNDECIDED, NOT_MEASURED = "undecided", "not measured"
COLUMNS = (
    "arm", "covariate", "quantity", "kind", "n", "slope", "slope_low", "slope_high", "mup", "mup_low", "mup_high",
    "change", "change_low", "change_high", "verdict", "datasets", "cells", "not_started", "not_started_mup",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module; none where the study has no arms."""
    table: list[dict[str, Any]] = []
    for arm in ARMS:
        path = study.folder / "arms" / arm / "runs.csv" if study.folder else None
        if path is not None and path.is_file():
            runs = [row for row in RUNS.read(path) if row["dataset"] in study.datasets]
            table += _rows(arm, study, runs) if runs else []
    return table


def _rows(arm: str, study: Study, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shared = study.only({row["dataset"] for row in runs})
    seeds = {(row["dataset"], row["seed"]) for row in runs}
    mup = replace(shared, runs=tuple(row for row in shared.runs if (row["dataset"], row["seed"]) in seeds), fits=())
    other = replace(shared, runs=tuple(runs), fits=())
    begun = _begun(mup) & _begun(other)
    told = [_by_key(part.only(begun)) for part in (mup, other)]
    start = {"arm": arm, "datasets": len(shared.datasets), "cells": len(runs), "not_started": _not_started(runs),
             "not_started_mup": _not_started(mup.runs)}  # fmt: skip
    table = []
    for covariate in AGAINST:
        if not np.isfinite(column(shared, shared.datasets, covariate)).all():
            continue
        for quantity in QUANTITIES:
            this = start | {"covariate": covariate, "quantity": quantity}
            kinds = [kind for kind in KINDS if quantity in ("ln_N", "a") or kind != "isoflop"]
            mine = [_row(this | {"kind": kind}, shared, *(one.get((quantity, kind)) for one in told)) for kind in kinds]
            table += [*mine, this | {"kind": ANY, "verdict": summed_up(mine)}]
    return table


def _not_started(runs: Sequence[Any]) -> int:
    return sum(row["regime"] == NOT_STARTED for row in runs)


def _begun(part: Study) -> set[str]:
    cells = {name: [row for row in part.runs if row["dataset"] == name] for name in part.datasets}
    return {name for name, mine in cells.items() if mine and _not_started(mine) <= MOST_NOT_STARTED * len(mine)}


def _by_key(part: Study) -> dict[tuple[str, str], Measured]:
    if not part.design:
        return {}
    return {(one.quantity, one.kind): one for one in measured_laws(part, readings_of(part))}


def _row(start: dict[str, Any], study: Study, mup: Measured | None, other: Measured | None) -> dict[str, Any]:
    names = [name for name in mup.names if name in other.names] if mup and other else []
    row: dict[str, Any] = start | {"n": len(names), "verdict": NOT_MEASURED}
    if mup is None or other is None or len(names) < FEWEST:
        return row
    x = column(study, names, row["covariate"])
    here, there = other.of(set(names)), mup.of(set(names))
    # both list datasets in the order of the design
    change = effect(here.y - there.y, here.variance + there.variance, x)
    found = {"slope": effect(here.y, here.variance, x), "mup": effect(there.y, there.variance, x), "change": change}
    for name, one in found.items():
        if one is None:
            return row
        row |= {name: one.slope, f"{name}_low": one.low, f"{name}_high": one.high}
    signs = [_sign(found[name]) for name in ("slope", "mup")]
    verdict = UNDECIDED if 0 in signs else SAME if signs[0] == signs[1] else CHANGES
    return row | {"verdict": verdict}


def _sign(one: Effect | None) -> int:
    """The side of 0 on which an interval lies; 0 for none."""
    return 0 if one is None or one.low <= 0 <= one.high else int(np.sign(one.slope))


def summed_up(rows: Sequence[dict[str, Any]]) -> str:
    """One verdict of those of all kinds, see the head of this module."""
    said = {row["verdict"] for row in rows}
    if {CHANGES, SAME} <= said:
        return DEPENDS
    return next((verdict for verdict in (CHANGES, SAME, UNDECIDED) if verdict in said), NOT_MEASURED)
