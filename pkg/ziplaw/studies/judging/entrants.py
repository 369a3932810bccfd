"""A study's grammars as what splits are judged on: the compute, the judge, the grammar's own split and its pilot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import FitError
from ...laws.dependence.splits.dataset_splits import split_of
from ...laws.fits.dataset_links import fit_links
from ...laws.pilots.compute import BETA, Compute
from ...laws.plans.evidence.gaussian_split import GaussianSplit
from ...laws.plans.evidence.own_fit import law_of, own_fit
from ...laws.studies.worth.contest import Entrant, Known
from ...laws.studies.worth.judged_law import JudgedLaw
from ...laws.studies.worth.judged_valley import JudgedValley, judge_by_valley, largest_compute, losses_noise
from ...laws.valleys.run_noise import Noise
from ...numerics.functions import exp, log
from ..measured import LOGARITHMS, Study

Row = Mapping[str, Any]
# how compute is counted: C = 6 N D, or all FLOPs
COMPUTES = ("6ND", "all")
VALLEY = "valley"
# link of the law that judges beside the valleys: a bounded loss is what the cells of a study have
LAW = "bounded"
PILOT_SHARE = 0.1  # of the compute to be split, the most that a run of the pilot takes
# all but the power link, which takes longest and lies between
PILOT_LINKS = ("identity", "bounded", "free")


class MeasuredCells:
    """The measured cells of one grammar."""

    def __init__(self, rows: Sequence[Row], noise: Noise | None = None) -> None:
        self.rows = [row for row in rows if _number(row.get("loss")) and row.get("status", "finished") != "diverged"]
        self.N, self.D, self.loss = (
            np.array([row[name] for row in self.rows], dtype=np.float64) for name in ("N", "D", "loss")
        )
        sizes = {row["N"]: row["C"] / row["D"] for row in self.rows}
        self.compute = {"6ND": Compute.six_nd(), "all": Compute.of(list(sizes), list(sizes.values()))}
        if noise is not None:
            self.noise = noise

    @cached_property
    def noise(self) -> Noise:
        """How far the losses scatter."""
        return losses_noise(self.N, self.D, self.loss, [f"{row['model']}/{row['seed']}" for row in self.rows])

    def seed(self, seed: Any) -> MeasuredCells:
        """The cells of one training seed, which scatter as all do."""
        return MeasuredCells([row for row in self.rows if row["seed"] == seed], self.noise)

    def largest(self, counted: str, sizes: int) -> float:
        """Ln of the largest compute at which so many sizes were measured."""
        return largest_compute(self.N, self.D, self.compute[counted].per_token, sizes)

    def valley(self, counted: str, log_C: float) -> JudgedValley:
        """Judge by the losses measured."""
        return judge_by_valley(self.N, self.D, self.loss, self.noise, self.compute[counted].per_token, log_C)

    def pilot(self, counted: str, C: float) -> GaussianSplit | None:
        """The split told by runs of a tenth of C at most, fitted as all runs are; None where they tell none."""
        small = self.compute[counted].per_token(self.N) * self.D <= PILOT_SHARE * C * (1 + 1e-9)
        rows = [row for row, ok in zip(self.rows, small) if ok]
        if not rows:
            return None
        try:
            links = fit_links(
                rows, links=PILOT_LINKS, floor=rows[0].get("floor"), unigram=rows[0].get("unigram_entropy")
            )
            return own_fit({"links": links, "variants": {}}).split
        except FitError:
            return None


@dataclass(frozen=True, eq=False)
class Prepared:
    """A grammar at the compute that is to be split.

    Attributes
    ----------
    cells : MeasuredCells
    counted : {"6ND", "all"}
    log_C : float
        ln of the largest compute, so counted, at which so many sizes were measured.
    valley : JudgedValley
    pilot : GaussianSplit or None
        By runs of a tenth of the compute at most.
    """

    cells: MeasuredCells
    counted: str
    log_C: float
    valley: JudgedValley
    pilot: GaussianSplit | None


def prepare(cells: MeasuredCells, counted: str, sizes: int, pilot: bool) -> Prepared:
    """Prepare a grammar for the largest compute, counted as "6ND" or "all", that so many sizes share."""
    log_C = cells.largest(counted, sizes)
    own = cells.pilot(counted, float(exp(log_C))) if pilot else None
    return Prepared(cells, counted, log_C, cells.valley(counted, log_C), own)


def known_of(study: Study, link: str, C: float) -> dict[str, Known]:
    """What lines are made of: each grammar's covariates and its split by a link or by isoFLOP, told at C = 6 N D."""
    out = {}
    for fit in study.fits:
        split, _ = split_of(fit, link)
        index = (fit["links"].get(link) or {}).get("index") or {}
        own = None if split is None else GaussianSplit.of(split).at(C)
        name = fit["dataset"]
        out[name] = Known(name, measures(study.covariates[name]), own, float(index.get("beta", BETA)))
    return out


def entrants(study: Study, known: Mapping[str, Known], prepared: Mapping[str, Prepared], judge: str) -> list[Entrant]:
    """Return the grammars that can be judged, by "valley" or by the law of a link."""
    found = []
    for fit in study.fits:
        here = prepared[fit["dataset"]]
        judged = here.valley if judge == VALLEY else _law(fit, judge, here)
        if judged is not None:
            floor = float(fit.get("floor") or 0.0)
            compute = here.cells.compute[here.counted]
            found.append(Entrant(known[fit["dataset"]], here.log_C, compute, judged, floor, here.pilot))
    return found


def measures(values: Mapping[str, Any]) -> dict[str, float]:
    """Covariates as lines take them: those whose ratios matter by their logarithms; what is no number is left out."""
    known = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return {
        name: float(log(value)) if name in LOGARITHMS else value
        for name, value in known.items()
        if value > 0 or name not in LOGARITHMS
    }


def by_dataset(study: Study) -> dict[str, list[Row]]:
    """Rows of runs.csv by dataset, in the order of the design."""
    found: dict[str, list[Row]] = {name: [] for name in study.datasets}
    for row in study.runs:
        found[row["dataset"]].append(row)
    return found


def _law(fit: Mapping[str, Any], link: str, here: Prepared) -> JudgedLaw | None:
    one = (fit.get("links") or {}).get(link) or {}
    law = law_of(one, link) if one.get("converged") and one.get("parameters") else None
    return None if law is None else JudgedLaw(here.log_C, *law, here.cells.compute[here.counted])


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value)) and value > 0
