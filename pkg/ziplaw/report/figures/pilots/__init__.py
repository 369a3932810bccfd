"""Figures of a pilot's page, each drawn from the CSV of its name beside plan.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

# name of the figure and of its CSV -> the module here that draws it
PILOT_FIGURES = {"isoflop": "isoflop_curves", "best_n": "best_n_lines", "held_out": "held_out_losses"}


def draw_pilot(name: str, plan: Mapping[str, Any], rows: Sequence[Row], output: str | Path) -> None:
    """Draw a figure of a pilot as an image; equal numbers give equal bytes (SVG).

    Parameters
    ----------
    name : str
        A key of ``PILOT_FIGURES``.
    plan : dict
        plan.json.
    rows : sequence of dict
        The CSV of that name.
    output : path-like
        The image, by its ending .svg, .png or .pdf.
    """
    from ..style import style, write_image

    drawn: Callable[..., Any] = import_module(f".{PILOT_FIGURES[name]}", __package__).drawn
    with style():
        write_image(drawn(plan, rows), output)
