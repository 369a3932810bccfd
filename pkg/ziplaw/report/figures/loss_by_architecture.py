"""Architecture at equal N: loss against N by architecture, and loss against depth at fixed N (Kaplan's questions)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...sweep.architectures_table import architecture_rows
from ...sweep.folder import Sweep, finite
from ...tables.declared import ARCHITECTURES
from .style import COLUMN, INK, PAGE, Row, figure, handle, label, legend, log_axis, look, prefixed, save, say

COLUMNS = ARCHITECTURES.names
NAMES = {"llama": "decoder", "lstm": "LSTM"}


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw, for each dataset at its largest budget, loss against N by architecture and loss against depth at fixed
    N.
    """
    rows = architecture_rows(sweep.runs)
    datasets = [name for name in sweep.datasets if any(row["dataset"] == name for row in rows)]
    kinds = sorted({row["architecture"] for row in rows})
    made, grid = figure(min(PAGE, 2 * COLUMN), 2.1 * max(len(datasets), 1) + 0.4, max(len(datasets), 1), 2)
    if not datasets:
        for axes in grid:
            say(axes, "every run diverged: there is no loss to compare")
    for (left, right), dataset in zip(zip(grid[::2], grid[1::2]), datasets):
        own = [row for row in rows if row["dataset"] == dataset]
        budget = max(row["budget"] for row in own)
        own = [row for row in own if row["budget"] == budget]
        left.set_title(f"{label(dataset)}, D = {prefixed(budget)}")
        _sizes(left, [row for row in own if row["part"] == "size"], kinds)
        floor = next((r["floor"] for r in sweep.of(dataset) if finite(r.get("floor"))), None)
        if floor is not None:
            left.axhline(floor, color=INK, linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
            where = {"xycoords": left.get_yaxis_transform(), "textcoords": "offset points", "va": "bottom"}
            left.annotate(f"floor {floor:.3f}", (0.02, floor), (0, 1.5), size=6, **where)
        _shapes(right, [row for row in own if row["part"] == "shape"])
    handles = [handle(**look(i, len(kinds)), markeredgecolor=INK) for i in range(len(kinds))]
    legend(made, handles, [NAMES.get(kind, kind) for kind in kinds])
    save(made, output, rows, COLUMNS)


def _bars(axes: Any, x: list[float], rows: list[Row], value: str, style: dict[str, Any]) -> None:
    low, high = ([row[f"{value}_{side}"] for row in rows] for side in ("low", "high"))
    middle = [row[value] for row in rows]
    spread = [
        [m - v if v is not None else 0.0 for m, v in zip(middle, low)],
        [v - m if v is not None else 0.0 for m, v in zip(middle, high)],
    ]
    axes.errorbar(x, middle, spread, elinewidth=0.7, capsize=2, capthick=0.7, zorder=3, **style)


def _sizes(axes: Any, rows: list[Row], kinds: list[str]) -> None:
    for i, kind in enumerate(kinds):
        own = [row for row in rows if row["architecture"] == kind]
        style = look(i, len(kinds)) | {"markeredgecolor": INK, "markeredgewidth": 0.4}
        _bars(axes, [row["N"] for row in own], own, "loss", style)
    axes.set_xscale("log")
    log_axis(axes.xaxis, si=True)
    axes.set_xlabel("non-embedding parameters N")
    axes.set_ylabel("loss (nats per token)")


def _shapes(axes: Any, rows: list[Row]) -> None:
    rows = [row for row in rows if row.get("relative") is not None]
    if not rows:
        say(axes, "no three depths of nearly equal N in this sweep")
        return
    sizes = [row["N"] for row in rows]
    axes.set_title(f"shape at fixed N = {prefixed(min(sizes))} to {prefixed(max(sizes))}")
    depths = [row["layers"] for row in rows]
    style = {"color": INK, "marker": "o", "linestyle": "none"}
    _bars(axes, depths, [_percent(row, "relative") for row in rows], "relative", style)
    effect = [(row["layers"], 100 * row["N_effect"]) for row in rows if row.get("N_effect") is not None]
    axes.plot(*zip(*effect), marker="_", linestyle="none", color="#c2410c", markersize=8, markeredgewidth=1.2, zorder=2)
    for row in rows:
        axes.annotate(
            f"{row['hidden']} wide",
            (row["layers"], 100 * row["relative"]),
            (4, 3),
            textcoords="offset points",
            size=5.5,
        )
    axes.axhline(0.0, color=INK, linewidth=0.5, zorder=1)
    axes.margins(x=0.14, y=0.14)
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(depths)), [str(d) for d in sorted(set(depths))])
    axes.minorticks_off()
    axes.set_xlabel("layers (dash: what the difference in N alone would do)")
    axes.set_ylabel("loss against the reference (%)")


def _percent(row: Row, value: str) -> Row:
    return {key: None if row[key] is None else 100 * row[key] for key in (value, f"{value}_low", f"{value}_high")}
