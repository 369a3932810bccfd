"""A study as it was measured: its design, the runs of its grammars, their fits, and what was known of them before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..base.documents import read_json
from ..errors import FitError, shown
from ..sweep.beside_laws import covariates_of
from ..tables.declared import DESIGN, RUNS

HALVES = ("exploratory", "confirmatory")
FAMILIES = ("varied", "vocabulary", "H")
# of the very corpus that was trained on, and so of the rows of runs.csv; what those do not have is the design's
OF_RUNS = ("H", "floor", "unigram_entropy", "vocab_size")
OF_DESIGN = ("productions", "sentence_length")
# counts, and an information that runs over two decades: lines are in their logarithms
LOGARITHMS = ("productions", "vocab_size", "sentence_length", "beyond_bigram", "beyond_bigram_measured")


@dataclass(frozen=True)
class Study:
    """A study, or a part of one.

    Attributes
    ----------
    design : tuple of dict
        Rows of design.csv, in its order, of the datasets that were trained.
    runs : tuple of dict
        Rows of runs.csv (``docs/formats.md``), dataset by dataset in the order of the design.
    fits : tuple of dict
        Documents of kind "fit", in the order of the design: one a dataset.
    covariates : mapping
        Dataset -> name -> value: H, floor and unigram_entropy (nats per token) and vocab_size of the corpus that was
        trained on; productions and sentence_length (tokens) of the design; then the columns of covariates.csv, and with
        these ``beyond_bigram``, what all context tells of the next token that the last token does not
        (conditional_entropy_1 - floor, nats per token), and ``beyond_bigram_measured``, as much of it as two more
        tokens tell, which needs no floor (conditional_entropy_1 - conditional_entropy_3).
    folder : pathlib.Path, optional
        Where it was read, for answers that need what may lie beside: ``arms/<arm>``, ``pilots``.
    """

    design: tuple[Mapping[str, Any], ...]
    runs: tuple[Mapping[str, Any], ...]
    fits: tuple[Mapping[str, Any], ...]
    covariates: Mapping[str, Mapping[str, Any]]
    folder: Path | None = field(default=None, compare=False)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names, in the order of the design."""
        return tuple(row["dataset"] for row in self.design)

    def half(self, which: str) -> Study:
        """Return one half, "exploratory" or "confirmatory", or "both".

        Raises
        ------
        FitError
            When there is no such half.
        """
        _check("half", which, (*HALVES, "both"))
        return self._where(lambda row: which in ("both", row["half"]))

    def family(self, which: str) -> Study:
        """Return one family, "varied", "vocabulary" (one for all) or "H" (one for all), or "all".

        Raises
        ------
        FitError
            When there is no such family.
        """
        _check("family", which, (*FAMILIES, "all"))
        return self._where(lambda row: which in ("all", row["family"]))

    def only(self, datasets: Collection[str]) -> Study:
        """Return these datasets alone."""
        return self._where(lambda row: row["dataset"] in datasets)

    def _where(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Study:
        design = tuple(row for row in self.design if wanted(row))
        names = {row["dataset"] for row in design}
        return replace(
            self,
            design=design,
            runs=tuple(row for row in self.runs if row["dataset"] in names),
            fits=tuple(fit for fit in self.fits if fit["dataset"] in names),
            covariates={name: values for name, values in self.covariates.items() if name in names},
        )


def read_study(folder: str | Path) -> Study:
    """Read design.csv, runs.csv, fits/<dataset>.json and, where there is one, covariates.csv of a study's folder.

    A dataset of the design that has no runs is not part of what is returned: a half may be all that was trained.

    Raises
    ------
    FitError
        When the design, the runs or a fit is missing, no dataset of the design has runs, a dataset of the runs is not
        in the design, or covariates.csv lacks a dataset.
    """
    folder = Path(folder)
    for name in ("design.csv", "runs.csv"):
        if not (folder / name).is_file():
            raise FitError(f"{folder} has no {name}: give the folder of a study (ziplaw study --help)")
    design, runs = DESIGN.read(folder / "design.csv"), RUNS.read(folder / "runs.csv")
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    for row in runs:
        by_dataset.setdefault(row["dataset"], []).append(row)
    strange = set(by_dataset) - {row["dataset"] for row in design}
    if strange:
        raise FitError(
            f"{folder / 'design.csv'} lacks {shown(min(strange))} of runs.csv: give the design of these runs"
        )
    design = [row for row in design if row["dataset"] in by_dataset]
    if not design:
        raise FitError(f"{folder / 'runs.csv'} has no runs of the design's datasets: train some of them")
    others = covariates_of(folder / "covariates.csv") if (folder / "covariates.csv").is_file() else {}
    covariates = {}
    for row in design:
        name = row["dataset"]
        first = by_dataset[name][0]
        lost = next((column for column, values in others.items() if name not in values), None)
        if lost:
            raise FitError(f"{folder / 'covariates.csv'} lacks {name}: make it of all datasets, or take it away")
        covariates[name] = {column: first[column] for column in OF_RUNS}
        covariates[name] |= {column: row[column] for column in OF_DESIGN}
        covariates[name] |= {column: values[name] for column, values in others.items()}
        covariates[name] |= _beyond_bigram(covariates[name])
    return Study(
        tuple(design),
        tuple(run for row in design for run in by_dataset[row["dataset"]]),
        tuple(_fit(folder, row["dataset"]) for row in design),
        covariates,
        folder,
    )


def _beyond_bigram(known: Mapping[str, Any]) -> dict[str, float]:
    """What context tells beyond the last token, where it was measured."""
    ends = {"beyond_bigram": known.get("floor"), "beyond_bigram_measured": known.get("conditional_entropy_3")}
    last = known.get("conditional_entropy_1")
    return {} if last is None else {name: last - least for name, least in ends.items() if least is not None}


def _fit(folder: Path, dataset: str) -> dict[str, Any]:
    path = folder / "fits" / f"{dataset}.json"
    if not path.is_file():
        raise FitError(f"{path} is missing: ziplaw fit {folder / 'runs.csv'} --dataset {dataset} -o {path}")
    return read_json(path, "fit")


def _check(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise FitError(f"no {what} {shown(given)}: {', '.join(known)}")
