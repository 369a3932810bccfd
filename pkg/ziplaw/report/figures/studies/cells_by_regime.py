"""How many cells scale, are saturated or have not started, by half and family."""

from __future__ import annotations

from typing import Any

from ..style import ACCENT, GREY, INK, PALE, Row, figure, legend
from . import Tables

COLUMNS = "half family datasets regime cells share".split()
FAMILIES = {"varied": "any vocabulary", "vocabulary": "one vocabulary", "H": "one H"}
REGIMES = {"scaling": ACCENT, "saturated": GREY, "not_started": PALE, "diverged": INK}


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    shown = [row for row in tables["what_was_measured"] if row["half"] != "both" and row["family"] in FAMILIES]
    made, (axes,) = figure(4.6, 0.5 + 0.22 * len(shown))
    rows: list[Row] = []
    for place, row in enumerate(shown):
        left = 0.0
        for regime, color in REGIMES.items():
            share = row[regime] / row["cells"]
            axes.barh(-place, share, left=left, height=0.7, color=color, label=None if place else regime)
            left += share
            rows.append(
                {name: row[name] for name in ("half", "family", "datasets")}
                | {"regime": regime, "cells": row[regime], "share": share}
            )
    words = [f"{row['half']}, {FAMILIES[row['family']]} ({row['datasets']})" for row in shown]
    axes.set_yticks([-place for place in range(len(shown))], words)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of cells")
    axes.grid(axis="y", visible=False)
    handles, _ = axes.get_legend_handles_labels()
    legend(made, handles, [regime.replace("_", " ") for regime in REGIMES], most=5)
    return made, rows
