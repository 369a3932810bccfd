"""How well each set of covariates foretells ln N_opt and a of grammars left out, against none."""

from __future__ import annotations

from typing import Any

from ..style import PAGE, Row, figure, handle, legend
from . import Tables
from .forest import HALVES, forest
from .split_factors import chosen

COLUMNS = "judged quantity kind covariates n error of_none less_none less_none_low less_none_high half".split()
QUANTITIES = {"ln_N": "ln $N_{opt}$ at the middle compute", "a": "a"}
# whose error counts as which half's: the confirmatory one is judged by lines through the exploratory one
JUDGED = {"exploratory": "exploratory", "by the exploratory half": "confirmatory"}


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    made, grid = figure(PAGE, 0.6 + 0.14 * len({row["covariates"] for row in rows}), 1, 2, sharey=True)
    for axes, (quantity, words) in zip(grid, QUANTITIES.items(), strict=True):
        mine = [row for row in rows if row["quantity"] == quantity]
        forest(axes, mine, lambda row: row["covariates"], ("less_none", "less_none_low", "less_none_high"), nothing=0)
        axes.set_title(words)
        axes.set_xlabel("rms error less that of no covariate (left of 0: better)")
    there = [name for name, half in JUDGED.items() if any(row["half"] == half for row in rows)]
    marks = [HALVES[JUDGED[name]] for name in there]
    handles = [handle(color=color, marker=marker, markerfacecolor=face) for color, marker, face in marks]
    words = {"exploratory": "exploratory half, each left out", "by the exploratory half": "confirmatory half, by lines "
             "through the exploratory one"}  # fmt: skip
    legend(made, handles, [words[name] for name in there])
    return made, rows


def shown(tables: Tables) -> list[Row]:
    """Rows of all families by the chosen link, least error of ln N_opt in the exploratory half first."""
    rows = [
        dict(row) | {"half": JUDGED[row["judged"]]}
        for row in tables["covariate_worth"]
        if row["family"] == "all" and row["judged"] in JUDGED and row["kind"] == chosen(tables)
    ]
    rows = [row for row in rows if row["quantity"] in QUANTITIES and row["covariates"] != "none"]
    by = {row["covariates"]: row["error"] for row in rows if row["half"] == "exploratory" and row["quantity"] == "ln_N"}
    return sorted(rows, key=lambda row: by.get(row["covariates"], 9e9))
