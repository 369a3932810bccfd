"""What H, unigram entropy, floor and what lies beyond a bigram do to the best N, each alone and given the others."""

from __future__ import annotations

from typing import Any

from ....sweep.folder import WAYS
from ..style import ACCENT, INK, PAGE, Row, figure
from . import Tables
from .forest import forest, legend_of_halves

COLUMNS = (
    "half accounting C kind covariate given n per factor factor_low factor_high p_permutation rank_correlation".split()
)
COVARIATES = {
    "H": "H", "unigram_entropy": "unigram entropy", "floor": "floor", "beyond_bigram": "beyond a bigram",
}  # fmt: skip
ALONE, OTHERS = "", "others"


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    link = chosen(tables)
    # without conditional entropies there are three
    names = [name for name in COVARIATES if any(row["covariate"] == name for row in rows)]
    made, grid = figure(PAGE, 3.4, 2, len(names), sharex="col", sharey="row")
    for place, axes in enumerate(grid):
        covariate, alone = names[place % len(names)], place < len(names)
        mine = [row for row in rows if row["covariate"] == covariate and (row["given"] == ALONE) == alone]
        forest(axes, mine, lambda row: WAYS[row["kind"]], ("factor", "factor_low", "factor_high"), log=True, nothing=1)
        axes.set_title(f"{COVARIATES[covariate]} {'alone' if alone else 'given the others'}")
        if not alone:
            axes.set_xlabel(f"best N times, for {'.1' if covariate == 'H' else 'one sd'}")
        for text in axes.get_yticklabels():
            text.set_color(ACCENT if link and text.get_text() == WAYS[link] else INK)
    legend_of_halves(made, rows)
    return made, rows


def shown(tables: Tables, accounting: str = "6nd") -> list[Row]:
    """Rows of all families together at the middle compute: each covariate alone, then given the others."""
    common = {"family": "all", "accounting": accounting}
    rows = [
        dict(row) | {"given": ALONE}
        for row in tables["split_moves"]
        if {**row, **common, "compute": "middle", "quantity": "N"} == row and row["covariate"] in COVARIATES
    ]
    rows += [
        dict(row)
        for row in tables["split_given"]
        if {**row, **common} == row and row["given"] == OTHERS and row["covariate"] in COVARIATES
    ]
    order = [*WAYS]
    return sorted((row for row in rows if row["half"] != "both"), key=lambda row: order.index(row["kind"]))


def chosen(tables: Tables) -> str | None:
    """The link that the exploratory half chose."""
    rows = tables.get("chosen_link") or ()
    return next((row["link"] for row in rows if row["half"] == "exploratory" and row["chosen"]), None)
