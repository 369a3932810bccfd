"""Figures of a sweep: SVG for a paper, each beside the CSV of the numbers in it. The only importer of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import FitError
from ..results import Sweep
from .architectures import architectures
from .contours import loss_contours
from .dependence import parameters_vs_h
from .frontiers import frontiers
from .predictions import predicted_vs_measured
from .scores import gzip_distributions, presets
from .style import style
from .training import training_curves

FIGURES = {
    "gzip_distributions": gzip_distributions,
    "presets": presets,
    "training_curves": training_curves,
    "loss_contours": loss_contours,
    "frontiers": frontiers,
    "parameters_vs_h": parameters_vs_h,
    "predicted_vs_measured": predicted_vs_measured,
    "architectures": architectures,
}
FORMATS = (".svg", ".png", ".pdf")


def draw(
    kind: str,
    sweep_dir: str | Path,
    output: str | Path,
    dataset: str | None = None,
    files: Sequence[str | Path] = (),
) -> None:
    """Draw one figure of a sweep and write it with its CSV.

    Parameters
    ----------
    kind : str
        A key of ``FIGURES``.
    sweep_dir : path-like
        ``results/<sweep>`` of a finished sweep.
    output : path-like
        The image, by its ending .svg, .png or .pdf; the CSV goes beside it under the same name. Equal numbers give
        equal bytes (SVG).
    dataset : str, optional
        Show this dataset alone.
    files : sequence of path-like
        Files of the folder that belong to the sweep; none: all of them.

    Raises
    ------
    FitError
        When the figure or the ending is not known, the folder is no finished sweep or the dataset is not in it.
    """
    if kind not in FIGURES:
        raise FitError(f"there is no figure {kind!r}: choose from {', '.join(FIGURES)}")
    output = Path(output)
    if output.suffix not in FORMATS:
        raise FitError(f"{output} ends in {output.suffix or 'nothing'!r}: name it {', '.join(FORMATS)}")
    sweep = Sweep(Path(sweep_dir), dataset, tuple(files))
    with style():
        # every figure needs the table of runs: without it the folder is no sweep
        _ = sweep.runs
        FIGURES[kind](sweep, output)
