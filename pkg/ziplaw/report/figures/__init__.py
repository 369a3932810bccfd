"""Figures of a sweep, each an SVG beside the CSV of the numbers in it: one file a figure, listed here once.

The only importer of matplotlib, which is loaded when a figure is drawn: the list itself is cheap, and the workflow, the
command line and the report all read it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ...base import outputs
from ...errors import FitError


@dataclass(frozen=True)
class Figure:
    """A figure of a sweep.

    Attributes
    ----------
    name : str
        What the command line, the report and the files call it.
    module : str
        The file here that has its ``COLUMNS`` and its ``draw(sweep, output)``.
    needs : str
        What a sweep must have for it: "scores", "presets", "runs", "laws", or "architectures" (several of them).
    about : str
        What it shows, in a few words.
    caption : str
        What it shows, whatever the sweep; that of the report is made of sentences that are true of one
        (``report/captions.py``, at the place of the figure's name).
    """

    name: str
    module: str
    needs: str
    about: str
    caption: str

    @property
    def columns(self) -> list[str]:
        """Columns of the CSV beside it."""
        return list(self._module.COLUMNS)

    def draw(self, sweep: Any, output: str | Path) -> None:
        """Draw it for a `sweep.folder.Sweep`, inside of ``style.style()``."""
        self._module.draw(sweep, output)

    @property
    def _module(self) -> Any:
        return import_module(f".{self.module}", __package__)


# in the order of a report
FIGURES = {
    figure.name: figure
    for figure in (
        Figure(
            "gzip_distributions",
            "gzip_distributions",
            "scores",
            "how H is distributed over the windows of each dataset",
            "How compressible each dataset is: the distribution of compressed / raw bytes over its windows. The dot is "
            "the median, which is the dataset's H; the bar spans the middle half. Below the line, where the sweep has "
            "any: real code and prose, tokenised (grey) and as raw bytes (hatched).",
        ),
        Figure(
            "presets",
            "presets_against_paper",
            "presets",
            "H of the paper's preset grammars against the paper's figures",
            "H of the paper's preset grammars, drawn anew, against the H that the paper gives. Bars, where several "
            "seeds were drawn: one standard deviation over them.",
        ),
        Figure(
            "training_curves",
            "training_curves",
            "runs",
            "training and held-out loss against tokens, with the floor",
            "Loss against training tokens: solid lines are the training loss of the trunk, dotted ones of each "
            "budget's cooldown, markers the held-out loss at the end of each budget with its standard error. The "
            "floor, where it is known, is the exact Bayes-optimal loss of the grammar: no model can get below it.",
        ),
        Figure(
            "links",
            "index_and_link",
            "laws",
            "losses against the index A/N^alpha + B/D^beta under each link, and each link's errors",
            "How far each loss is on its way from the unigram entropy U, which token frequencies alone give, down to "
            "E, against the index of the law under each link. Below, the error of ln(loss - E). White markers are the "
            "cells with the most compute, which are held out for the second error.",
        ),
        Figure(
            "split_vs_h",
            "split_vs_h",
            "laws",
            "the best N at one compute, and the exponent a, against H under each link and by isoFLOP",
            "The best N at the reference compute, and the exponent a of N_opt ~ C^a, against H: under each link and by "
            "isoFLOP parabolas, which assume no law. Where enough datasets have a split, lines with their bands.",
        ),
        Figure(
            "near_best",
            "near_best_range",
            "laws",
            "the best N against compute, and the range of N within .1 % of the best loss",
            "The best N against compute under the chosen link, with the range of N whose loss at that compute is "
            "within .1 % of the best one shaded. Thin lines are the other links, dots the runs.",
        ),
        Figure(
            "loss_contours",
            "loss_contours",
            "laws",
            "the fitted law over N and D with measured cells and the frontier",
            "The fitted law, where there is one, over N and D. Filled markers are cells in the scaling regime, white "
            "ones are saturated or have not started to learn, grey ones have no known regime; a cross is a run that "
            "diverged. The orange line is the compute-optimal frontier of a dataset that carries a law, with its band, "
            "dashed outside the compute that was measured.",
        ),
        Figure(
            "frontiers",
            "frontier_lines",
            "laws",
            "compute-optimal N and D of all laws, beside Chinchilla's",
            "Compute-optimal N and D, and tokens per parameter, against compute: of each dataset that carries a law, "
            "of the law in H where there is one, and by Chinchilla's published law. Bands are drawn where compute was "
            "measured; beyond it every line extrapolates.",
        ),
        Figure(
            "parameters_vs_h",
            "parameters_vs_h",
            "laws",
            "each law parameter against H, with intervals, lines and bands",
            "Each parameter of the laws against H, with its interval: filled markers are the way to treat E that the "
            "regression uses, hollow ones the other, grey ones are not reportable. Where enough datasets carry a law, "
            "the solid line with its band is the law in H, which takes the error of the fits into account; the dashed "
            "line is the paper's two-stage regression, which does not.",
        ),
        Figure(
            "predicted_vs_measured",
            "predicted_vs_measured",
            "laws",
            "each law's predictions against the measured losses",
            "What each law predicts against what was measured, and the error below. Hollow markers were not fitted; "
            "rings mark the largest N or D, where a law that is to be extrapolated must hold first.",
        ),
        Figure(
            "architectures",
            "loss_by_architecture",
            "architectures",
            "loss against N by architecture, and against depth at fixed N",
            "Left: held-out loss at the largest budget against N, by architecture, means over seeds with Student's 95 "
            "% intervals. Right: decoders of nearly equal N and different depth, their loss against the reference's, "
            "seed by seed; the dash is what the difference in N alone would do.",
        ),
    )
}


def drawn_from(there: Collection[str]) -> tuple[str, ...]:
    """Return the names of the figures of a sweep that has these things (see ``Figure.needs``), in their order."""
    return tuple(name for name, figure in FIGURES.items() if figure.needs in there)


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
    figure, output = FIGURES[kind], outputs.image(output)
    outputs.check(outputs.image_outputs(output, lambda: [figure.columns], str(output)), homes=[sweep_dir], force=True)
    from ...sweep.folder import Sweep
    from .style import style

    sweep = Sweep(Path(sweep_dir), dataset, tuple(map(Path, files)))
    with style():
        # every figure needs the table of runs: without it the folder is no sweep
        _ = sweep.runs
        figure.draw(sweep, output)
