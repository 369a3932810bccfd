"""A study's results in a folder: the table of each answer, figures beside their numbers, study.json, results.md."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...base.documents import write_json, write_text
from ...base.outputs import Output, by_header, by_kind, by_mark, image_outputs
from ...errors import FitError
from ...studies.answers.all_answers import ANSWERS
from ...studies.measured import Study
from ..figures.studies import STUDY_FIGURES, columns_of, draw_study
from .sections import SECTIONS

MARK = "<!-- results of a study, made by ziplaw study -->"


def write_tables(study: Study, folder: str | os.PathLike[str], names: Iterable[str] = ANSWERS) -> None:
    """Write the tables of answers, <answer>.csv, into a folder."""
    for name in names:
        ANSWERS[name].table.write(Path(folder) / f"{name}.csv", ANSWERS[name].rows(study))


def write_results(folder: str | os.PathLike[str]) -> None:
    """Write figures, study.json and results.md beside the tables of a folder.

    Raises
    ------
    FitError
        When a table is missing.
    """
    folder = Path(folder)
    tables = read_tables(folder)
    shown = [section for section in SECTIONS if section.holds(tables)]
    parts, numbers = [MARK], {}
    for section in shown:
        told = section.told(tables)
        numbers[section.name] = told.numbers
        parts.append(f"## {section.title}\n\n{told.words.strip()}")
        if section.figure:
            draw_study(section.figure, tables, folder / "figures" / f"{section.figure}.svg")
            parts.append(f"![{section.title}](figures/{section.figure}.svg)\n\n*{section.caption}*")
    write_json(folder / "study.json", {"sections": numbers}, kind="study")
    write_text(folder / "results.md", "\n\n".join(parts) + "\n")


def read_tables(folder: Path) -> dict[str, Sequence[dict[str, Any]]]:
    """Read the table of every answer."""
    missing = [name for name in ANSWERS if not (folder / f"{name}.csv").is_file()]
    if missing:
        raise FitError(f"{folder} has no {missing[0]}.csv: make it first (ziplaw study FOLDER --only {missing[0]})")
    return {name: answer.table.read(folder / f"{name}.csv") for name, answer in ANSWERS.items()}


def table_outputs(folder: str, name: str, answers: Iterable[str] | None = None) -> list[Output]:
    """The tables of answers (all) that are written into a folder, which messages call ``name``."""
    found = [Output(folder, lambda path: True, name, folder=True)]
    for table in (ANSWERS[answer].table for answer in (ANSWERS if answers is None else answers) if answer in ANSWERS):
        made = by_header(partial(list, [table.names]))
        found.append(Output(Path(folder) / table.name, made, f"{table.name} in {name}"))
    return found


def result_outputs(folder: str, name: str) -> list[Output]:
    """What is made of the tables, likewise."""
    at = Path(folder)
    found = [
        Output(at / "study.json", by_kind("study"), f"study.json in {name}"),
        Output(at / "results.md", by_mark(MARK), f"results.md in {name}"),
    ]
    for figure in STUDY_FIGURES:
        path = at / "figures" / f"{figure}.svg"
        found += image_outputs(path, partial(_columns, figure), f"{path.name} in {name}")
    return found


def _columns(figure: str) -> list[list[str]]:
    return [columns_of(figure)]
