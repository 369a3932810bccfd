"""Does the best split move with the data: what H and its rivals do to the best N, alone and given one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...sweep.folder import WAYS
from ..figures.studies import Tables
from ..figures.studies.split_factors import chosen
from .markdown import SectionWords, number, p_value, table, within

COVARIATES = {
    "H": "H", "unigram_entropy": "unigram entropy", "floor": "floor", "sentence_length": "sentence length",
    "beyond_bigram": "information beyond a bigram",
    "beyond_bigram_measured": "the same, measured without a floor", "vocab_size": "vocabulary",
    "productions": "productions",
}  # fmt: skip
# those that a sentence tells of; the table has all
FIRST = {name: COVARIATES[name] for name in ("H", "beyond_bigram", "floor", "unigram_entropy")}
HALVES = ("exploratory", "confirmatory")
Row = Mapping[str, Any]


def told(tables: Tables) -> SectionWords:
    """The answer of each half, then the table by half and covariate, at the middle compute and both accountings."""
    link = chosen(tables)
    rows = [
        row for row in tables["split_moves"]
        if row["family"] == "all" and row["quantity"] == "N" and row["kind"] == link and row["half"] in HALVES
    ]  # fmt: skip
    middle = [row for row in rows if row["compute"] == "middle"]
    sentences, numbers = [], {}
    for half in HALVES:
        mine = {(row["covariate"], row["accounting"]): row for row in middle if row["half"] == half}
        if ("H", "6nd") not in mine:
            continue
        told_of = [_effect(mine[name, "6nd"], words) for name, words in FIRST.items() if (name, "6nd") in mine]
        sentences.append(
            f"In the {half} half the best N at C = {number(mine['H', '6nd']['C'])} (6 N D) is {'; '.join(told_of)}."
        )
        numbers[half] = {
            f"{name} {accounting}": {key: row[key] for key in ("factor", "factor_low", "factor_high", "p_permutation")}
            for (name, accounting), row in mine.items()
        }
    header = ["half", "compute", "covariate", "best N times (6 N D)", "p", "best N times (all FLOPs)", "p"]
    return SectionWords(_by(link) + " ".join(sentences) + "\n\n" + table(header, _lines(rows)), numbers)


def _by(link):
    return f"By the {WAYS[link]} link, which the exploratory half chose blind to H. " if link else ""


def _effect(row: Row, words: str) -> str:
    step = f".1 of {words}" if row["covariate"] == "H" else f"one sd of {words}"
    ends = within(row["factor_low"], row["factor_high"])
    return f"×{number(row['factor'])} ({ends}; p {p_value(row['p_permutation'])}) for {step}"


def _lines(rows):
    by = {(row["half"], row["compute"], row["covariate"], row["accounting"]): row for row in rows}
    lines = []
    for half, compute, covariate in dict.fromkeys(key[:3] for key in by):
        cells = [by.get((half, compute, covariate, accounting)) for accounting in ("6nd", "all")]
        told = [
            [f"{number(c['factor'])} ({within(c['factor_low'], c['factor_high'])})", p_value(c["p_permutation"])]
            if c
            else ["–", "–"]
            for c in cells
        ]
        lines.append([half, compute, COVARIATES.get(covariate, covariate), *told[0], *told[1]])
    return lines
