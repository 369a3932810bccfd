"""Sections of a study's results, in their order: the question, the tables that it is told from, its figure."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..figures.studies import Tables
from .markdown import SectionWords


@dataclass(frozen=True)
class Section:
    """A section.

    Attributes
    ----------
    name : str
        Of its numbers in study.json.
    title : str
        The question.
    answers : tuple of str
        Tables that it needs; it is left out where one is missing or empty.
    module : str
        The file here that has ``told(tables) -> SectionWords``.
    figure : str, optional
        A key of ``STUDY_FIGURES``.
    caption : str
        What the figure shows.
    """

    name: str
    title: str
    answers: tuple[str, ...]
    module: str
    figure: str | None = None
    caption: str = ""

    def told(self, tables: Tables) -> SectionWords:
        """What it says."""
        found: Any = import_module(f".{self.module}", __package__)
        return found.told(tables)

    def holds(self, tables: Tables) -> bool:
        """Whether its tables are there."""
        return all(tables.get(answer) for answer in self.answers)


SECTIONS = (
    Section(
        "measured",
        "What was measured",
        ("what_was_measured",),
        "about_cells",
        "cells",
        "Cells by regime, half and family (number of datasets).",
    ),
    Section(
        "arms",
        "Does the sign of a trend change with the learning rate?",
        ("training_arms",),
        "about_arms",
        "arms",
        "Slopes with 95 % intervals, by every form of the law, on the same grammars at other learning rates.",
    ),
)
