"""Which of H, unigram entropy, floor and information beyond a bigram moves the best N, by a stated rule."""

from __future__ import annotations

from ...sweep.folder import WAYS
from ..figures.studies import Tables
from ..figures.studies.split_factors import chosen
from .markdown import SectionWords, table

HALVES = ("exploratory", "confirmatory")


def told(tables: Tables) -> SectionWords:
    """What carries it: the rule's answer by half and way of reading the split, then each given the others."""
    rows = [row for row in tables["split_given"] if row["half"] in HALVES]
    ruled = {(r["half"], r["family"], r["accounting"], r["kind"]): r["carried_by"] for r in rows}
    link = chosen(tables)
    sentences = []
    for half in HALVES:
        words = {
            accounting: ruled.get((half, "all", accounting, link)) for accounting in ("6nd", "all")
        }  # fmt: skip
        if any(words.values()):
            sentences.append(
                f"In the {half} half the rule's answer is {_names(words['6nd'])} (6 N D) and {_names(words['all'])} "
                "(all FLOPs)."
            )
    lines = [
        [half, accounting, WAYS[kind], _names(answer)]
        for (half, family, accounting, kind), answer in ruled.items()
        if family == "all"
    ]
    return SectionWords(
        " ".join(sentences) + "\n\n" + table(["half", "compute as", "split by", "carried by"], lines),
        {f"{half} {accounting} {kind}": a for (half, family, accounting, kind), a in ruled.items() if family == "all"},
    )


def _names(answer):
    return (
        "not told"
        if answer is None
        else answer.replace("unigram_entropy", "unigram entropy").replace(
            "beyond_bigram", "information beyond a bigram"
        )
    )
