"""Compute-optimal N and D against C: of every dataset, of the law in H, and Chinchilla's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...sweep.folder import Sweep, finite
from .style import INK, PAGE, Row, figure, handle, label, log_axis, look, reasons, save, say

COLUMNS = "source group H C N_opt N_lo N_hi D_opt D_lo D_hi tokens_per_parameter ratio_lo ratio_hi in_range".split()
AXES = {
    "N": "compute-optimal N",
    "D": "compute-optimal D (tokens)",
    "ratio": "tokens per parameter, D / N",
}
GROUPS = {"dataset": "each dataset's own law", "law": "the law in H, L(N, D, H): band for a new dataset"}


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw compute-optimal N, D and D/N against C: a row for the datasets, a row for the law in H; Chinchilla in
    each.
    """
    rows = _rows(sweep)
    groups = [group for group in GROUPS if any(row["group"] == group for row in rows)]
    if not groups:
        made, (axes,) = figure(PAGE * 0.6, 2.0)
        lost = {name: reason for name in sweep.datasets if (reason := sweep.why_not(name))}
        refused = {row["source"]: row["reason"] for row in sweep.table("frontier.csv") if row.get("reason")}
        told = "no split is identified" if refused else "no dataset carries a law"
        say(axes, f"no frontier: {told}. {reasons(lost | refused)}", 72)
        save(made, output, rows, COLUMNS)
        return
    made, grid = figure(PAGE, 1.95 * len(groups) + 0.35, len(groups), 3, sharex=True)
    inside = [row["C"] for row in rows if row["in_range"]]
    for line, group in enumerate(groups):
        handles, names = [], []
        part = [row for row in rows if row["group"] in (group, "chinchilla")]
        sources = list(dict.fromkeys(row["source"] for row in part if row["group"] == group))
        for index, source in enumerate([*sources, "chinchilla"]):
            own = [row for row in part if row["source"] == source]
            style = _style(sweep, group, source, index, len(sources))
            for axes, key in zip(grid[3 * line :], AXES):
                _line(axes, own, key, style)
            handles.append(handle(**style))
            names.append(_name(source, own))
        grid[3 * line + 2].legend(
            handles, names, loc="center left", bbox_to_anchor=(1.03, 0.5), title=_title(group), alignment="left"
        )
    for position, (axes, key) in enumerate(zip(grid, list(AXES) * len(groups))):
        axes.set(xscale="log", yscale="log", ylabel=AXES[key])
        axes.autoscale(tight=True, axis="x")
        # lines set the scale: the band of a law that is hardly known spans many decades and is cut
        axes.set_ylim(*_span(rows, groups[position // 3], key))
        if inside:
            axes.axvspan(min(inside), max(inside), color="#f0f0f0", linewidth=0, zorder=0)
            if position < 3:
                axes.set_title("shaded: compute that was measured" if position == 0 else " ", size=6.5, color="#6e6e6e")
        log_axis(axes.xaxis, power=True)
        log_axis(axes.yaxis, si=True)
    for axes in grid[-3:]:
        axes.set_xlabel("C = 6ND (FLOPs)")
    save(made, output, rows, COLUMNS)


def _rows(sweep: Sweep) -> list[Row]:
    """Rows of frontier.csv with their group and D/N; N D = C/6 on the frontier, so its band is that of N."""
    rows = []
    for row in sweep.table("frontier.csv"):
        source = row["source"]
        group = "chinchilla" if source.startswith("chinchilla") and source not in sweep.datasets else "law"
        group = "dataset" if source in sweep.datasets else group
        if not finite(row["N_opt"]) or (sweep.only and group != "chinchilla" and source != sweep.only):
            continue
        ratio = {"tokens_per_parameter": row["D_opt"] / row["N_opt"]}
        banded = all(finite(row[k]) and row[k] > 0 for k in ("N_lo", "N_hi", "D_lo", "D_hi"))
        ratio["ratio_lo"] = row["D_lo"] / row["N_hi"] if banded else None
        ratio["ratio_hi"] = row["D_hi"] / row["N_lo"] if banded else None
        rows.append({key: row.get(key) for key in COLUMNS} | ratio | {"group": group})
    return rows


def _style(sweep: Sweep, group: str, source: str, index: int, count: int) -> dict[str, Any]:
    if source == "chinchilla":
        mark = {"marker": "o", "markevery": 3, "markersize": 2.6, "markerfacecolor": "white"}
        return {"color": INK, "linestyle": "-", "linewidth": 1.1, "zorder": 4} | mark
    if group == "dataset":
        index, count = sweep.datasets.index(source), len(sweep.datasets)
    style = look(index, count)
    return {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.1, "zorder": 3}


def _line(axes: Any, rows: list[Row], key: str, style: dict[str, Any]) -> None:
    rows = sorted(rows, key=lambda row: row["C"])
    value = "tokens_per_parameter" if key == "ratio" else f"{key}_opt"
    axes.plot([row["C"] for row in rows], [row[value] for row in rows], **style)
    band = [row for row in rows if finite(row[f"{key}_lo"]) and finite(row[f"{key}_hi"]) and row["in_range"]]
    if band:
        edges = ([row[f"{key}_{end}"] for row in band] for end in ("lo", "hi"))
        axes.fill_between([row["C"] for row in band], *edges, color=style["color"], alpha=0.14, linewidth=0, zorder=2)
        for end in ("lo", "hi"):
            edge = {"color": style["color"], "linewidth": 0.35, "alpha": 0.6, "zorder": 2}
            axes.plot([row["C"] for row in band], [row[f"{key}_{end}"] for row in band], **edge)


def _span(rows: list[Row], group: str, key: str) -> tuple[float, float]:
    value = "tokens_per_parameter" if key == "ratio" else f"{key}_opt"
    values = [row[value] for row in rows if row["group"] in (group, "chinchilla")]
    room = 4 if key == "ratio" else 2
    return min(values) / room, max(values) * room


def _name(source: str, rows: list[Row]) -> str:
    H = rows[0]["H"] if rows else None
    if source == "chinchilla":
        return "Chinchilla (published)"
    if source.startswith("L(N,D,H)"):
        return f"H = {H:.3f}" if finite(H) else label(source)
    return f"{label(source, 16)}, H = {H:.3f}" if finite(H) else label(source, 16)


def _title(group: str) -> str:
    return GROUPS[group].replace(": ", ":\n").replace("'s own ", "'s\nown ")
