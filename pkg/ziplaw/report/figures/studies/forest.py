"""Estimates with their intervals, a line for each thing and half: what most figures of a study are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..style import ACCENT, INK, Row, handle, legend, log_axis

HALVES = {"exploratory": (INK, "o", "white"), "confirmatory": (ACCENT, "D", ACCENT)}
APART = 0.3  # of the distance of two lines


def forest(
    axes: Any,
    rows: Sequence[Row],
    label: Callable[[Row], str],
    columns: tuple[str, str, str],
    *,
    half: str = "half",
    log: bool = False,
    nothing: float | None = None,
) -> None:
    """Draw rows as estimates with intervals, those of one label on one line, halves apart.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : sequence of dict
    label : callable
        What stands before the line of a row; lines stand in the order of their first rows.
    columns : tuple of str
        Of the estimate and the ends of its interval; an end may be None.
    half : str
        The column that tells the half.
    log : bool
        A logarithmic axis.
    nothing : float, optional
        The value of no effect, drawn as a line.
    """
    labels = list(dict.fromkeys(label(row) for row in rows))
    there = [name for name in HALVES if any(row[half] == name for row in rows)]
    for row in rows:
        value, low, high = (row[column] for column in columns)
        if value is None or row[half] not in there:
            continue
        color, marker, face = HALVES[row[half]]
        place = -labels.index(label(row)) - APART * (there.index(row[half]) - (len(there) - 1) / 2)
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=color, linewidth=0.9)
        axes.plot([value], [place], marker=marker, color=color, markerfacecolor=face, linestyle="none")
    if nothing is not None:
        axes.axvline(nothing, color=INK, linewidth=0.5, zorder=0)
    axes.set_yticks([-place for place in range(len(labels))], labels)
    axes.set_ylim(-len(labels) + 0.5, 0.5)
    axes.grid(axis="y", visible=False)
    if log:
        axes.set_xscale("log")
        log_axis(axes.xaxis)


def legend_of_halves(made: Any, rows: Sequence[Row], half: str = "half") -> None:
    """Put the halves that are there above a figure."""
    there = [name for name in HALVES if any(row[half] == name for row in rows)]
    marks = [handle(color=HALVES[name][0], marker=HALVES[name][1], markerfacecolor=HALVES[name][2]) for name in there]
    legend(made, marks, [f"{name} half" for name in there])
