"""The questions written down before the confirmatory half was trained, each with its verdict by the rule stated then.

docs/study.md, "Questions, and what counts as an answer", has the rules; this module applies them, question by question.
Primary answers are those of the link that the exploratory half chose, at the middle compute under 6 N D; an answer that
another link, isoFLOP, another compute, all FLOPs or a family contradicts with a p of at most .05 is undecided, and
``contradicted_by`` names those. Rows of the confirmatory half are the answers; those of the exploratory half, from
which the questions came, and of both together stand beside them. ``estimate`` with its 95 % interval is, by
``quantity``: the change of ln N_opt over .2 of H, its slope in ln of what lies beyond a bigram, an error less that of
another, or a share of the loss saved. ``z``: of the slopes of the two halves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...laws.dependence.statistics.permutation import holm
from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.covariate_effect import Effect, effect
from ...laws.studies.effects.equivalence import OVER, SMALLEST, within
from ...laws.studies.effects.law_readings import ACCOUNTINGS, KINDS, Readings
from ..measured import FAMILIES, HALVES, Study
from ..readings.measured_laws import Measured
from ..readings.parts import column, halves, readings_of
from .covariate_worth import compared
from .worth import chosen_link
from .worth import rows as worth_rows

LEVEL = 0.05
G, MEASURED = "beyond_bigram", "beyond_bigram_measured"
LEAST_RANK = 0.8
LARGEST_Z = 1.96
COLUMNS = (
    "question", "about", "half", "kind", "quantity", "n", "estimate", "low", "high", "p_value", "p_holm",
    "rank_correlation", "z", "contradicted_by", "verdict",
)  # fmt: skip
Case = tuple[str, str, str, str]  # kind, accounting, compute, family
YES, NO, UNDECIDED, NOT_SHOWN = "yes", "no", "undecided", "not shown"


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table; none where what lies beyond a bigram is not known."""
    if not all(known.get(G) for known in study.covariates.values()):
        return []
    link = chosen_link(study)
    readings = readings_of(study)
    moves = {half: {name: _cases(study, half, readings, name) for name in ("H", G)} for half in halves(study)}
    table = []
    for half, told in moves.items():
        table += _first_two(half, link, told)
    table += _agreement(moves)
    for half in moves:
        table += _given_G(study, half, link, readings)
    table += _best_covariate(study, link, readings) + _worth(study)
    return [{key: row.get(key) for key in COLUMNS} for row in table]


def _cases(
    study: Study, half: str, readings: Mapping[str, Readings], name: str, given: tuple[str, ...] = ()
) -> dict[Case, Effect]:
    """Effects of a covariate on ln N_opt in every case that has one."""
    found = {}
    for family in ("all", *FAMILIES):
        part = study.half(half).family(family)
        if (family == "H" and name == "H") or not part.design:
            continue
        mine = {dataset: readings[dataset] for dataset in part.datasets}
        for accounting in ACCOUNTINGS:
            for compute, C in computes(study.runs, accounting).items():
                if family != "all" and compute != "middle":
                    continue
                for kind in KINDS:
                    sizes = best_sizes(mine, kind, accounting, C)
                    x, *others = (column(part, sizes.names, one) for one in (name, *given))
                    one = effect(sizes.ln_N, sizes.variance, x, np.column_stack(others) if given else None)
                    if one is not None and one.p_permutation is not None:
                        found[kind, accounting, compute, family] = one
    return found


def _against(cases: Mapping[Case, Effect], link: str, sign: float) -> str:
    """Cases other than the primary one with p of at most .05 and a slope of this sign; of either where it is 0."""
    primary = (link, "6nd", "middle", "all")
    return "; ".join(
        " ".join(case)
        for case, one in cases.items()
        if case != primary and (one.p_permutation or 0.0) <= LEVEL and (sign == 0 or one.slope * sign > 0)
    )


def _judged(verdict: str, against: str) -> dict[str, Any]:
    contradicted = bool(against) and verdict != UNDECIDED
    return {"verdict": UNDECIDED if contradicted else verdict, "contradicted_by": against if contradicted else None}


def _numbers(one: Effect, times: float) -> dict[str, Any]:
    return {"n": one.n, "estimate": times * one.slope, "low": times * one.low, "high": times * one.high,
            "p_value": one.p_permutation, "rank_correlation": one.rank_correlation}  # fmt: skip


