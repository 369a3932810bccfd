"""What laws are held against beside the runs: scores of their datasets, and rivals of H."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..base.documents import read_json
from ..errors import FitError
from ..tables.any_file import read_table
from ..tables.declared import COVARIATES


def scores_of(fits: Sequence[dict[str, Any]], paths: Iterable[str | os.PathLike]) -> list[dict[str, Any]]:
    """Return score documents of the fits' datasets: the files given, and DATASET.json of each folder given."""
    return [read_json(path, "score") for path in _files(fits, paths)]


def _files(fits, paths):
    names = sorted({f"{fit.get('dataset')}.json" for fit in fits})
    files: list[Path] = []
    for path in map(Path, paths):
        inside = [path / name for name in names if (path / name).is_file()]
        files += inside if path.is_dir() else [path]
    return files


def productions_of(fits: Sequence[dict[str, Any]], paths: Iterable[str | os.PathLike]) -> dict[str, dict[str, int]]:
    """Return the number of productions of the fits' grammars as a covariate: {"n_productions": {dataset: number}}.

    A grammar's dataset is the name of its file; a folder gives those of the fits' datasets. Without paths there is no
    covariate.
    """
    found = {path.stem: len(read_json(path, "grammar")["productions"]) for path in _files(fits, paths)}
    return {"n_productions": found} if found else {}


def covariates_of(path: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """Return the columns of a table as name -> {dataset: value}.

    Raises
    ------
    FitError
        When the table has no column dataset.
    """
    rows = COVARIATES.typed(read_table(path).rows)
    if "dataset" not in rows[0]:
        raise FitError(f"{path} has no column dataset: one row a dataset, one column a covariate")
    names = [name for name in rows[0] if name != "dataset"]
    return {name: {str(row["dataset"]): row[name] for row in rows} for name in names}
