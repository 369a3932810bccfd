"""What a study measured: how much, in which regimes, and how far H stands apart from its rivals."""

from __future__ import annotations

from ..figures.studies import Tables
from .markdown import SectionWords, number, table, within

HALVES = ("exploratory", "confirmatory", "both")
FAMILIES = {"all": "all", "varied": "any vocabulary", "vocabulary": "one vocabulary", "H": "one H"}


def told(tables: Tables) -> SectionWords:
    """A sentence on each half, and the table."""
    rows = {(row["half"], row["family"]): row for row in tables["what_was_measured"]}
    sentences, numbers = [], {}
    for half in HALVES[:2]:
        row = rows.get((half, "all"))
        if row is None:
            continue
        share = row["scaling"] / row["cells"]
        noise = f"; a loss varies by {100 * row['seed_sd']:.2g} % from seed to seed" if row["seed_sd"] else ""
        sentences.append(
            f"The {half} half has {row['datasets']} grammars, {row['runs']} runs and {row['cells']} cells, of which "
            f"{share:.0%} scale ({row['saturated']} are saturated, {row['not_started']} have not started, "
            f"{row['diverged']} diverged); the additive law of {row['reportable']} grammars may be quoted{noise}."
        )
        kept = ("datasets", "runs", "cells", "scaling", "reportable", "seed_sd")
        numbers[half] = {name: row[name] for name in kept}
    lines = [
        [
            half, FAMILIES[family], number(row["datasets"]), within(row["H_least"], row["H_most"]),
            within(row["floor_least"], row["floor_most"]),
            within(row["unigram_entropy_least"], row["unigram_entropy_most"]), number(row["r_floor"], 2),
            number(row["r_unigram_entropy"], 2),
        ]
        for (half, family), row in rows.items()
        if half != "both" or family == "all"
    ]  # fmt: skip
    header = ["half", "family", "grammars", "H", "floor", "unigram entropy", "r of H, floor", "r of H, unigram entropy"]
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)
