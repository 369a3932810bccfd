"""Losses of all sizes at equal compute, the valley through them, and its lowest point with the band of N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..style import ACCENT, COLUMN, DASHES, INK, figure, handle, legend, log_axis, look, say

HEIGHT = 2.75
# measured cells that lie on no common compute are dots behind the curves
_DOTS = {"marker": ".", "color": "#b8b8b8", "markersize": 2.5, "linestyle": "none"}


def drawn(plan: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the rows of isoflop.csv: one colour a compute, the largest the lightest."""
    made, (axes,) = figure(COLUMN, HEIGHT)
    by = {kind: [row for row in rows if row["kind"] == kind] for kind in ("measured", "between", "valley", "best")}
    points = by["between"] or by["measured"]
    if not points:
        say(axes, "no run has a loss")
        return made
    shown = sorted({row["C"] for row in points})
    if by["between"]:
        axes.plot([row["N"] for row in by["measured"]], [row["loss"] for row in by["measured"]], **_DOTS)
    else:
        # single cells beside the common computes are dots too
        alone = [C for C in shown if sum(row["C"] == C for row in points) < 2]
        shown = [C for C in shown if C not in alone]
        axes.plot(*_places([row for row in points if row["C"] in alone]), **_DOTS)
    for index, C in enumerate(shown):
        mine = look(index, len(shown))
        here = sorted((row for row in points if row["C"] == C), key=lambda row: row["N"])
        valley = [row for row in by["valley"] if row["C"] == C]
        law = [row for row in rows if row["kind"] == "law" and row["C"] == C]
        line = {"linewidth": 0.9} if valley or not law else {"linewidth": 0.8, "linestyle": DASHES[1]}
        axes.plot(*_places(valley or law or here), color=mine["color"], zorder=3, **line)
        hollow = {"markerfacecolor": "white"} if by["between"] else {}
        axes.plot(*_places(here), linestyle="none", marker=mine["marker"], color=mine["color"], zorder=4, **hollow)
        last = here[-1]
        axes.annotate(_power(C), (last["N"], last["loss"]), (4, 0), textcoords="offset points", fontsize=6,
                      va="center", color=mine["color"], annotation_clip=False)  # fmt: skip
    own = [row for row in rows if row["kind"] == "law's best"]
    for row in [*by["best"], *own]:
        if row["N_lo"] is not None and row["N_hi"] is not None:
            axes.plot([row["N_lo"], row["N_hi"]], [row["loss"]] * 2, color=ACCENT, linewidth=1.2, zorder=5)
    axes.plot(*_places(by["best"]), linestyle="none", marker="D", color=ACCENT, markersize=4, zorder=6)
    hollow = {"markerfacecolor": "white"}
    axes.plot(*_places(own), linestyle="none", marker="D", color=ACCENT, markersize=4, zorder=6, **hollow)
    N = [row["N"] for row in points]
    axes.set(
        xscale="log", yscale="log", xlabel="N, parameters without embeddings", ylabel="held-out loss (nats per token)"
    )
    axes.set_xlim(min(N) / 1.6, max(N) * 2.6)
    losses = [row["loss"] for row in [*points, *by["measured"], *by["best"], *own]]
    axes.set_ylim(min(losses) * 0.97, max(losses) * 1.02)
    log_axis(axes.xaxis, si=True)
    log_axis(axes.yaxis)
    _legend(made, bool(by["between"]), bool(by["best"]), bool(own))
    return made


def _places(rows):
    return [row["N"] for row in rows], [row["loss"] for row in rows]


def _power(C: float) -> str:
    mantissa, exponent = f"{C:.1e}".split("e")
    return rf"${mantissa.removesuffix('.0')}\cdot10^{{{int(exponent)}}}$"


def _legend(made: Any, between: bool, best: bool, own: bool) -> None:
    handles = [handle(marker="o", color=INK, **({"markerfacecolor": "white"} if between else {}))]
    words = ["between runs of one size" if between else "runs, FLOPs beside"]
    if between:
        handles.append(handle(**_DOTS | {"markersize": 5}))
        words.append("runs")
    if best:
        handles.append(handle(marker="D", color=ACCENT, markersize=4, linestyle="-", linewidth=1.2))
        words.append("best N, with its band")
    if own:
        handles.append(handle(marker="D", color=ACCENT, markersize=4, markerfacecolor="white", linestyle="-"))
        words.append("best N by the law")
    legend(made, handles, words, most=5)
