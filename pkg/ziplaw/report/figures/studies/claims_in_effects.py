"""Every claim that has an effect: its change over the range of H, in units of the smallest that would matter."""

from __future__ import annotations

from typing import Any

from ..style import PALE, Row, figure
from . import Tables
from .forest import forest, legend_of_halves

COLUMNS = "half claim verdict rule effect effect_low effect_high smallest times low high".split()
MOST = 12.0  # times the smallest; beyond it an end is cut


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    made, (axes,) = figure(5.2, 0.8 + 0.2 * len({row["claim"] for row in rows}))
    axes.axvspan(-1, 1, color=PALE, alpha=0.4, linewidth=0)
    forest(axes, rows, lambda row: row["claim"].replace("_", " "), ("times", "low", "high"), nothing=0)
    axes.set_xlim(-MOST, MOST)
    axes.set_xlabel("change over the range of H / the smallest that would matter")
    legend_of_halves(made, rows)
    return made, rows


def shown(tables: Tables) -> list[Row]:
    """Rows with an effect and a smallest one that would matter."""
    found = []
    for row in tables["claim_verdicts"]:
        if row["smallest"] and row["effect"] is not None:
            names = {"times": "effect", "low": "effect_low", "high": "effect_high"}
            ends = {
                name: None if row[column] is None else row[column] / row["smallest"] for name, column in names.items()
            }
            found.append(dict(row) | ends)
    return found
