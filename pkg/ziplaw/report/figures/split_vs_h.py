"""The best N at one compute and the exponent a against H: under every link, and by isoFLOP without a law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, log
from ...sweep.folder import WAYS, Sweep, finite
from ...sweep.links_table import moved, reference_of
from .style import (
    ACCENT,
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
    look,
    reasons,
    save,
    say,
    wrap,
)

COLUMNS = "kind dataset way chosen quantity H C value low high identified reason".split()
QUANTITIES = ("N_opt", "a")


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw N_opt at the reference compute, and a, against H: a column a link, then isoFLOP; with lines if any."""
    C = reference_of(sweep.fits.values())
    points = [row for name in sweep.datasets for row in _points(sweep, name, C)]
    if not points:
        made, (axes,) = figure(PAGE * 0.6, 2.0)
        say(axes, _nothing(sweep), 72)
        save(made, output, points, COLUMNS)
        return
    ways = [way for way in WAYS if any(row["way"] == way for row in points)]
    lines = [row for way in ways for row in _lines(sweep, way, C)]
    made, grid = figure(PAGE, 3.4, 2, len(ways), sharex=True, sharey="row")
    for position, axes in enumerate(grid):
        quantity, way = QUANTITIES[position // len(ways)], ways[position % len(ways)]
        _panel(sweep, axes, [row for row in [*points, *lines] if (row["quantity"], row["way"]) == (quantity, way)])
        if quantity == "N_opt":
            chosen = way == sweep.chosen_link
            axes.set_title(f"{WAYS[way]}{', chosen' if chosen else ''}\n{_found(sweep, way, 'ln_N')}",
                           color=ACCENT if chosen else INK, size=6)  # fmt: skip
            axes.set_yscale("log")
        else:
            axes.set_title(_found(sweep, way, "a"), size=6)
    _frame(grid, points, len(ways))
    grid[0].set_ylabel(f"best N at C = {C:.2g}")
    grid[len(ways)].set_ylabel("a of N_opt ∝ C$^a$")
    spread = [row["H"] for row in points]
    if max(spread) == min(spread):
        grid[0].set_xlim(spread[0] - 0.02, spread[0] + 0.02)
    lost = reasons({f"{r['dataset']} by {WAYS[r['way']].split(' ')[0]}": r["reason"] for r in points if r["reason"]})
    words = "H (lower is more compressible)" + (f". Grey, not identified: {lost}" if lost else "")
    made.supxlabel(wrap(words, 150), size=6 if lost else 7.5, color=GREY if lost else INK)
    _legend(sweep, made, points, lines)
    save(made, output, [*points, *lines], COLUMNS)


def _nothing(sweep: Sweep) -> str:
    if not sweep.fits:
        return "no split: this folder holds no fits"
    if not any(finite(fit.get("H")) for fit in sweep.fits.values()):
        return "no split against H: H of the datasets is not known"
    why = {name: sweep.why_not(name) or "no link gives a split" for name in sweep.datasets}
    return f"no split against H. {reasons(why)}"


def _points(sweep: Sweep, name: str, C: float | None) -> list[Row]:
    H, rows = sweep.H(name), []
    if not finite(H) or C is None:
        return []
    for way, split in sweep.splits(name).items():
        at, (a_low, a_high) = moved(split, C), split["intervals"]["a"]
        if at["ln_N"] < 0:
            # less than one parameter: a term of the law vanished
            continue
        N = [None if at[key] is None else float(exp(np.clip(at[key], -300, 300))) for key in ("ln_N", "low", "high")]
        for quantity, (value, low, high) in zip(QUANTITIES, (N, (split["a"], a_low, a_high))):
            rows.append(
                {
                    "kind": "dataset",
                    "dataset": name,
                    "way": way,
                    "chosen": way == sweep.chosen_link,
                    "quantity": quantity,
                    "H": H,
                    "C": C,
                    "value": value,
                    "low": low,
                    "high": high,
                    "identified": bool(split["identified"]),
                    "reason": None if split["identified"] else split.get("reason") or "not identified",
                }
            )
    return rows


def _lines(sweep: Sweep, way: str, C: float | None) -> list[Row]:
    """The line of ln N_opt, and of a, in H with its pointwise band."""
    found = (sweep.split.get("by") or {}).get(way)
    if not found or not found.get("coefficients"):
        return []
    H = [h for name in found.get("datasets", sweep.datasets) if finite(h := sweep.H(name))]
    grid = np.linspace(min(H), max(H), 41) if H else np.empty(0)
    t = student_quantile(found["df"], (1 + sweep.regression["level"]) / 2)
    far, rows = grid - found["centre"]["H"], []
    for i, quantity in enumerate(QUANTITIES):
        value, slope = found["coefficients"][i]
        V = np.array(found["covariance"], dtype=float)[2 * i : 2 * i + 2, 2 * i : 2 * i + 2]
        middle = value + slope * far
        half = t * np.sqrt(V[0, 0] + 2 * far * V[0, 1] + np.square(far) * V[1, 1])
        ends = (middle, middle - half, middle + half)
        if quantity == "N_opt":
            # the line is drawn at the compute of the points
            ends = tuple(exp(np.clip(end, -300, 300)) for end in ends)
        rows += [
            {"kind": "line", "way": way, "quantity": quantity, "H": h, "C": C, "value": v, "low": low, "high": high}
            for h, v, low, high in zip(grid, *ends)
        ]
    return rows


def _panel(sweep: Sweep, axes: Any, rows: list[Row]) -> None:
    line = [row for row in rows if row["kind"] == "line"]
    x, y, low, high = ([row[key] for row in line] for key in ("H", "value", "low", "high"))
    axes.plot(x, y, color=INK, linewidth=1, zorder=1)
    axes.fill_between(x, low, high, color="#8a8a8a", alpha=0.2, linewidth=0, zorder=0)
    for row in rows:
        if row["kind"] == "line":
            continue
        style = look(sweep.datasets.index(row["dataset"]), len(sweep.datasets))
        colour = style["color"] if row["identified"] else PALE
        if finite(row["low"]) and finite(row["high"]):
            axes.plot([row["H"]] * 2, [row["low"], row["high"]], color=colour, linewidth=0.9, zorder=2)
        edge = INK if row["identified"] else colour
        axes.plot(row["H"], row["value"], style["marker"], color=colour, markeredgecolor=edge, markersize=3.4, zorder=3)


def _frame(grid: list[Any], points: list[Row], columns: int) -> None:
    """Let estimates set the scale; an interval without end is cut."""
    for quantity, axes in zip(QUANTITIES, grid[::columns]):
        rows = [row for row in points if row["quantity"] == quantity and row["value"] > 0]
        change, back = (log, exp) if quantity == "N_opt" else (np.asarray, np.asarray)
        values = change(np.array([row["value"] for row in rows], dtype=float))
        room = max(np.ptp(values), log(2.0) if quantity == "N_opt" else 0.1)
        ends = [float(change(row[key])) for row in rows for key in ("low", "high") if finite(row[key]) and row[key] > 0]
        low = max(min([*values, *ends]), values.min() - room)
        high = min(max([*values, *ends]), values.max() + room)
        axes.set_ylim(*back(np.array([low - 0.06 * (high - low), high + 0.06 * (high - low)])))
        if quantity == "N_opt":
            log_axis(axes.yaxis, si=True)


def _found(sweep: Sweep, way: str, quantity: str) -> str:
    """What the line says, for the title of a panel: the effect of .1 of H, and the p over relabellings."""
    line = (((sweep.split.get("by") or {}).get(way) or {}).get("lines") or {}).get(quantity)
    if not line or not finite(line.get("per_tenth")):
        return "no line: too few datasets" if quantity == "ln_N" else ""
    effect = f"× {line['per_tenth']:.2f}" if quantity == "ln_N" else f"{line['per_tenth']:+.3f}".replace("-", "−")
    p = line.get("p_permutation")
    words = "" if not finite(p) else ", p < .001" if p < 0.001 else f", p = {p:.2g}" if p >= 0.01 else f", p = {p:.1g}"
    return f"{effect} per .1 of H{words}"


def _legend(sweep: Sweep, made: Any, points: list[Row], lines: list[Row]) -> None:
    there = {row["dataset"] for row in points}
    handles, names = [], []
    for index, dataset in enumerate(sweep.datasets):
        if dataset in there:
            style = look(index, len(sweep.datasets))
            handles.append(handle(marker=style["marker"], color=style["color"], markersize=4, markeredgecolor=INK))
            names.append(label(dataset, 18))
    if lines:
        handles.append(handle(linestyle="-"))
        names.append(f"line in H, {100 * sweep.regression['level']:g}% band")
    legend(made, handles, names, 5)
