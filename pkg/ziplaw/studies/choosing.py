"""Choosing a study's grammars from scored candidates: families and halves, blind to any training curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ZiplawError
from ..laws.studies.spread import choose_spread
from ..numerics.functions import log
from .candidates import Pool, draw_candidate, measures_of, score_candidates

Array = npt.NDArray[np.float64]
HALVES = ("exploratory", "confirmatory")
# family -> its letter in a dataset's name
FAMILIES = {"varied": "v", "vocabulary": "f", "H": "h"}
# measure -> how much the error of its slope matters to the choice
WEIGHTS = {
    "H": 6.0,
    "floor": 3.0,
    "unigram_entropy": 1.0,
    "productions": 1.0,
    "sentence_length": 1.0,
    "vocab_size": 1.0,
}
RIVALS = tuple(name for name in WEIGHTS if name != "H")
# those whose ratios matter, not their differences
LOGARITHMS = ("productions", "sentence_length", "vocab_size")
# correlation of H with the floor that a family may have for nothing, so that a half stays within BALANCED
FAMILY_LIMIT, BALANCED = 0.15, 0.3
H_TOLERANCE = 0.005
BLOCK = 100_000


@dataclass(frozen=True)
class Request:
    """What a study is to have.

    Attributes
    ----------
    varied, vocabulary, H : int
        Grammars of each family, over all halves: of any vocabulary; of one; of one H.
    candidates : int
        Drawn over all halves.
    one_vocabulary : int
        Terminals of the family of one vocabulary.
    terminals, productions : (int, int)
        Ranges of the candidates.
    at_H : float or None
        H of the family of one H; None: where the floor varies most.
    documents : int
        Of each stream that a candidate is measured on; those chosen are measured anew on 1000, as a sweep scores.
    halves : int
        1 or 2.
    budgets : sequence of int
        Tokens D of the study.
    replicate : int
        Every so-manieth dataset has a second training seed; 0: none.
    seed : int
        Of the candidates.
    """

    varied: int = 24
    vocabulary: int = 0
    H: int = 0
    candidates: int = 4000
    one_vocabulary: int = 300
    terminals: tuple[int, int] = (100, 1000)
    productions: tuple[int, int] = (370, 700)
    at_H: float | None = None
    documents: int = 200
    halves: int = 2
    budgets: Sequence[int] = (65536, 2097152)
    replicate: int = 3
    seed: int = 0

    def pools(self) -> dict[str, Pool]:
        """What each kind of candidates is drawn from: those of any vocabulary and those of one."""
        one = (self.one_vocabulary, self.one_vocabulary)
        pools = {"varied": Pool(self.terminals, self.productions), "vocabulary": Pool(one, self.productions)}
        # those of one H are taken from either; alone they are of any vocabulary
        wanted = {"varied": self.varied or (self.H and not self.vocabulary), "vocabulary": self.vocabulary}
        return {name: pool for name, pool in pools.items() if wanted[name]}


def measured(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Array:
    """Measures (n, q) as the choice and the regressions take them: those of LOGARITHMS by their logarithms."""
    columns = np.array([[float(row[name]) for name in names] for row in rows]).reshape(len(rows), len(names))
    for place, name in enumerate(names):
        if name in LOGARITHMS:
            columns[:, place] = log(columns[:, place])
    return columns


def choose_study(request: Request, threads: int | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Score candidates and choose a study's grammars.

    Every half has candidates of its own, with grammar seeds of its own, and is chosen by itself: no grammar of one half
    has any part in the choice of the other's, but for the H of the family of one H, which is set over all candidates.

    Returns
    -------
    (list of dict, list of dict)
        The chosen, rows of design.csv in the order of the config, measured as a sweep measures them; and all
        candidates, with ``half`` and ``pool``.

    Raises
    ------
    ZiplawError
        Where there are fewer candidates than grammars asked for, naming what to change.
    """
    pools = request.pools()
    halves = HALVES[: request.halves]
    each = request.candidates // (len(pools) * len(halves))
    if each > BLOCK:
        raise ZiplawError(f"{request.candidates} candidates are {each} of a kind, the limit is {BLOCK}: ask for fewer")
    found: list[dict[str, Any]] = []
    for place, (half, name) in enumerate((half, name) for half in halves for name in pools):
        indices = range(place * BLOCK, place * BLOCK + each)
        rows = score_candidates(pools[name], request.seed, indices, request.documents, request.budgets, threads=threads)
        found += [row | {"half": half, "pool": name} for row in rows]
    at_H = request.at_H if request.at_H is not None or not request.H else widest_floor(found, request.H)
    chosen: list[dict[str, Any]] = []
    for half in halves:
        mine = [row for row in found if row["half"] == half]
        for family, count in _shares(request, half).items():
            some = [row for row in mine if row["pool"] == family]
            if family == "H":
                taken = {row["seed"] for row in chosen}
                some = [row for row in mine if abs(row["H"] - at_H) <= H_TOLERANCE and row["seed"] not in taken]
            if len(some) < count:
                near = f" within {H_TOLERANCE} of H {at_H:.3f}" if family == "H" else ""
                raise ZiplawError(
                    f"{len(some)} candidates{near} in the {half} half, {count} grammars are wanted of them: draw more "
                    "--candidates" + (", or name another H with --at-H" if family == "H" else "")
                )
            chosen += [some[i] | {"family": family} for i in _chosen(some, family, count)]
    return _named(chosen, request, threads), found


