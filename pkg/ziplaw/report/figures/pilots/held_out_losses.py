"""Losses of the runs of most compute against what the others predicted of them, with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..style import ACCENT, COLUMN, GREY, INK, figure, handle, log_axis, say

HEIGHT = 2.75


def drawn(plan: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the rows of held_out.csv; what lies outside of its band is hollow."""
    made, (axes,) = figure(COLUMN, HEIGHT)
    if not rows:
        say(axes, "too few runs are left without the largest to predict them from")
        return made
    for row in rows:
        axes.plot([row["loss"]] * 2, [row["low"], row["high"]], color=GREY, linewidth=0.9, zorder=2)
    kinds = [(True, INK, "within its band"), (False, ACCENT, "outside of its band")]
    handles, words = [], []
    for held, color, text in kinds:
        mine = [row for row in rows if bool(row["held"]) is held]
        face = {} if held else {"markerfacecolor": "white"}
        axes.plot([row["loss"] for row in mine], [row["predicted"] for row in mine], linestyle="none", marker="o",
                  color=color, zorder=3, **face)  # fmt: skip
        if mine:
            handles.append(handle(marker="o", color=color, **face))
            words.append(f"{len(mine)} {text}")
    ends = [value for row in rows for value in (row["loss"], row["low"], row["high"])]
    low, high = min(ends) / 1.01, max(ends) * 1.01
    axes.plot([low, high], [low, high], color=INK, linewidth=0.6, linestyle=(0, (3, 1.2)), zorder=1)
    handles.append(handle(color=INK, linestyle=(0, (3, 1.2)), linewidth=0.6))
    words.append("predicted = measured")
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), xlabel="measured loss (nats per token)",
             ylabel="loss predicted from the smaller runs")  # fmt: skip
    axes.set_aspect("equal", adjustable="box")
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    axes.legend(handles, words, loc="upper left", frameon=True, framealpha=0.8, facecolor="white", edgecolor="none")
    return made
