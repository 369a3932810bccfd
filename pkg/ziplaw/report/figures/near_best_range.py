"""The best N against compute, and every N that costs next to nothing more: a band, where a line feigns precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...sweep.folder import ISOFLOP, WAYS, Sweep
from .style import (
    ACCENT,
    DASHES,
    GREY,
    INK,
    PAGE,
    PALE,
    Row,
    figure,
    handle,
    label,
    legend,
    log_axis,
    panels,
    reasons,
    save,
    say,
    wrap,
)  # fmt: skip

COLUMNS = "dataset link chosen C N_opt near_lo near_hi tolerance loss identified reason".split()


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw N_opt(C) of each dataset under every link, with the near-best range of the link chosen."""
    drawn = [name for name in sweep.datasets if sweep.links(name)]
    rows = [row for name in drawn for row in _rows(sweep, name)]
    if not rows:
        made, (axes,) = figure(PAGE * 0.6, 2.0)
        lost = {name: reason for name in sweep.datasets if (reason := sweep.why_not(name))}
        say(axes, f"no link could be fitted. {reasons(lost)}" if lost else "no link was fitted", 72)
        save(made, output, rows, COLUMNS)
        return
    made, grid = panels(len(drawn), height=1.75, sharex=True, sharey=True)
    for axes, name in zip(grid, drawn):
        _panel(sweep, axes, name, [row for row in rows if row["dataset"] == name])
    for axes in grid:
        axes.set(xscale="log", yscale="log")
        axes.label_outer()
    for axis, words in ((grid[0].xaxis, "C = 6ND (FLOPs)"), (grid[0].yaxis, "best N")):
        log_axis(axis, si=axis is grid[0].yaxis, power=axis is grid[0].xaxis)
        (made.supxlabel if axis is grid[0].xaxis else made.supylabel)(words, size=7.5)
    refused = {name: why for name in drawn if (why := _refused(sweep, name))}
    if refused:
        made.supxlabel(wrap(f"C = 6ND (FLOPs). Grey, not identified: {reasons(refused)}", 150), size=6, color=GREY)
    _legend(sweep, made, rows)
    save(made, output, rows, COLUMNS)


def _main(sweep: Sweep, name: str) -> str:
    """The link whose range is shaded: the one chosen, else the last that could be fitted."""
    there = list(sweep.links(name))
    return sweep.chosen_link if sweep.chosen_link in there else there[-1]


def _refused(sweep: Sweep, name: str) -> str | None:
    split: Any = sweep.splits(name).get(_main(sweep, name))
    return None if split and split["identified"] else (split or {}).get("reason") or "no split"


def _rows(sweep: Sweep, name: str) -> list[Row]:
    rows = []
    for link, fit in sweep.links(name).items():
        near, split = fit["near_best"], fit["split"] or {}
        values = zip(near["C"], near["N"], near["low"], near["high"], near["loss"]) if near else ()
        rows += [
            {
                "dataset": name,
                "link": link,
                "chosen": link == sweep.chosen_link,
                "C": C,
                "N_opt": N,
                "near_lo": low,
                "near_hi": high,
                "tolerance": near["tolerance"],
                "loss": loss,
                "identified": bool(split.get("identified")),
                "reason": split.get("reason"),
            }
            for C, N, low, high, loss in values
        ]
    return rows


def _panel(sweep: Sweep, axes: Any, name: str, rows: list[Row]) -> None:
    main, cells = _main(sweep, name), sweep.cells(name)
    grey = _refused(sweep, name) is not None
    axes.plot([6 * c["N"] * c["D"] for c in cells], [c["N"] for c in cells], ".", color=PALE, markersize=2, zorder=1)
    for link in sweep.links(name):
        own = [row for row in rows if row["link"] == link]
        C, N, low, high = (
            np.array([row[key] for row in own], dtype=float) for key in ("C", "N_opt", "near_lo", "near_hi")
        )
        if link == main:
            colour = GREY if grey else ACCENT
            # no end: the loss never rises as far
            low, high = np.nan_to_num(low, nan=1e-3 * N.min()), np.nan_to_num(high, nan=1e3 * N.max())
            axes.fill_between(C, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
            axes.plot(C, N, color=colour, linewidth=1.3, zorder=4)
        else:
            axes.plot(C, N, **_line(link), zorder=3)
    tops = [*(c["N"] for c in cells), *(row["N_opt"] for row in rows if row["link"] == main and not grey)]
    axes.set_ylim(min(tops) / 1.5, max(tops) * 1.5)
    axes.set_title(label(name))


def _line(link: str) -> dict[str, Any]:
    return {"color": INK, "linewidth": 0.6, "linestyle": DASHES[1 + list(WAYS).index(link) % 4]}


def _legend(sweep: Sweep, made: Any, rows: list[Row]) -> None:
    mains = {_main(sweep, row["dataset"]) for row in rows}
    links = [link for link in WAYS if any(row["link"] == link for row in rows) and link != ISOFLOP]
    tolerance = 100 * rows[0]["tolerance"]
    handles: list[Any] = []
    names = []
    for link in sorted(links, key=lambda link: link not in mains):
        chosen = ", chosen" if link == sweep.chosen_link else ""
        handles.append(handle(color=ACCENT, linestyle="-", linewidth=1.3) if link in mains else handle(**_line(link)))
        names.append(WAYS[link] + chosen)
    handles.insert(1, handle(color=ACCENT, linestyle="-", linewidth=5, alpha=0.18))
    names.insert(1, f"loss within {tolerance:.3g} % of the best")
    handles.append(handle(marker=".", color=PALE, markersize=4))
    names.append("runs")
    legend(made, handles, names, 4)
