"""How compressible the datasets are: distributions of H over the windows of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...numerics.functions import exp, raised
from ...sweep.folder import TWIN, Sweep, finite
from .style import COLUMN, GREY, INK, PALE, Row, figure, label, look, save, say

COLUMNS = ["name", "kind", "H", "windows", "density", "median", "std"]


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw how H is distributed over the windows of each dataset and reference: a ridge each, median and quartiles."""
    names = list(sweep.scores)
    made, (axes,) = figure(COLUMN * 1.25, 0.27 * max(len(names), 4) + 0.62)
    rows: list[Row] = []
    places: list[float] = []
    place = 0.0
    for index, name in enumerate(names):
        score = sweep.scores[name]
        kind = _kind(sweep, name)
        if kind == "reference" and places and _kind(sweep, names[index - 1]) == "dataset":
            place += 0.45
            axes.axhline(place - 0.95, color=PALE, linewidth=0.5)
        values = np.asarray(score["sizes"], dtype=float) / score["raw_bytes"]
        values = values[np.isfinite(values)]
        rows += _ridge(axes, name, kind, values, score, place, _fill(kind, index, len(sweep.datasets)))
        places.append(place)
        place += 1
    if not names:
        say(axes, "no scores in this folder")
        save(made, output, rows, COLUMNS)
        return
    axes.set_yticks(places, [label(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(places[-1] + 0.25, -1.05)
    axes.grid(axis="y", visible=False)
    for name, y in zip(names, places):
        score = sweep.scores[name]
        text = f"{score['H']:.3f} ± {score['std']:.3f}" if finite(score["H"]) and finite(score["std"]) else "?"
        axes.text(1.02, y, text, transform=axes.get_yaxis_transform(), size=6.5, va="center", color=INK)
    axes.text(1.02, -0.78, "H ± s.d.", transform=axes.get_yaxis_transform(), size=6.5, va="center", color=GREY)
    axes.set_xlabel(f"compressed / raw bytes of {_windows(sweep)} windows\n(lower is more compressible)")
    save(made, output, rows, COLUMNS)


def _kind(sweep: Sweep, name: str) -> str:
    return "dataset" if name in sweep.datasets else "raw bytes" if name.endswith(TWIN) else "reference"


def _fill(kind: str, index: int, count: int) -> dict[str, Any]:
    if kind == "dataset":
        return {"facecolor": look(index, count)["color"], "alpha": 0.75}
    return {"facecolor": "#e3e3e3"} if kind == "reference" else {"facecolor": "white", "hatch": "//////"}


def _windows(sweep: Sweep) -> str:
    found = sorted({score["window"] for score in sweep.scores.values()})
    return f"{found[0]}-token" if len(found) == 1 else f"{found[0]}- to {found[-1]}-token"


def _ridge(
    axes: Any, name: str, kind: str, values: np.ndarray, score: Row, place: float, fill: dict[str, Any]
) -> list[Row]:
    """Draw one density on its own baseline; return its rows: each distinct H, its windows and the density there."""
    distinct, counts = np.unique(values, return_counts=True)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else [np.nan] * 3
    # Silverman's rule, never narrower than the step of H (one byte)
    spread = min(values.std(), (high - low) / 1.34 or np.inf) if len(values) else 0.0
    width = max(0.9 * spread * raised(len(values), -0.2) if len(values) else 0.0, 1.5 / score["raw_bytes"])
    x = np.linspace(distinct[0] - 3 * width, distinct[-1] + 3 * width, 240)
    density, at = (_density(values, where, width) for where in (x, distinct))
    axes.fill_between(x, place, place - 0.85 * density / density.max(), edgecolor=INK, linewidth=0.5, **fill)
    axes.plot([low, high], [place] * 2, color=INK, linewidth=2.2, solid_capstyle="butt", zorder=3)
    axes.plot(middle, place, "o", color="white", markeredgecolor=INK, markersize=3.4, zorder=4)
    keys = {"name": name, "kind": kind}
    rows = [keys | {"H": h, "windows": c, "density": d} for h, c, d in zip(distinct, counts, at)]
    rows[0] |= {"median": score["H"], "std": score["std"]}
    return rows


def _density(values: np.ndarray, x: np.ndarray, width: float) -> np.ndarray:
    return exp(-0.5 * np.square((x[:, None] - values) / width)).mean(axis=1) / (width * np.sqrt(2 * np.pi))
