"""What H, the unigram entropy and the floor do to the best N, each alone and each given the two others."""

from __future__ import annotations

from typing import Any

from ....sweep.folder import WAYS
from ..style import ACCENT, INK, PAGE, Row, figure
from . import Tables
from .forest import forest, legend_of_halves

COLUMNS = (
    "half accounting C kind covariate given n per factor factor_low factor_high p_permutation rank_correlation".split()
)
COVARIATES = {"H": "H", "unigram_entropy": "unigram entropy", "floor": "floor"}
ALONE, OTHERS = "", " and "


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    link = chosen(tables)
    made, grid = figure(PAGE, 3.4, 2, 3, sharex=True, sharey="row")
    for place, axes in enumerate(grid):
        covariate, alone = [*COVARIATES][place % 3], place < 3
        mine = [row for row in rows if row["covariate"] == covariate and (row["given"] == ALONE) == alone]
        forest(axes, mine, lambda row: WAYS[row["kind"]], ("factor", "factor_low", "factor_high"), log=True, nothing=1)
        axes.set_title(f"{COVARIATES[covariate]} {'alone' if alone else 'given both others'}")
        if not alone:
            axes.set_xlabel(f"best N times, for {'.1' if covariate == 'H' else 'one sd'}")
        for text in axes.get_yticklabels():
            text.set_color(ACCENT if link and text.get_text() == WAYS[link] else INK)
    legend_of_halves(made, rows)
    return made, rows


def shown(tables: Tables, accounting: str = "6nd") -> list[Row]:
    """Rows of all families together at the middle compute: each covariate alone, then given the two others."""
    common = {"family": "all", "accounting": accounting}
    rows = [
        dict(row) | {"given": ALONE}
        for row in tables["split_moves"]
        if {**row, **common, "compute": "middle", "quantity": "N"} == row and row["covariate"] in COVARIATES
    ]
    rows += [
        dict(row)
        for row in tables["split_given"]
        if {**row, **common} == row and OTHERS in row["given"] and row["covariate"] in COVARIATES
    ]
    order = [*WAYS]
    return sorted((row for row in rows if row["half"] != "both"), key=lambda row: order.index(row["kind"]))


def chosen(tables: Tables) -> str | None:
    """The link that the exploratory half chose."""
    rows = tables.get("chosen_link") or ()
    return next((row["link"] for row in rows if row["half"] == "exploratory" and row["chosen"]), None)
