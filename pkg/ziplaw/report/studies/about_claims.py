"""The paper's claims: verdicts of both halves, with estimates and reasons, and what such a study can decide."""

from __future__ import annotations

from collections import Counter

from ...studies.answers.claim_powers import AS_EXPLORED, AT_ENDS, ENOUGH, SIXTEEN, SMALL
from ..figures.studies import Tables
from ..figures.studies.split_factors import chosen
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
            of = Counter(row["verdict"] for row in rows if row["half"] == half and row["claim"] in SIXTEEN)
            decided = of.total() - of["undecided"]
            sentences.append(
                f"In the {half} half {decided} of the paper's {of.total()} claims are decided; of all {found.total()} "
                f"statements, those about the best split among them, {counts}."
            )
            numbers[half] = dict(found) | {"decided_of_sixteen": decided}
    sentences += _power(tables["claim_powers"], numbers)
    verdicts = {(row["half"], row["claim"]): row["verdict"] for row in rows}
    last = {row["claim"]: row for row in rows}  # the confirmatory half's, where it is there
    powers = _decided(tables)
    lines = [
        [row["statement"], *(verdicts.get((half, claim), "–") for half in HALVES), number(row["estimate"]),
         within(row["low"], row["high"]), p_value(row["p_value"]), powers.get(claim, "–"), row["why"]]
        for claim, row in last.items()
    ]  # fmt: skip
    header = ["statement", *HALVES, "estimate", "95 % interval", "p", "decided with", "why"]
    sentences.append(
        "*Decided with*: by simulation, the chance of a verdict in one half where nothing changes, and where the truth "
        "is what the exploratory half shows."
    )
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)


def _power(powers, numbers):
    """How likely ten of the sixteen are decided: changes no larger than the smallest that matters, and as explored."""
    chances = {
        kind: {row["scenario"]: row["supported"] for row in powers if row["claim"] == ENOUGH and row["kind"] == kind}
        for kind in ("additive", AT_ENDS)
    }
    if not all(chances.values()):
        return []
    here, ends = (max(chances[kind][name] for name in SMALL) for kind in ("additive", AT_ENDS))
    explored = [number(chances[kind][AS_EXPLORED], 2) for kind in ("additive", AT_ENDS)]
    numbers["chance_of_ten"] = {"this design": here, "half of the grammars at either end of H": ends}
    return [
        "Where the exponents change by the smallest amount of interest or not at all, a study with these errors "
        f"decides ten of the sixteen with a chance of at most {number(here, 2)} by simulation; one of as many with "
        "half of each family at either end of this range of H, the surest there can be, with "
        f"{number(ends, 2)}: changes so small no choice of as many grammars within this range can be relied on to "
        f"settle. Were the truth what the exploratory half shows, the chances would be {explored[0]} and {explored[1]}."
    ]


def _decided(tables):
    """Claim -> its chances of a verdict in a half: nothing changes, and as explored; those of the split by its link."""
    link = chosen(tables)
    found = {}
    for row in tables["claim_powers"]:
        found.setdefault((row["claim"], row["kind"]), {})[row["scenario"]] = 1 - row["undecided"]
        if row["claim"] == "best_N_depends_on_H":
            found.setdefault((f"best_N_by_{row['kind']}", row["kind"]), {})[row["scenario"]] = row["supported"]
    shown = {}
    for (claim, kind), chances in found.items():
        own = claim.removeprefix("best_N_by_") if claim.startswith("best_N_by_") else None
        if kind == (own or ("additive" if claim in SIXTEEN else link)):
            shown[claim] = f"{number(chances['no change'], 2)}, {number(chances['as explored'], 2)}"
    return shown
