"""Figures of a sweep: SVG for a paper, each beside the CSV of the numbers in it. The only importer of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...base import outputs
from ...errors import FitError
from ...sweep.folder import Sweep
from . import architectures, contours, dependence, frontiers, predictions, scores, training
from .style import style

FIGURES = {
    "gzip_distributions": scores.gzip_distributions,
    "presets": scores.presets,
    "training_curves": training.training_curves,
    "loss_contours": contours.loss_contours,
    "frontiers": frontiers.frontiers,
    "parameters_vs_h": dependence.parameters_vs_h,
    "predicted_vs_measured": predictions.predicted_vs_measured,
    "architectures": architectures.architectures,
}
# columns of the CSV beside each
COLUMNS = {
    "gzip_distributions": scores.COLUMNS,
    "presets": scores.PRESET_COLUMNS,
    "training_curves": training.COLUMNS,
    "loss_contours": contours.COLUMNS,
    "frontiers": frontiers.COLUMNS,
    "parameters_vs_h": dependence.COLUMNS,
    "predicted_vs_measured": predictions.COLUMNS,
    "architectures": architectures.COLUMNS,
}


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
    OutputError
        When the image or its CSV would replace a file of the sweep.
    """
    if kind not in FIGURES:
        raise FitError(f"there is no figure {kind!r}: choose from {', '.join(FIGURES)}")
    output = outputs.image(output)
    outputs.check(outputs.image_outputs(output, lambda: [COLUMNS[kind]], str(output)), homes=[sweep_dir], force=True)
    sweep = Sweep(Path(sweep_dir), dataset, tuple(files))
    with style():
        # every figure needs the table of runs: without it the folder is no sweep
        _ = sweep.runs
        FIGURES[kind](sweep, output)
