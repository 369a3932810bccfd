"""Slopes on H and its best rival in every training arm: do trends keep their sign at another learning rate?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..style import ACCENT, GREY, INK, PALE, Row, figure, handle, legend, say
from . import Tables

COLUMNS = "arm covariate quantity kind n slope slope_low slope_high".split()
NAMES = {"ln_N": "ln N at one compute", "a": "a", "alpha": "alpha", "beta": "beta"}
WORDS = {"beyond_bigram": "ln beyond bigram"}
ARMS = {"mup": INK, "tuned": ACCENT, "paper": GREY}
ANY = "any"
_APART = 0.24


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    table = [row for row in tables["training_arms"] if row["kind"] != ANY]
    kinds = list(dict.fromkeys(row["kind"] for row in table))
    covariates = list(dict.fromkeys(row["covariate"] for row in table))
    height = 0.6 + (0.4 + 0.3 * len(kinds)) * len(covariates)
    made, panels = figure(6.6, height, len(covariates), len(NAMES), sharey=True)
    shown: list[Row] = []
    places = [(covariate, *name) for covariate in covariates for name in NAMES.items()]
    for axes, (covariate, quantity, words) in zip(panels, places):
        rows = [row for row in _slopes(table) if (row["covariate"], row["quantity"]) == (covariate, quantity)]
        for row in rows:
            place = -kinds.index(row["kind"]) - _APART * (list(ARMS).index(row["arm"]) - 1)
            color = ARMS[row["arm"]]
            axes.plot([row["slope_low"], row["slope_high"]], [place, place], color=color, linewidth=1)
            axes.plot(row["slope"], place, "o", color=color, markersize=3)
        axes.axvline(0, color=PALE, linewidth=0.8, zorder=0)
        axes.set_title(words)
        axes.set_xlabel(f"slope on {WORDS.get(covariate, covariate)}")
        if not rows:
            say(axes, "told in no arm", 18)
        shown += rows
    panels[0].set_yticks([-place for place in range(len(kinds))], kinds)
    panels[0].set_ylim(-len(kinds) + 0.5, 0.5)
    there = [arm for arm in ARMS if any(row["arm"] == arm for row in shown)]
    legend(made, [handle(color=ARMS[arm], marker="o", markersize=3) for arm in there], there)
    return made, shown


def _slopes(table: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A row for each arm, covariate, quantity and kind that is measured; mup's as beside the first arm that has it."""
    found: dict[tuple[str, ...], Row] = {}
    for row in table:
        for arm, name in ((row["arm"], "slope"), ("mup", "mup")):
            if row.get(name) is not None:
                numbers = {"slope": row[name], "slope_low": row[f"{name}_low"], "slope_high": row[f"{name}_high"]}
                key = {"arm": arm} | {column: row[column] for column in ("covariate", "quantity", "kind")}
                found.setdefault(tuple(key.values()), key | {"n": row["n"]} | numbers)
    return list(found.values())
