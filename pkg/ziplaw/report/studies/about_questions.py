"""The questions that were written down beforehand, each with its verdict."""

from __future__ import annotations

from ..figures.studies import Tables
from .markdown import SectionWords, p_value, signed, table, within

HALVES = ("confirmatory", "both", "exploratory")


def told(tables: Tables) -> SectionWords:
    """The confirmatory half's verdicts, then those of both halves and of the one that the questions came from."""
    rows = tables["questions"]
    answers = [row for row in rows if row["half"] == "confirmatory"]
    header = ["", "question", "by", "verdict", "estimate", "95 % interval", "p", "rank correlation", "z", "against it"]
    parts = []
    for half in HALVES:
        lines = [_line(row) for row in rows if row["half"] == half]
        if lines:
            words = {"confirmatory": "", "both": "Both halves together:\n\n"}.get(
                half, "The exploratory half, which the questions came from:\n\n"
            )
            parts.append(words + table(header, lines))
    return SectionWords("\n".join(parts), {f"{row['question']} {row['about']}": row["verdict"] for row in answers})


def _line(row):
    p = row["p_holm"] if row["p_holm"] is not None else row["p_value"]
    about = str(row["about"]).replace("_", " ")
    return [
        str(row["question"]), about, str(row["kind"] or ""), f"**{row['verdict'] or '–'}**",
        signed(row["estimate"]), within(row["low"], row["high"]), p_value(p),
        signed(row["rank_correlation"], 2), signed(row["z"], 2), str(row["contradicted_by"] or ""),
    ]  # fmt: skip
