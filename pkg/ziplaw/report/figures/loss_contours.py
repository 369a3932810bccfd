"""The fitted law over N and D: contours, measured cells, iso-FLOP lines, the compute-optimal frontier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import ticker

from ...laws.forms.chinchilla import PARAMETERS, additive
from ...numerics.functions import geomspace, log, log10, raised, rounded
from ...sweep.folder import VARIANTS, Sweep, finite
from .style import ACCENT, GREY, INK, PALE, Row, handle, label, legend, log_axis, look, panels, save, say, wrap

COLUMNS = "dataset kind variant reportable regime C N N_lo N_hi D D_lo D_hi loss in_range".split()
Spans = list[tuple[float, float]]  # of N and of D
CELLS = {
    "scaling": ("o", INK, "scaling"),
    "saturated": ("s", "white", "saturated"),
    "not started": ("^", "white", "not started"),
    None: ("o", "#9a9a9a", "regime not known (no floor)"),
}
ISO = {"color": PALE, "linewidth": 0.5, "linestyle": (0, (1, 2))}


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw loss over N and D for every dataset: contours of the law, measured cells, iso-FLOP lines, the frontier."""
    made, grid = panels(len(sweep.datasets), height=2.05, sharex=True, sharey=True)
    cells = [c for dataset in sweep.datasets for c in sweep.cells(dataset)]
    rows: list[Row] = []
    shown: set[Any] = set()
    if not cells:
        for axes, dataset in zip(grid, sweep.datasets):
            axes.set_title(label(dataset))
            say(axes, "every run diverged: no loss to show")
        save(made, output, rows, COLUMNS)
        return
    spans = [(min(c[key] for c in cells) / 1.6, max(c[key] for c in cells) * 1.6) for key in ("N", "D")]
    frontier = sweep.table("frontier.csv")
    variants = {name for dataset in sweep.datasets if (name := sweep.variant(dataset)[0])}
    for axes, dataset in zip(grid, sweep.datasets):
        axes.set(xscale="log", yscale="log", xlim=spans[0], ylim=spans[1])
        axes.grid(False)
        _iso_flops(axes, spans)
        variant, body = sweep.variant(dataset)
        reason = sweep.why_not(dataset)
        names = {"dataset": dataset, "variant": variant, "reportable": reason is None}
        H = "" if sweep.H(dataset) is None else f"   H = {sweep.H(dataset):.3f}"
        told = "" if len(variants) == 1 and variant else f", {VARIANTS[variant] if variant else 'no law'}"
        axes.set_title(f"{label(dataset, 24 if not told else 14)}{H}{told}")
        if body:
            rows += [names | row for row in _contours(axes, body, sweep.cells(dataset), spans, reason is None)]
        own = [row for row in frontier if row["source"] == dataset and finite(row["N_opt"])]
        if own and reason is None:
            rows += [names | row for row in _frontier(axes, own)]
            shown |= {"frontier", *(["outside"] if not all(row["in_range"] for row in own) else [])}
        elif reason is None and (
            refused := [row for row in frontier if row["source"] == dataset and row.get("reason")]
        ):
            _note(axes, f"no frontier: {refused[0]['reason']}")
        for row in _cells(axes, sweep.of(dataset)):
            rows.append(names | row)
            shown.add(row["kind"] if row["kind"] == "diverged" else row["regime"])
        if reason is not None:
            _note(axes, f"no frontier: {reason}")
    for axes in grid:
        log_axis(axes.xaxis, si=True)
        log_axis(axes.yaxis, si=True)
    made.supxlabel("N, non-embedding parameters", size=7.5)
    made.supylabel("D, training tokens", size=7.5)
    shown |= {row["kind"] for row in rows if row["kind"] == "contour"}
    handles, words = _legend(shown, f", {VARIANTS[variants.pop()]}" if len(variants) == 1 else "")
    legend(made, handles, words, 3)
    save(made, output, rows, COLUMNS)


