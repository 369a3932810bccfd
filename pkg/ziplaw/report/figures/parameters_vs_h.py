"""Each law parameter against H: estimates with intervals, the paper's regression line, the law in H with its band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...laws.dependence import law_in_H
from ...laws.forms.allocation import exponents
from ...numerics.functions import exp, log
from ...sweep.folder import VARIANTS, Sweep, finite
from .style import GREY, INK, PAGE, PALE, Row, figure, handle, label, legend, log_axis, look, reasons, save, say, wrap

PARAMETERS = {
    "E": "E (nats per token)",
    "A": "A",
    "B": "B",
    "alpha": "α",
    "beta": "β",
    "a": "a = β / (α + β)",
}
LOGARITHMIC = ("A", "B")
COLUMNS = "dataset kind variant parameter H value low high reportable reason".split()


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw every law parameter against H with intervals, the two-stage line, and the law in H with its band."""
    main = sweep.regression.get("variant") or "floor"
    points = _points(sweep)
    if not points:
        made, (axes,) = figure(PAGE * 0.6, 2.0)
        say(axes, _nothing(sweep), 72)
        save(made, output, points, COLUMNS)
        return
    made, grid = figure(PAGE, 3.7, 2, 3, sharex=True)
    lines = _lines(sweep, points, main)
    spread = [row["H"] for row in points]
    # variants of one dataset stand side by side
    step = 0.012 * (max(spread) - min(spread) or 0.1)
    for axes, (name, words) in zip(grid, PARAMETERS.items()):
        own = [row for row in points if row["parameter"] == name]
        axes.set_ylabel(words)
        if not own:
            say(axes, f"no converged fit gives {name}", 30)
            continue
        for row in own:
            _point(axes, row, row["H"] + (-step if row["variant"] == main else step), row["variant"] == main, sweep)
        _draw_lines(axes, [row for row in lines if row["parameter"] == name])
        _frame(axes, own, name in LOGARITHMIC)
        low, high = axes.get_ylim()
        if name == "a" and low < 0.5 < high:
            axes.axhline(0.5, color=GREY, linewidth=0.6, linestyle=(0, (1, 1.5)), zorder=0)
    if max(spread) == min(spread):
        grid[0].set_xlim(spread[0] - 0.02, spread[0] + 0.02)
    for axes in grid[-3:]:
        axes.set_xlabel("H (lower is more compressible)")
    notes = _notes(sweep, lines)
    if notes:
        made.supxlabel(wrap("; ".join(notes), 150), size=6, color=GREY, x=0.01, ha="left")
    handles, names = _legend(sweep, points, lines, main)
    if handles:
        legend(made, handles, names, 5)
    save(made, output, [*points, *lines], COLUMNS)


def _nothing(sweep: Sweep) -> str:
    if not sweep.fits:
        return "no parameters: this folder holds no fits"
    if not any(finite(fit.get("H")) for fit in sweep.fits.values()):
        return "no parameters against H: H of the datasets is not known"
    return f"no parameters: no fit converged. {_reasons(sweep)}"


def _reasons(sweep: Sweep) -> str:
    return reasons({name: reason for name in sweep.datasets if (reason := sweep.why_not(name))})


def _points(sweep: Sweep) -> list[Row]:
    rows = []
    for dataset in sweep.datasets:
        fit: Any = sweep.fits.get(dataset)
        reason = sweep.why_not(dataset)
        for variant in VARIANTS if fit and finite(fit.get("H")) else ():
            body = fit["variants"].get(variant)
            if not body or not body["converged"]:
                continue
            values = dict(body["parameters"])
            if finite(values["alpha"]) and finite(values["beta"]) and values["alpha"] + values["beta"] > 0:
                values["a"] = values["beta"] / (values["alpha"] + values["beta"])
            for name in PARAMETERS:
                low, high = body["intervals"].get(name) or (None, None)
                if finite(values.get(name)):
                    rows.append(
                        {
                            "dataset": dataset,
                            "kind": "fit",
                            "variant": variant,
                            "parameter": name,
                            "H": fit["H"],
                            "value": values[name],
                            "low": low,
                            "high": high,
                            "reportable": reason is None,
                            "reason": reason,
                        }  # fmt: skip
                    )
    return rows


def _point(axes: Any, row: Row, x: float, is_main: bool, sweep: Sweep) -> None:
    style = look(sweep.datasets.index(row["dataset"]), len(sweep.datasets))
    colour = style["color"] if row["reportable"] else PALE
    value, low, high = (row[key] for key in ("value", "low", "high"))
    if row["parameter"] in LOGARITHMIC and value <= 0:
        return
    if finite(low) and finite(high):
        low = max(low, value * 1e-9) if row["parameter"] in LOGARITHMIC else low
        axes.plot([x, x], [low, high], color=colour, linewidth=0.9 if is_main else 0.6, zorder=2, solid_capstyle="butt")
    face = colour if is_main else "white"
    size = {"markersize": 4 if is_main else 3, "zorder": 3 if is_main else 2}
    edge = INK if is_main and row["reportable"] else colour
    axes.plot(x, value, style["marker"], color=colour, markerfacecolor=face, markeredgecolor=edge, **size)


