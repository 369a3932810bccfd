"""Training curves: what each model lost on the way, and where the floor lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...numerics.functions import geomspace
from ...sweep.folder import Sweep, finite
from .style import GREY, INK, Row, handle, label, legend, log_axis, look, panels, prefixed, save, say

COLUMNS = ["dataset", "model", "N", "seed", "kind", "budget", "tokens", "loss", "loss_stderr"]
RAMP = "cividis"  # sizes of models; datasets have the other ramp


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw loss against tokens, a panel a dataset: trunks, cooldowns, held-out points, floor and unigram entropy."""
    made, grid = panels(len(sweep.datasets), height=1.75, sharex=True, sharey=True)
    sizes = {row["model"]: row["N"] for row in sorted(sweep.runs, key=lambda r: (r["N"], r["model"]))}
    models = list(sizes)
    rows, ends = [], []
    for axes, dataset in zip(grid, sweep.datasets):
        H = sweep.H(dataset)
        axes.set_title(label(dataset) + (f"   H = {H:.3f}" if H is not None else ""))
        rows += _panel(axes, sweep, dataset, models)
        ends += [row["loss"] for row in rows if row["dataset"] == dataset and row["kind"] != "diverged"]
    for axes, dataset in zip(grid, sweep.datasets):
        if not any(row["kind"] in ("train", "held-out") for row in rows if row["dataset"] == dataset):
            say(axes, "every run diverged before its first budget: no loss to show")
    ends = [value for value in ends if finite(value)]
    if ends:
        span = (max(ends) - min(ends)) or 1.0
        grid[0].set_ylim(min(ends) - 0.14 * span, max(ends) + 0.12 * span)
        grid[0].set_xscale("log")
        for axes, dataset in zip(grid, sweep.datasets):
            log_axis(axes.xaxis, si=True)
            _mark_diverged(axes, [row for row in rows if row["dataset"] == dataset and row["kind"] == "diverged"])
        made.supxlabel("training tokens D", size=7.5)
        made.supylabel("loss (nats per token)", size=7.5)
    handles = [
        handle(**(look(i, len(models), RAMP) | {"linestyle": "-"}), markeredgecolor=INK) for i in range(len(models))
    ]
    names = [f"{label(model)}: N = {prefixed(N)}" for model, N in sizes.items()]
    for kind, mark, words in (
        ("floor", handle(linestyle=(0, (4, 2)), linewidth=0.9), "floor (no model can do better)"),
        ("unigram entropy", handle(linestyle=(0, (1, 1.5)), color=GREY), "unigram entropy"),
        ("diverged", handle(marker="x", color="#b91c1c", markeredgewidth=1), "diverged"),
    ):
        if any(row["kind"] == kind for row in rows):
            handles.append(mark)
            names.append(words)
    legend(made, handles, names)
    save(made, output, rows, COLUMNS)


def _panel(axes: Any, sweep: Sweep, dataset: str, models: list[str]) -> list[Row]:
    """Draw one dataset; return the rows of what was drawn."""
    cells, rows = sweep.of(dataset), []
    head = cells[0]
    for level, kind, style in (
        (head.get("floor"), "floor", {"color": INK, "linestyle": (0, (4, 2)), "linewidth": 0.9}),
        (head.get("unigram_entropy"), "unigram entropy", {"color": GREY, "linestyle": (0, (1, 1.5)), "linewidth": 0.9}),
    ):
        if finite(level):
            axes.axhline(level, **style, zorder=1)
            error = head.get("floor_stderr") if kind == "floor" else None
            rows.append({"dataset": dataset, "kind": kind, "loss": level, "loss_stderr": error})
            # nothing lies under the floor; curves fall from left to right, so the unigram entropy has room on the right
            x, side, lift, text = (0.02, "left", -2, "floor") if kind == "floor" else (0.98, "right", 1.5, "unigram")
            where = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "ha": side}
            where |= {"va": "top" if kind == "floor" else "bottom", "color": style["color"]}
            axes.annotate(f"{text} {level:.2f}", (x, level), (0, lift), size=6, **where)
    for run in {(c["model"], c["seed"]): c for c in cells}.values():
        style = look(models.index(run["model"]), len(models), RAMP)
        steps = [s for s in sweep.curve(run) if finite(s["train_loss"]) and finite(s["tokens"]) and s["tokens"] > 0]
        for budget in dict.fromkeys(s["budget"] for s in steps):
            part = [s for s in steps if s["budget"] == budget]
            tokens, loss = smooth([s["tokens"] for s in part], [s["train_loss"] for s in part])
            kind = "train" if budget is None else "cooldown"
            width, dash = (0.7, "-") if budget is None else (0.4, (0, (2, 1)))
            axes.plot(tokens, loss, color=style["color"], linewidth=width, linestyle=dash, alpha=0.8, zorder=2)
            rows += [_row(run, kind, t, value, budget=budget) for t, value in zip(tokens, loss)]
        own = [c for c in cells if (c["model"], c["seed"]) == (run["model"], run["seed"])]
        points = [c for c in own if finite(c["loss"])]
        rows += [_row(c, "held-out", c["D"], c["loss"], c.get("loss_stderr"), c.get("budget")) for c in points]
        rows += [_row(c, "diverged", c["D"], None, budget=c.get("budget")) for c in own if not finite(c["loss"])]
        if points:
            error = [c["loss_stderr"] if finite(c.get("loss_stderr")) else 0.0 for c in points]
            mark = style | {"linestyle": "none", "markeredgecolor": INK, "markeredgewidth": 0.4, "zorder": 3}
            axes.errorbar([c["D"] for c in points], [c["loss"] for c in points], error, elinewidth=0.6, **mark)
    return rows


def _mark_diverged(axes: Any, rows: list[Row]) -> None:
    lost = sorted({row["tokens"] for row in rows})
    if lost:
        where = axes.get_xaxis_transform()
        axes.plot(lost, [0.04] * len(lost), "x", color="#b91c1c", markeredgewidth=1, transform=where, clip_on=False)


def _row(
    run: Row, kind: str, tokens: float, loss: float | None, stderr: float | None = None, budget: float | None = None
) -> Row:
    names = {key: run[key] for key in ("dataset", "model", "N", "seed")}
    return names | {"kind": kind, "budget": budget, "tokens": tokens, "loss": loss, "loss_stderr": stderr}


def smooth(tokens: Sequence[float], loss: Sequence[float], bins: int = 48) -> tuple[list[float], list[float]]:
    """Return mean tokens and mean loss in bins of equal width in log tokens: single batches are too noisy to read."""
    tokens, loss = np.asarray(tokens, float), np.asarray(loss, float)
    if len(tokens) <= bins:
        return tokens.tolist(), loss.tolist()
    part = np.digitize(tokens, geomspace(tokens.min(), tokens.max() * 1.0001, bins + 1))
    means = [(tokens[part == k].mean(), loss[part == k].mean()) for k in np.unique(part)]
    return [float(t) for t, _ in means], [float(value) for _, value in means]
