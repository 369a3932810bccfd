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
        "questions",
        "The questions, answered",
        ("questions",),
        "about_questions",
    ),
    Section(
        "split",
        "Does the best split move with the data?",
        ("split_moves", "chosen_link", "size_of_each"),
        "split_words",
        "sizes",
        "The best N of each grammar at the middle compute (6 N D), with its standard error, against H and against the "
        "information about the next token that lies beyond the last one (the entropy of a token given the one before "
        "it, less the floor): by the chosen link, and by isoFLOP, which assumes no law.",
    ),
    Section(
        "carriers",
        "What carries it?",
        ("split_given", "split_moves", "chosen_link"),
        "about_carriers",
        "split_factors",
        "What H (.1 of it), the unigram entropy, the floor and what lies beyond a bigram (one standard deviation) do "
        "to the best N at the middle compute, alone and given the others, with 95 % intervals, by every link and by "
        "isoFLOP; the chosen link's name is in colour.",
    ),
    Section(
        "covariates",
        "Which covariate foretells a grammar that was left out?",
        ("covariate_worth", "chosen_link"),
        "about_covariates",
        "covariate_errors",
        "Error of ln N_opt and of a foretold from covariates, less that of no covariate, by the chosen link; 95 % "
        "intervals over grammars.",
    ),
    Section(
        "worth",
        "What is H worth?",
        ("worth",),
        "about_worth",
        "worth",
        "Share of the loss that each rule's split loses, mean over grammars with 95 % intervals. A grammar of the "
        "exploratory half is split by rules made of the others of it, one of the confirmatory half by rules made of "
        "the exploratory one.",
    ),
    Section(
        "claims",
        "The paper's claims",
        ("claim_verdicts", "claim_powers", "chosen_link"),
        "about_claims",
        "claims",
        "Changes over the range of H with 95 % intervals, in units of the smallest that would matter.",
    ),
    Section("exponents", "Do exponents depend on the form of the law?", ("split_moves",), "about_exponents"),
    Section("noise", "How much of it is chance of a training seed?", ("split_noise", "chosen_link"), "about_noise"),
    Section("real_text", "And real text?", ("real_text",), "about_real_text"),
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