def _first_two(half, link, told):
    primary = (link, "6nd", "middle", "all")
    in_H, in_G = (told[name][primary] for name in ("H", G))
    p_H, p_G = holm([in_H.p_permutation, in_G.p_permutation])
    start = {"half": half, "kind": link}
    change = _numbers(in_H, OVER) | {"quantity": "change over .2 of H", "p_holm": p_H}
    small = SMALLEST["ln_N"]
    shown = p_H <= LEVEL
    if shown and in_H.slope < 0:
        falls, against = YES, _against(told["H"], link, +1)
    elif shown or OVER * in_H.low > -small:
        falls, against = NO, _against(told["H"], link, -1)
    else:
        falls, against = UNDECIDED, ""
    first = start | change | {"question": "1", "about": "the best N falls with H"} | _judged(falls, against)
    if shown:
        moves, against = YES, _against(told["H"], link, -in_H.slope)
    elif within(OVER * in_H.low, OVER * in_H.high, small):
        moves, against = NO, _against(told["H"], link, 0)
    else:
        moves, against = UNDECIDED, ""
    depends = start | change | {"question": "1b", "about": "the best N depends on H"} | _judged(moves, against)
    rises = p_G <= LEVEL and in_G.slope > 0
    strong = rises and (in_G.rank_correlation or 0) >= LEAST_RANK
    verdict = YES if strong else "weaker than explored" if rises else NO
    against = _against(told[G], link, -1 if rises else +1)
    second = start | _numbers(in_G, 1.0) | {
        "question": "2", "about": "the best N rises with what lies beyond a bigram", "quantity": "slope", "p_holm": p_G,
    } | _judged(verdict, against)  # fmt: skip
    return [first, depends, second]


def _agreement(moves):
    """Whether the slopes that the exploratory half foretold are met, by every kind."""
    if not set(HALVES) <= set(moves):
        return []
    table = []
    for kind in KINDS:
        case = (kind, "6nd", "middle", "all")
        first, second = (moves[half][G].get(case) for half in HALVES)
        if first is None or second is None:
            continue
        z = (second.slope - first.slope) / np.sqrt(first.stderr * first.stderr + second.stderr * second.stderr)
        table.append({
            "question": "2b", "about": "the slope that was foretold is met", "half": HALVES[1], "kind": kind,
            "quantity": "slope", "z": float(z), "verdict": YES if abs(z) <= LARGEST_Z else NO,
        } | _numbers(second, 1.0))  # fmt: skip
    return table


def _given_G(study, half, link, readings):
    primary = (link, "6nd", "middle", "all")
    table = []
    for name in ("H", "floor", "unigram_entropy"):
        cases = _cases(study, half, readings, name, (G,))
        one = cases.get(primary)
        if one is None:
            continue
        row = {
            "question": "3",
            "about": f"{name} says something that what lies beyond a bigram does not",
            "half": half,
            "kind": link,
        }
        if name != "H":
            # told beside, without a verdict
            table.append(row | _numbers(one, 1.0) | {"quantity": "slope", "verdict": None})
            continue
        small = within(OVER * one.low, OVER * one.high, SMALLEST["ln_N"])
        verdict = YES if one.p_permutation <= LEVEL else NO if small else UNDECIDED
        against = _against(cases, link, -one.slope if verdict == YES else 0)
        row |= _numbers(one, OVER) | {"quantity": "change over .2 of H"}
        table.append(row | _judged(verdict, against))
    return table


def _best_covariate(study, link, readings):
    if "both" not in halves(study):
        return []
    C = computes(study.runs, "6nd")["middle"]
    told = []
    for half in HALVES:
        part = study.half(half)
        sizes = best_sizes({name: readings[name] for name in part.datasets}, link, "6nd", C)
        told.append(Measured("ln_N", link, sizes.names, sizes.ln_N, sizes.variance))
    sets = [(), ("H",), (G,), (MEASURED,)]
    found = {row["covariates"]: row for row in compared({}, study, told, sets)}
    table = []
    for name in (G, MEASURED):
        row = found.get(name)
        if row is None:
            continue
        better = row["less_none_high"] < 0 and row["less_H_high"] < 0
        for other in ("none", "H"):
            table.append({
                "question": "4", "about": f"{name} foretells better than {other}", "half": HALVES[1], "kind": link,
                "quantity": "error less that of the other", "n": row["n"], "estimate": row[f"less_{other}"],
                "low": row[f"less_{other}_low"], "high": row[f"less_{other}_high"],
                "verdict": YES if better else NOT_SHOWN,
            })  # fmt: skip
    return table


def _worth(study):
    table = []
    for row in worth_rows(study):
        if not row["main"] or row["half"] != HALVES[1] or row["trained_on"] != HALVES[0]:
            continue
        if row["rule"] not in ("H", G, MEASURED) or row["against_constant_hi"] is None:
            continue
        saved = {"estimate": -row["against_constant"], "low": -row["against_constant_hi"],
                 "high": -row["against_constant_lo"]}  # fmt: skip
        table.append(saved | {
            "question": "5", "about": f"a law in {row['rule']} pays ({row['compute']})", "half": HALVES[1],
            "kind": row["link"] or row["judge"], "quantity": "share of the loss saved", "n": row["n"],
            "verdict": YES if saved["low"] > 0 else NOT_SHOWN,
        })  # fmt: skip
    return table