def _shares(request: Request, half: str) -> dict[str, int]:
    """Grammars of each family in a half: an odd one goes to the first."""
    wanted = {"varied": request.varied, "vocabulary": request.vocabulary, "H": request.H}
    extra = request.halves - 1 if half == HALVES[0] else 0
    return {family: (count + extra) // request.halves for family, count in wanted.items() if count}


def _chosen(rows: Sequence[dict[str, Any]], family: str, count: int) -> list[int]:
    held = {"vocabulary": ("vocab_size",), "H": ("H",)}.get(family, ())
    names = [name for name in WEIGHTS if name not in held]
    weights = np.array([WEIGHTS[name] for name in names])
    plane, limit = (names.index("floor"), names.index("unigram_entropy")), 1.0
    if family != "H":
        plane, limit = (0, 1), FAMILY_LIMIT
    return choose_spread(measured(rows, names), weights, count, plane, limit)


def widest_floor(rows: Sequence[dict[str, Any]], count: int) -> float:
    """The H, a multiple of .005, about which the floor of the candidates varies most (10 to 90 % of them).

    Of those with five times as many candidates as are wanted.
    """
    H, floors = (np.array([row[name] for row in rows]) for name in ("H", "floor"))
    best, widest = math.nan, -1.0
    for step in range(1, 200):
        near = np.sort(floors[abs(H - 0.005 * step) <= H_TOLERANCE])
        if len(near) >= max(5 * count, 2):
            wide = float(near[int(0.9 * (len(near) - 1))] - near[int(0.1 * (len(near) - 1))])
            if wide > widest:
                best, widest = round(0.005 * step, 3), wide
    if widest < 0:
        raise ZiplawError(
            f"no H has {5 * count} candidates within {H_TOLERANCE}, wanted for {count} grammars of one H: draw more "
            "--candidates, or name an H with --at-H"
        )
    return best


def _named(chosen, request, threads):
    """Rows in order of family and H, named, measured anew, with training seeds of their own."""
    pools = request.pools()
    rows = []
    for half in HALVES[: request.halves]:
        for family, letter in FAMILIES.items():
            some = sorted(
                (r for r in chosen if (r["half"], r["family"]) == (half, family)), key=lambda r: (r["H"], r["seed"])
            )
            for place, row in enumerate(some):
                index = row["seed"] - 1_000_000 * (request.seed + 1)
                grammar = draw_candidate(pools[row["pool"]], request.seed, index)
                seeds = [len(rows) + 1]
                if request.replicate and place % request.replicate == request.replicate // 2:
                    seeds.append(len(rows) + 1001)
                name = f"{half[0]}{letter}{place + 1:02d}" if request.halves > 1 else f"{letter}{place + 1:02d}"
                facts = measures_of(grammar, 1000, request.budgets, threads=threads)
                rows.append(
                    {"dataset": name, "half": half, "family": family, "training_seeds": " ".join(map(str, seeds))}
                    | facts
                )
    return rows