def _lines(sweep: Sweep, points: list[Row], main: str) -> list[Row]:
    """Rows of the two lines: the law in H with its band, and the two-stage regression (no band: it has no honest
    one).
    """
    regression = sweep.regression
    rows: list[Row] = []
    H = [row["H"] for row in points if row["variant"] == main and row["reportable"]]
    if not H or not regression.get("law"):
        return rows
    grid = np.linspace(min(H), max(H), 41)
    law, level = regression["law"], regression["level"]
    middle = law_in_H.parameters_at(law, grid)
    drawn = np.stack([law_in_H.draws_at(law, h, scatter=False, seed=regression["seed"]) for h in grid])  # (h, n, 5)
    edges = [(1 - level) / 2, (1 + level) / 2]
    for i, name in enumerate(PARAMETERS):
        value, spread = (exponents(a)[0] if name == "a" else a[..., i] for a in (middle, drawn))
        for h, v, (low, high) in zip(grid, value, np.quantile(spread, edges, axis=1).T):
            rows.append({"kind": "law in H", "variant": main, "parameter": name, "H": h, "value": v, "low": low,
                         "high": high})  # fmt: skip
        key = f"ln_{name}" if name in LOGARITHMIC else name
        line = ((regression.get("two_stage") or {}).get("parameters") or {}).get(key)
        if line:
            value = line["intercept"] + line["slope"] * grid
            value = exp(value) if name in LOGARITHMIC else value
            rows += [{"kind": "two-stage line", "variant": main, "parameter": name, "H": h, "value": v}
                     for h, v in zip(grid, value)]  # fmt: skip
    return rows


def _draw_lines(axes: Any, rows: list[Row]) -> None:
    law = [row for row in rows if row["kind"] == "law in H"]
    if law:
        x, y, low, high = ([row[key] for row in law] for key in ("H", "value", "low", "high"))
        axes.plot(x, y, color=INK, linewidth=1, zorder=1)
        axes.fill_between(x, low, high, color="#8a8a8a", alpha=0.2, linewidth=0, zorder=0)
    ols = [row for row in rows if row["kind"] == "two-stage line"]
    axes.plot([row["H"] for row in ols], [row["value"] for row in ols], color=INK, linewidth=0.8,
              linestyle=(0, (3, 2)), zorder=1)  # fmt: skip


def _frame(axes: Any, rows: list[Row], logarithmic: bool) -> None:
    """Let estimates set the scale: one interval that runs to the end of the world must not flatten the rest."""
    rows = [row for row in rows if row["value"] > 0 or not logarithmic]
    change, back = (log, exp) if logarithmic else (np.asarray, np.asarray)
    values = change(np.array([row["value"] for row in rows], dtype=float))
    if not len(values):
        return
    low, high = values.min(), values.max()
    room = max(high - low, log(4.0) if logarithmic else 0.1 * max(abs(low), abs(high)), 1e-3)
    ends = change(
        np.array([r[k] for r in rows for k in ("low", "high") if finite(r[k]) and (r[k] > 0 or not logarithmic)])
    )
    ends = ends[(ends > low - room) & (ends < high + room)]
    low, high = min([low, *ends]), max([high, *ends])
    pad = 0.08 * max(high - low, room / 2)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_ylim(*back(np.array([low - pad, high + pad])))
    if logarithmic:
        log_axis(axes.yaxis, power=high - low > log(1e4))


def _notes(sweep: Sweep, lines: list[Row]) -> list[str]:
    notes = [f"not reportable: {why}"] if (why := _reasons(sweep)) else []
    if not lines:
        notes.append(sweep.regression.get("conclusion") or "no regression in this folder, so no line in H")
    return notes


def _legend(sweep: Sweep, points: list[Row], lines: list[Row], main: str) -> tuple[list[Any], list[str]]:
    there = {row["dataset"]: row["reportable"] for row in points}
    handles, names = [], []
    for index, dataset in enumerate(sweep.datasets):
        if dataset in there:
            style = look(index, len(sweep.datasets))
            colour = style["color"] if there[dataset] else PALE
            handles.append(handle(marker=style["marker"], color=colour, markersize=4, markeredgecolor=INK))
            names.append(label(dataset, 18) + ("" if there[dataset] else " (not reportable)"))
    for variant in dict.fromkeys((main, *VARIANTS)):
        if any(row["variant"] == variant for row in points):
            face = INK if variant == main else "white"
            handles.append(handle(marker="o", markerfacecolor=face, markersize=4 if variant == main else 3))
            names.append(VARIANTS[variant])
    if lines:
        level = f"{100 * sweep.regression['level']:g}%"
        handles += [handle(linestyle="-"), handle(linestyle=(0, (3, 2)), linewidth=0.8)]
        names += [f"law in H, {level} band", "two-stage line (the paper's way)"]
    return handles, names
