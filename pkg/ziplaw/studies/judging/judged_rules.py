"""Each grammar's compute split by each rule: N, and what of the loss and of the compute that loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ...laws.dependence.splits.dataset_splits import ISOFLOP
from ...laws.studies.worth.contest import Entrant, Lines, Rule, lines, lines_of_others, split_by
from ...laws.studies.worth.judged_valley import JudgedValley
from ...numerics.functions import exp
from ..measured import HALVES, Study
from .entrants import COMPUTES, LAW, VALLEY, MeasuredCells, Prepared, by_dataset, entrants, known_of, prepare

# the compute that is split is the largest at which so many sizes were measured, by how it is counted; the first is the
# main one. Where all FLOPs count, larger models are best, and more sizes are needed for the best to lie between them
SIZES = {"6ND": (4, 5), "all": (6, 5)}
MAIN = {counted: sizes[0] for counted, sizes in SIZES.items()}
# the judge that is concluded from: with all FLOPs counted the best split of half of the exploratory grammars lies
# beyond the largest size measured, where only a law can say what is lost
MAIN_JUDGE = {"6ND": VALLEY, "all": LAW}
# half judged, what its rules were made from: the others of the half, or the other half
WAYS = ((HALVES[0], "others"), (HALVES[1], "others"), (HALVES[1], HALVES[0]))
CONSTANT, OTHER_SEED, NOISE = "constant", "other seed", "noise"
TOGETHER = (("H", "floor"), ("unigram_entropy", "floor"), ("H", "unigram_entropy"), ("beyond_bigram", "H"))
WITH_PILOT = ("H", "unigram_entropy", "beyond_bigram")


def rules(names: Sequence[str]) -> list[Rule]:
    """The rules that are held against each other, for covariates of these names."""
    singles = list(dict.fromkeys(["H", *names]))
    together = [pair for pair in TOGETHER if set(pair) <= set(singles)]
    return [
        Rule("20:1", ratio=20.0),
        Rule(CONSTANT, ratio=0.0),
        Rule("pooled", line=()),
        *(Rule(name, line=(name,)) for name in singles),
        *(Rule("+".join(pair), line=pair) for pair in together),
        Rule("pilot", own="pilot"),
        Rule("pilot+pooled", line=(), own="pilot"),
        *(Rule(f"pilot+{name}", line=(name,), own="pilot") for name in WITH_PILOT if name in singles),
        Rule("own fit", own="fit"),
    ]


def judged_rules(study: Study, link: str) -> list[dict[str, Any]]:
    """Split every grammar's compute by every rule.

    The main way to judge is by ``MAIN_JUDGE``, at the compute of ``MAIN`` sizes, of rules made from splits by ``link``.
    One thing at a time is put otherwise: another number of sizes and so another compute, the other judge, splits by
    isoFLOP.

    Parameters
    ----------
    study : Study
        One half or both.
    link : str
        By which the splits are told that rules are made from.

    Returns
    -------
    list of dict
        half, trained_on ("others" of the half, or the other half), compute, sizes, judge, link, dataset, C, rule, N,
        tokens_per_parameter, outside (of the sizes measured at C), ``lost`` (share of the loss), ``lost_of_excess`` (of
        what the best split leaves above the floor), ``compute_factor`` (how many times less compute the best split
        needs for the loss that the rule gets). The rule "other seed" is the best split by the runs of another seed,
        which no rule can be expected to beat, of grammars that have two; "noise" the same by redrawn losses. Both are
        the valley's alone, and know ``lost`` only.
    """
    half_of = {row["dataset"]: row["half"] for row in study.design}
    cells = {name: MeasuredCells(rows) for name, rows in by_dataset(study).items()}
    # one 6 N D at which lines are made: the middle one of those split
    C6 = float(exp(np.median([one.largest("6ND", MAIN["6ND"]) for one in cells.values()])))
    prepared = {
        (counted, k): {name: prepare(one, counted, k, k == MAIN[counted]) for name, one in cells.items()}
        for counted in COMPUTES for k in SIZES[counted]
    }  # fmt: skip
    out: list[dict[str, Any]] = []
    for by in (link, ISOFLOP):
        known = known_of(study, by, C6)
        wanted = rules([name for one in known.values() for name in one.covariates])
        for half, trained_on in WAYS:
            new = [one for name, one in known.items() if half_of[name] == half]
            old = new if trained_on == "others" else [o for name, o in known.items() if half_of[name] == trained_on]
            if not new or not old:
                continue
            told = lines_of_others(wanted, new) if trained_on == "others" else lines(wanted, old, new)
            for (counted, k), here in prepared.items():
                for judge in _judges(by == link, k == MAIN[counted]):
                    start = {"half": half, "trained_on": trained_on, "compute": counted, "sizes": k, "judge": judge}
                    all_of = entrants(study, known, here, judge)
                    some = [one for one in all_of if half_of[one.known.name] == half]
                    train = some if trained_on == "others" else [o for o in all_of if half_of[o.known.name] != half]
                    rows = _by_rules(wanted, told, train, some, pilots=k == MAIN[counted])
                    out += [start | {"link": by} | row for row in rows]
    for (counted, k), here in prepared.items():
        for name, one in here.items():
            start = {"half": half_of[name], "compute": counted, "sizes": k, "judge": VALLEY, "dataset": name}
            out += [start | row for row in _floors(one)]
    return out


def _judges(main_link: bool, main_sizes: bool) -> tuple[str, ...]:
    if not main_sizes:
        return (VALLEY,) if main_link else ()
    return (VALLEY, LAW) if main_link else (VALLEY,)


def _by_rules(
    wanted: list[Rule], told: Lines, train: list[Entrant], new: list[Entrant], pilots: bool
) -> Iterator[dict[str, Any]]:
    for one in new:
        x = split_by(wanted, told, [other for other in train if other is not one], one)
        for rule, place in zip(wanted, x):
            if np.isfinite(place) and (pilots or rule.own != "pilot"):
                yield _lost(one, rule.name, float(place))


def _lost(one: Entrant, rule: str, x: float) -> dict[str, Any]:
    at, N = np.array([x]), float(exp(x))
    low, high = getattr(one.judge, "sizes", (-np.inf, np.inf))
    return {
        "dataset": one.known.name,
        "C": float(exp(one.log_C)),
        "rule": rule,
        "N": N,
        "tokens_per_parameter": float(exp(one.log_C)) / (float(one.compute.per_token(N)) * N),
        "outside": not low <= x <= high,
        "lost": float(one.lost(at)[0]),
        "lost_of_excess": float(one.lost_of_excess(at)[0]),
        "compute_factor": float(exp(one.compute_wasted(at)[0])),
    }


def _floors(here: Prepared) -> list[dict[str, Any]]:
    """What the judge's own noise loses, by redrawn losses and, where there are two seeds, by the other seed."""
    out: list[dict[str, Any]] = []
    out.append({"rule": NOISE, "lost": float(exp(here.valley.lost_to_noise())) - 1.0})
    seeds = sorted({row["seed"] for row in here.cells.rows})
    if len(seeds) > 1 and (lost := _across(here, seeds)) is not None:
        out.append({"rule": OTHER_SEED, "lost": lost})
    return out


def _across(here: Prepared, seeds: list[Any]) -> float | None:
    """Mean share of the loss lost by the best split of one seed judged by another's runs."""
    found: list[JudgedValley] = []
    for seed in seeds:
        try:
            found.append(here.cells.seed(seed).valley(here.counted, here.log_C))
        except FitError:
            return None
    lost = [float(exp(a.at(np.array([b.x]))[0] - a.log_loss)) - 1 for a in found for b in found if a is not b]
    return float(np.mean(lost))
