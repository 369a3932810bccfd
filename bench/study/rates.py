"""Choose the rate of each width for the study's arm tuned, and write its config.

python bench/study/rates.py results/study_rates/runs.csv results/reference/study/rates.csv config/study_tuned.yaml

Of the rates in config/study_rates.yaml the one is chosen whose mean of ln(loss - floor) over its grammars and budgets
is least; cells count in which every rate of the width ends above the floor by more than the loss's standard error.
The table has them all. The config is that of the arm paper (its grammars, seeds and budgets) with arm tuned.
"""

import math
import sys
from pathlib import Path

from ziplaw.base.documents import write_csv, write_text
from ziplaw.sweep.config import load_config
from ziplaw.tables.declared import RUNS

CONFIG = Path(__file__).parents[2] / "config"
COLUMNS = ["hidden", "learning_rate", "mean_ln_excess", "cells", "diverged", "chosen"]


def rates(runs: list[dict], models: dict) -> list[dict]:
    """A row for each width and rate."""
    found = []
    for hidden in sorted({model.hidden for model in models.values()}):
        mine = {name: model.learning_rate for name, model in models.items() if model.hidden == hidden}
        cells: dict[tuple, dict[str, dict]] = {}
        for row in runs:
            if row["model"] in mine:
                cells.setdefault((row["dataset"], row["seed"], row["budget"]), {})[row["model"]] = row
        failed = {name: sum(_diverged(cell[name]) for cell in cells.values()) for name in mine}
        kept = [name for name in mine if not failed[name]]
        told = [cell for cell in cells.values() if all(_above_floor(cell[name]) for name in kept)]
        rows = []
        for name, rate in sorted(mine.items(), key=lambda item: item[1]):
            logs = [math.log(cell[name]["loss"] - cell[name]["floor"]) for cell in told] if name in kept else []
            # to nine digits: the C library's logarithms differ in the last ones
            mean = float(f"{math.fsum(logs) / len(logs):.9g}") if logs else None
            rows.append({"hidden": hidden, "learning_rate": rate, "mean_ln_excess": mean, "cells": len(logs),
                         "diverged": failed[name], "chosen": False})  # fmt: skip
        best = min((row for row in rows if row["mean_ln_excess"] is not None), key=lambda row: row["mean_ln_excess"])
        best["chosen"] = True
        found += rows
    return found


def _diverged(row: dict) -> bool:
    return row["status"] == "diverged" or row["loss"] is None


def _above_floor(row: dict) -> bool:
    return row["loss"] - row["floor"] > row["loss_stderr"]


def tuned_config(paper: str, chosen: dict[int, float]) -> str:
    """The config of the arm, from that of the arm paper and the rate of each width."""
    text = paper.replace("study_paper", "study_tuned").replace("{arm: paper}", "{arm: tuned}")
    head, rest = text.split("\n", 1)
    assert "`paper`" in head
    head = "# The arm `tuned` of the study: as `mup`, but at the best rate of each width (bench/study/rates.py)."
    for hidden, rate in chosen.items():
        old = f"{{hidden: {hidden}, layers: 2}}"
        assert old in rest
        rest = rest.replace(old, f"{{hidden: {hidden}, layers: 2, learning_rate: {rate}}}")
    return f"{head}\n{rest}"


if __name__ == "__main__":
    runs, table, config = map(Path, sys.argv[1:])
    rows = rates(RUNS.read(runs), load_config(CONFIG / "study_rates.yaml").models)
    write_csv(table, rows, COLUMNS)
    chosen = {row["hidden"]: row["learning_rate"] for row in rows if row["chosen"]}
    write_text(config, tuned_config((CONFIG / "study_paper.yaml").read_text(encoding="utf-8"), chosen))
    print(" ".join(f"h{hidden}: {rate}" for hidden, rate in chosen.items()))
