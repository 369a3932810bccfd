"""What H is worth: the loss lost by splitting a grammar's compute by each rule."""

from __future__ import annotations

from typing import Any

from ..figures.studies import Tables
from ..figures.studies.loss_by_rule import RULES, shown
from .markdown import SectionWords, number, signed, table, within

NO_LAW = ("20:1", "constant", "pilot", "pilot+H", "own fit")
COUNTED = {"6ND": "6 N D", "all": "all FLOPs"}


def told(tables: Tables) -> SectionWords:
    """What H saves beside the best constant, and what saves most of what is known before training; then the table."""
    rows, sentences, numbers = shown(tables), [], {}
    for half in ("exploratory", "confirmatory"):
        mine = {row["rule"]: row for row in rows if row["half"] == half and row["compute"] == "6ND"}
        if not {"constant", "H"} <= set(mine):
            continue
        lines = [
            row for name, row in mine.items() if name not in ("20:1", "constant", "own fit") and "pilot" not in name
        ]
        best = min(lines, key=lambda row: row["lost"])
        sentences.append(
            f"In the {half} half the best constant ratio loses {_percent(mine['constant'])} of the loss, the law in H "
            f"{_percent(mine['H'])} ({_less(mine['H'])} beside the constant), the {RULES[best['rule']]} "
            f"{_percent(best)} ({_less(best)})."
        )
        kept = ("constant", "pooled", "H", best["rule"])
        numbers[half] = {name: {key: mine[name][key] for key in ("lost", "lost_lo", "lost_hi")} for name in kept}
    header = ["half", "compute as", "rule", "grammars", "% of loss lost", "beside the best constant", "compute times"]
    cells = [
        [row["half"], COUNTED[row["compute"]], RULES[row["rule"]], number(row["n"]), _percent(row), _less(row),
         f"{number(row['factor'])} ({within(row['factor_lo'], row['factor_hi'])})"]
        for row in rows
    ]  # fmt: skip
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, cells), numbers)


def _percent(row: Any) -> str:
    low, high = (100 * (row[name] or 0.0) for name in ("lost_lo", "lost_hi"))
    return f"{number(100 * row['lost'])} % ({within(low, high)})"


def _less(row: Any) -> str:
    if row["against_constant"] is None:
        return "–"
    low, high = (100 * row[name] for name in ("against_constant_lo", "against_constant_hi"))
    return f"{signed(100 * row['against_constant'])} % ({within(low, high)})"
