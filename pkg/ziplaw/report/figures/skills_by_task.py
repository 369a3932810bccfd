"""Both steps of every task: its loss against compute with the law, its accuracy against its loss with the sigmoid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...base.outputs import image
from ...numerics.functions import geomspace
from .style import ACCENT, GREY, INK, PAGE, Row, figure, handle, label, legend, log_axis, look, prefixed, save, style

COLUMNS = "panel task series N D C loss accuracy low high".split()
_ACROSS = 4  # panels in a row: both steps of two tasks
_MOST_SIZES = 8


def skills_figure(skills: Any, document: dict[str, Any], test: Mapping[str, Any] | None, output: str | Path) -> None:
    """Draw two panels a task and write the drawn numbers beside the image.

    Parameters
    ----------
    skills : laws.outcomes.skills.Skills
    document : dict
        Its plain numbers (``laws.outcomes.skills_document``), with predictions.
    test : mapping, optional
        "N", "D", "losses" and "accuracy" of runs that were not fitted.
    output : path-like
        The image, by its ending .svg, .png or .pdf; the CSV goes beside it.
    """
    output = image(output)
    T = len(skills.tasks)
    with style():
        made, axes = figure(PAGE, 1.75 * -(-T // 2) + 0.5, -(-T // 2), _ACROSS)
        rows: list[Row] = []
        for t in range(T):
            rows += _loss(axes[2 * t], skills, document, test, t)
            rows += _accuracy(axes[2 * t + 1], skills, document, test, t)
        for spare in axes[2 * T :]:
            spare.remove()
        entries = [
            (handle(marker="o", ms=2.6), "fitted runs"),
            (handle(linestyle="-", color=INK), "law, a line a size"),
        ]
        if np.isfinite(skills.chance).any():
            entries.append((handle(linestyle=(0, (3, 2)), color=GREY), "chance"))
        if test is not None:
            entries.append((handle(marker="D", ms=3, color=ACCENT, markerfacecolor="none"), "held-out runs"))
        if document["predictions"] or document["test"]:
            entries.append((handle(marker="_", ms=5, color=ACCENT), "predicted, with its interval"))
        legend(made, [shown for shown, _ in entries], [words for _, words in entries])
        save(made, output, rows, COLUMNS)


def _predicted(document):
    return [*document["predictions"], *(document["test"]["runs"] if document["test"] else [])]


def _loss(axes: Any, skills: Any, document: dict[str, Any], test: Mapping[str, Any] | None, t: int) -> list[Row]:
    """Step one: loss against C, a line a size."""
    law, task = skills.losses, skills.tasks[t]
    axes.set(xscale="log", title=label(task), xlabel="C = 6ND, FLOPs", ylabel="loss")
    sizes = np.unique(law.N)
    rows = []
    for i, size in enumerate(sizes):
        own = law.N == size
        how = look(i, len(sizes))
        if len(sizes) <= _MOST_SIZES:
            D = geomspace(law.D[own].min() / 1.5, law.D[own].max() * 1.5, 40)
            axes.plot(6 * size * D, law.predict(np.full(40, size), D)[:, t], color=how["color"], linewidth=0.8)
        axes.plot(6 * size * law.D[own], law.losses[own, t], linestyle="none", color=how["color"], marker="o", ms=2.4)
        own_runs = zip(law.D[own], law.losses[own, t])
        rows += [_row("step one", task, f"N = {prefixed(size)}", size, *pair) for pair in own_runs]
    for found in _predicted(document):
        own = found["tasks"][task]
        lo, hi = own["loss_interval"]
        axes.errorbar(found["C"], own["loss"], [[max(own["loss"] - lo, 0)], [max(hi - own["loss"], 0)]], color=ACCENT,
                      marker="_", ms=4, linewidth=0.9, capsize=1.5)  # fmt: skip
        rows.append(_row("step one", task, "predicted", found["N"], found["D"], own["loss"], None, lo, hi))
    if test is not None:
        axes.plot(6 * test["N"] * test["D"], test["losses"][:, t], linestyle="none", marker="D", ms=3, color=ACCENT,
                  markerfacecolor="none")  # fmt: skip
        measured = zip(test["N"], test["D"], test["losses"][:, t])
        rows += [_row("step one", task, "held out", *values) for values in measured]
    log_axis(axes.xaxis, power=True)
    return rows


def _accuracy(axes: Any, skills: Any, document: dict[str, Any], test: Mapping[str, Any] | None, t: int) -> list[Row]:
    """Step two: accuracy against loss."""
    task, second = skills.tasks[t], skills.sigmoids[t]
    title = "accuracy" if skills.emerged[t] else "accuracy: not emerged"
    axes.set(title=title, xlabel="loss", ylabel="accuracy")
    seen = [second.loss.min(), second.loss.max()]
    seen += [found["tasks"][task]["loss"] for found in _predicted(document)]
    x = np.linspace(min(seen) * 0.97, max(seen) * 1.03, 80)
    axes.plot(x, second.predict(x), color=INK, linewidth=0.8, linestyle="-" if skills.emerged[t] else ":")
    axes.plot(second.loss, second.accuracy, linestyle="none", marker="o", ms=2.4, color=INK)
    fitted = zip(skills.losses.N, skills.losses.D, second.loss, second.accuracy)
    rows = [_row("step two", task, "fitted", *values) for values in fitted]
    if np.isfinite(skills.chance[t]):
        axes.axhline(skills.chance[t], color=GREY, linewidth=0.6, linestyle=(0, (3, 2)))
    for found in _predicted(document) if skills.emerged[t] else ():
        own = found["tasks"][task]
        lo, hi = own["accuracy_interval"]
        ends = [[max(own["accuracy"] - lo, 0)], [max(hi - own["accuracy"], 0)]]
        axes.errorbar(own["loss"], own["accuracy"], ends, color=ACCENT, marker="_", ms=4, linewidth=0.9, capsize=1.5)
        rows.append(_row("step two", task, "predicted", found["N"], found["D"], own["loss"], own["accuracy"], lo, hi))
    if test is not None:
        axes.plot(test["losses"][:, t], test["accuracy"][:, t], linestyle="none", marker="D", ms=3, color=ACCENT,
                  markerfacecolor="none")  # fmt: skip
        measured = zip(test["N"], test["D"], test["losses"][:, t], test["accuracy"][:, t])
        rows += [_row("step two", task, "held out", *values) for values in measured]
    return rows


def _row(panel, task, series, N, D, loss, accuracy=None, low=None, high=None):
    """One drawn point as a row of the table beside the image."""
    return {"panel": panel, "task": task, "series": series, "N": N, "D": D, "C": 6 * N * D, "loss": loss,
            "accuracy": accuracy, "low": low, "high": high}  # fmt: skip
