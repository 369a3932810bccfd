"""The paper's claims: verdicts of both halves, with estimates and reasons."""

from __future__ import annotations

from collections import Counter

from ..figures.studies import Tables
from .markdown import SectionWords, number, p_value, table, within

HALVES = ("exploratory", "confirmatory")
VERDICTS = ("supported", "not supported", "undecided")


def told(tables: Tables) -> SectionWords:
    """How many claims each half decides, then every claim with the later half's estimate and reason."""
    rows = [row for row in tables["claim_verdicts"] if row["half"] in HALVES]
    sentences, numbers = [], {}
    for half in HALVES:
        found = Counter(row["verdict"] for row in rows if row["half"] == half)
        if found:
            counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS)
            sentences.append(f"Of {found.total()} statements {counts} in the {half} half.")
            numbers[half] = dict(found)
    verdicts = {(row["half"], row["claim"]): row["verdict"] for row in rows}
    last = {row["claim"]: row for row in rows}  # the confirmatory half's, where it is there
    lines = [
        [row["statement"], *(verdicts.get((half, claim), "–") for half in HALVES), number(row["estimate"]),
         within(row["low"], row["high"]), p_value(row["p_value"]), row["why"]]
        for claim, row in last.items()
    ]  # fmt: skip
    header = ["statement", *HALVES, "estimate", "95 % interval", "p", "why"]
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)
