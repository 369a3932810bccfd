"""Parts of a study that answers are given for, the readings of its datasets, and their covariates as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ...laws.studies.effects.law_readings import Readings, read_dataset
from ...numerics.functions import log
from ..measured import FAMILIES, HALVES, LOGARITHMS, Study

# before any training, those of most interest first (MAIN of them); what else covariates.csv adds comes after them
COVARIATES = (
    "H", "unigram_entropy", "floor", "beyond_bigram", "beyond_bigram_measured", "productions", "vocab_size",
    "sentence_length",
)  # fmt: skip
MAIN = 5


def halves(study: Study) -> list[str]:
    """The halves that were measured, and "both" where both were."""
    found = [half for half in HALVES if any(row["half"] == half for row in study.design)]
    return [*found, "both"] if len(found) > 1 else found


def parts(study: Study, families: Sequence[str] = ("all", *FAMILIES)) -> Iterator[tuple[str, str, Study]]:
    """Half, family and part of the study, of those that have datasets."""
    for half in halves(study):
        for family in families:
            part = study.half(half).family(family)
            if part.design:
                yield half, family, part


def readings_of(study: Study) -> dict[str, Readings]:
    """Dataset -> its readings, of all its measured cells."""
    cells: dict[str, list] = {name: [] for name in study.datasets}
    for row in study.runs:
        if row.get("status", "finished") != "diverged" and row.get("loss") is not None:
            cells[row["dataset"]].append(row)
    return {
        name: read_dataset(rows, rows[0]["floor"], rows[0]["unigram_entropy"]) for name, rows in cells.items() if rows
    }


def column(study: Study, datasets: Sequence[str], name: str) -> npt.NDArray[np.float64]:
    """One covariate of these datasets, float64 (K,), logarithms of ``LOGARITHMS``; NaN where not known."""
    told = (study.covariates[dataset].get(name) for dataset in datasets)
    values = np.array([np.nan if value in (None, "") else float(value) for value in told], dtype=np.float64)
    if name not in LOGARITHMS:
        return values
    return np.asarray(log(np.where(values > 0, values, np.nan)))


def covariates_of(study: Study) -> list[str]:
    """Names of all covariates, H first."""
    names = dict.fromkeys(name for known in study.covariates.values() for name in known)
    return [*(name for name in COVARIATES if name in names), *(name for name in names if name not in COVARIATES)]