def _iso_flops(axes: Any, spans: Spans) -> None:
    """Lines of equal C = 6 N D, a decade apart, each with its C at the upper or left edge."""
    (n0, n1), (d0, d1) = spans
    for power in range(int(np.ceil(log10(6 * n0 * d0))), int(np.floor(log10(6 * n1 * d1))) + 1):
        C = raised(10.0, power)
        ends = np.array([max(n0, C / 6 / d1), min(n1, C / 6 / d0)])
        axes.plot(ends, C / 6 / ends, **ISO, zorder=0)
        if log10(ends[1] / ends[0]) < 0.25:
            continue
        x = ends[1] * 0.88
        tall = axes.get_position().height * axes.figure.get_figheight()
        wide = axes.get_position().width * axes.figure.get_figwidth()
        # a hundredth of a degree: the last digits of the arc tangent are the processor's
        angle = -round(float(np.degrees(np.arctan2(tall / log(d1 / d0), wide / log(n1 / n0)))), 2)
        text = f"$10^{{{power}}}$"
        axes.text(x, C / 6 / x, text, size=5.5, color=GREY, rotation=angle, rotation_mode="anchor", ha="right",
                  va="bottom", zorder=0)  # fmt: skip


def _contours(axes: Any, body: Row, cells: list[Row], spans: Spans, reportable: bool) -> list[Row]:
    """Contours of a law at round losses inside what was measured; returns their vertices."""
    parameters = [body["parameters"][name] for name in PARAMETERS]
    x, y = np.meshgrid(*(geomspace(*span, 90) for span in spans))
    surface = additive(parameters, x, y)
    measured = [c["loss"] for c in cells]
    lows, highs = max(min(measured) * 0.98, surface.min()), min(max(measured) * 1.02, surface.max())
    if not (np.isfinite(surface).all() and lows < highs):
        return []
    # equal steps of the reducible part in logs: where the law is steep, lines do not crowd
    steps = parameters[0] + geomspace(max(lows - parameters[0], 1e-3 * highs), highs - parameters[0], 8)
    digits = max(1, int(np.ceil(-log10(max(np.diff(steps).min(), 1e-6)))))
    levels = [v for v in np.unique(np.round(steps, min(digits, 3))) if lows <= v <= highs]
    levels = levels or list(ticker.MaxNLocator(4).tick_values(lows, highs))
    colours = [look(i, len(levels))["color"] if reportable else PALE for i in range(len(levels))]
    drawn = axes.contour(x, y, surface, levels=levels, linewidths=0.8, zorder=1, colors=colours)
    spots = [spot for lines in drawn.allsegs if (spot := _spot(lines, spans, cells))]
    axes.clabel(drawn, fontsize=5.5, fmt=f"%.{min(digits, 3)}f", colors=[INK], manual=spots, inline_spacing=2)
    rows = []
    for level, lines in zip(drawn.levels, drawn.allsegs):
        # gaps for labels are cut on the page: vertices come back from there with matplotlib's last digits
        vertices = [vertex for line in lines for vertex in rounded(line[::4], 9)]
        rows += [{"kind": "contour", "N": n, "D": d, "loss": level} for n, d in vertices]
    return rows


def _spot(lines: list[np.ndarray], spans: Spans, cells: list[Row]) -> tuple[float, float] | None:
    """Where a contour is labelled: above the diagonal, clear of frontier, iso-FLOP labels and cells; or None."""
    vertices = np.concatenate([line for line in lines if len(line)] or [np.empty((0, 2))])
    points = np.array([[c["N"], c["D"]] for c in cells], dtype=float)
    (u, v), (p, q) = (
        [log(table[:, i] / low) / log(high / low) for i, (low, high) in enumerate(spans)]
        for table in (vertices, points)
    )
    near = (np.square(u[:, None] - p) + np.square(v[:, None] - q) < np.square(0.065)).any(axis=1)
    inside = (u > 0.07) & (u < 0.93) & (v > 0.06) & (v < 0.91)
    if not inside.any():
        return None
    best = np.argmin(np.where(inside, abs(v - u - 0.42) + 0.5 * near, np.inf))
    return tuple(vertices[best])


