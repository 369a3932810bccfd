"""The best N against compute: the pilot's own points, the plan's line with its band, the prior's, 20 to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....base.numerals import counted
from ..style import ACCENT, COLUMN, GREY, INK, PALE, figure, handle, log_axis

HEIGHT = 2.75
THUMB = "20 tokens a parameter"


def drawn(plan: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the rows of best_n.csv over all FLOPs, up to the plan's."""
    made, (axes,) = figure(COLUMN, HEIGHT)
    by: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["from"], []).append(row)
    handles, words = [], []
    if prior := by.get("prior"):
        _band(axes, prior, color=PALE, alpha=0.45, zorder=1)
        axes.plot(*_places(prior), color=GREY, linewidth=0.7, zorder=2)
        handles.append(handle(color=PALE, linestyle="-", linewidth=5, alpha=0.45))
        words.append("prior")
    if runs := by.get("runs"):
        axes.plot(*_places(runs), color=INK, linewidth=0.7, linestyle=(0, (1.2, 1)), zorder=3)
        handles.append(handle(color=INK, linestyle=(0, (1.2, 1)), linewidth=0.7))
        words.append("the pilot's runs alone")
    plan_rows = by["plan"]
    _band(axes, plan_rows, color=ACCENT, alpha=0.22, zorder=4)
    axes.plot(*_places(plan_rows), color=ACCENT, linewidth=1.3, zorder=5)
    handles.append(handle(color=ACCENT, linestyle="-", linewidth=1.3))
    words.append("the plan, with its band")
    axes.plot(*_places(by[THUMB]), color=INK, linewidth=0.8, linestyle=(0, (6, 1.5)), zorder=3)
    handles.append(handle(color=INK, linestyle=(0, (6, 1.5)), linewidth=0.8))
    words.append(THUMB)
    if points := by.get("isoflop"):
        for row in points:
            if row["N_lo"] is not None and row["N_hi"] is not None:
                axes.plot([row["C"]] * 2, [row["N_lo"], row["N_hi"]], color=INK, linewidth=0.7, zorder=6)
        axes.plot(*_places(points), linestyle="none", marker="o", color=INK, markersize=3.2, zorder=7)
        handles.append(handle(marker="o", color=INK, markersize=3.2))
        words.append("lowest points of valleys")
    axes.plot([plan["C"]], [plan["N"]], linestyle="none", marker="D", color=ACCENT, markersize=5, zorder=8)
    axes.annotate(f"N {counted(plan['N'])}", (plan["C"], plan["N"]), (0, -27), textcoords="offset points", ha="right",
                  fontsize=7.5, color=ACCENT, fontweight="bold")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="C, all training FLOPs", ylabel="best N")
    axes.set_ylim(*_limits(by))
    axes.margins(x=0.04)
    log_axis(axes.xaxis, power=True)
    log_axis(axes.yaxis, power=True)
    axes.legend(handles, words, loc="upper left", labelspacing=0.35, frameon=True, framealpha=0.8, facecolor="white",
                edgecolor="none")  # fmt: skip
    return made


def _places(rows):
    return [row["C"] for row in rows], [row["N"] for row in rows]


def _band(axes: Any, rows: Sequence[Mapping[str, Any]], **options: Any) -> None:
    C, low, high = (np.array([row[key] for row in rows], dtype=float) for key in ("C", "N_lo", "N_hi"))
    axes.fill_between(C, low, high, linewidth=0, **options)


def _limits(by: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[float, float]:
    """What the plan and the points need; a prior's band that is wider is cut, but for a decade either way."""
    ends = [row[key] for row in by["plan"] for key in ("N_lo", "N_hi")]
    ends += [row["N"] for name in ("isoflop", THUMB, "runs") for row in by.get(name, ())]
    # less than one parameter means nothing
    return max(min(ends) / 3, 1.0), max(ends) * 10
