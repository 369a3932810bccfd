"""What of the loss each rule for splitting compute loses, over grammars that had no part in it."""

from __future__ import annotations

from typing import Any

from ..style import PAGE, Row, figure, log_axis
from . import Tables
from .forest import forest, legend_of_halves

COLUMNS = "half trained_on compute C rule n lost lost_lo lost_hi against_constant against_H percent low high".split()
# those drawn, from what knows nothing of the grammar to its own runs
RULES = {
    "20:1": "20 tokens a parameter", "constant": "best constant ratio", "pooled": "one law for all", "H": "law in H",
    "unigram_entropy": "law in unigram entropy", "floor": "law in the floor",
    "beyond_bigram": "law beyond a bigram", "beyond_bigram_measured": "the same, measured without a floor",
    "pilot": "its own pilot, a tenth", "pilot+H": "pilot and law in H", "own fit": "all of its runs",
}  # fmt: skip
COUNTED = {"6ND": "compute as 6 N D", "all": "compute as all FLOPs"}
LEAST = 0.01  # percent, the end of the axis


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    names = {RULES[row["rule"]] for row in rows}
    made, grid = figure(PAGE, 0.8 + 0.18 * len(names), 1, 2, sharey=True)
    for axes, (counted, words) in zip(grid, COUNTED.items(), strict=True):
        mine = [row for row in rows if row["compute"] == counted]
        forest(axes, mine, lambda row: RULES[row["rule"]], ("percent", "low", "high"), log=True)
        axes.set_title(words)
        axes.set_xlabel("% of the loss lost by the rule's split")
        log_axis(axes.xaxis)
    legend_of_halves(made, rows)
    return made, rows


def shown(tables: Tables) -> list[Row]:
    """The rows that are concluded from: the exploratory half left out by one, the confirmatory by the exploratory."""
    found = []
    for rule in RULES:
        for row in tables["worth"]:
            mine = row["trained_on"] == ("others" if row["half"] == "exploratory" else "exploratory")
            if row["main"] and mine and row["rule"] == rule and row["lost"] is not None:
                ends = (max(100 * (row[name] or 0.0), LEAST) for name in ("lost", "lost_lo", "lost_hi"))
                found.append(dict(row) | dict(zip(("percent", "low", "high"), ends, strict=True)))
    return found