def _frontier(axes: Any, rows: list[Row]) -> list[Row]:
    """N_opt, D_opt along C with their band, solid inside the measured compute and dashed outside it."""
    rows = sorted(rows, key=lambda row: row["C"])
    banded = [row for row in rows if all(finite(row[k]) for k in ("N_lo", "N_hi", "D_lo", "D_hi"))]
    if banded:
        # on an iso-FLOP line the largest N goes with the smallest D
        edge = [(row["N_lo"], row["D_hi"]) for row in banded] + [(row["N_hi"], row["D_lo"]) for row in banded[::-1]]
        axes.fill(*zip(*edge), color=ACCENT, alpha=0.16, linewidth=0, zorder=2)
    for inside, dash in ((False, (0, (2.5, 1.5))), (True, "-")):
        part = [row if row["in_range"] == inside or _edge(rows, i) else None for i, row in enumerate(rows)]
        x, y = ([row[key] if row else np.nan for row in part] for key in ("N_opt", "D_opt"))
        axes.plot(x, y, color=ACCENT, linewidth=1.5, linestyle=dash, zorder=3)
    return [
        {"kind": "frontier", "N": row["N_opt"], "D": row["D_opt"]}
        | {key: row[key] for key in ("C", "N_lo", "N_hi", "D_lo", "D_hi", "loss", "in_range")}
        for row in rows
    ]


def _edge(rows: list[Row], i: int) -> bool:
    """Tell whether a row is measured and has a neighbour that is not: both pieces of the line meet there."""
    near = rows[max(i - 1, 0) : i + 2]
    return rows[i]["in_range"] and not all(row["in_range"] for row in near)


def _cells(axes: Any, cells: list[Row]) -> list[Row]:
    rows = []
    for cell in cells:
        regime = cell.get("regime")
        kind = "cell" if finite(cell["loss"]) else "diverged"
        mark, face, _ = CELLS.get(regime, CELLS[None])
        style = {"markersize": 3, "markerfacecolor": face, "markeredgecolor": INK, "zorder": 4}
        if kind == "diverged":
            mark, style = "x", {"markersize": 3.5, "color": "#b91c1c", "markeredgewidth": 1, "zorder": 4}
        axes.plot(cell["N"], cell["D"], mark, **style)
        rows.append({"kind": kind, "regime": regime, **{key: cell[key] for key in ("N", "D", "loss")}})
    return rows


def _note(axes: Any, words: str) -> None:
    box = {"facecolor": "white", "edgecolor": PALE, "linewidth": 0.4, "boxstyle": "round,pad=0.3", "alpha": 0.92}
    where = {"transform": axes.transAxes, "ha": "center", "va": "center", "color": INK, "zorder": 6}
    axes.text(0.5, 0.5, wrap(words, 36), size=6, bbox=box, **where)


def _legend(shown: set[str | None], told: str) -> tuple[list[Any], list[str]]:
    handles, words = [], []
    for regime, (mark, face, word) in CELLS.items():
        if regime in shown:
            handles.append(handle(marker=mark, markerfacecolor=face, markersize=3.5))
            words.append(f"measured: {word}")
    for name, style, word in (
        ("diverged", {"marker": "x", "color": "#b91c1c", "markeredgewidth": 1}, "diverged"),
        ("frontier", {"linestyle": "-", "color": ACCENT, "linewidth": 1.5}, "compute-optimal, with band"),
        ("outside", {"linestyle": (0, (2.5, 1.5)), "color": ACCENT, "linewidth": 1.5}, "outside the measured compute"),
        ("contour", {"linestyle": "-", "color": "#21918c", "linewidth": 0.8}, f"the law{told} (nats per token)"),
    ):
        if name in shown:
            handles.append(handle(**style))
            words.append(word)
    return [*handles, handle(**(ISO | {"color": GREY}))], [*words, "equal compute, C = 6ND (FLOPs)"]
