"""How noisy ln N_opt of one seed is, from the grammars that were trained with two, and whether intervals agree.

A row for each half, accounting, compute and kind. ``seed_sd``: standard deviation of ln N_opt of one seed;
``claimed_sd``: what the fits of single seeds say; ``ratio``: root mean square of the differences over what these
foretell, with its 95 % interval, which ``verdict`` reads. ``scatter``: of datasets about the line in H, all seeds
fitted together; of it seeds are only a part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.covariate_effect import effect
from ...laws.studies.effects.law_readings import ACCOUNTINGS, KINDS
from ...laws.studies.effects.seed_noise import seed_noise
from ..measured import Study
from ..readings.parts import column, parts, readings_of

FEWEST = 3
COLUMNS = (
    "half", "accounting", "compute", "C", "kind", "n", "seed_sd", "seed_sd_low", "seed_sd_high", "claimed_sd", "ratio",
    "ratio_low", "ratio_high", "scatter", "verdict",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    seeds = [readings_of(part) for part in _one_seed_each(study)]
    together = readings_of(study)
    table = []
    for half, _, part in parts(study, ("all",)):
        for accounting in ACCOUNTINGS:
            for compute, C in computes(study.runs, accounting).items():
                for kind in KINDS:
                    start = {"half": half, "accounting": accounting, "compute": compute, "C": C, "kind": kind}
                    told = [best_sizes(_of(found, part), kind, accounting, C) for found in seeds]
                    whole = best_sizes(_of(together, part), kind, accounting, C)
                    table += _row(start, told, effect(whole.ln_N, whole.variance, column(part, whole.names, "H")))
    return table


def _one_seed_each(study):
    """Two studies of the datasets that have two seeds: one of the first, one of the second."""
    seeds: dict[str, list] = {}
    for row in study.runs:
        if row["seed"] not in seeds.setdefault(row["dataset"], []):
            seeds[row["dataset"]].append(row["seed"])
    twice = study.only({name for name, found in seeds.items() if len(found) > 1})
    for which in (0, 1):
        runs = tuple(row for row in twice.runs if row["seed"] == sorted(seeds[row["dataset"]])[which])
        yield Study(twice.design, runs, twice.fits, twice.covariates)


def _of(readings, part):
    return {name: readings[name] for name in part.datasets if name in readings}


def _row(start, told, line):
    common = [name for name in told[0].names if name in told[1].names]
    if len(common) < FEWEST:
        return []
    at = [[sizes.names.index(name) for name in common] for sizes in told]
    values = [sizes.ln_N[index] for sizes, index in zip(told, at)]
    variances = [sizes.variance[index] for sizes, index in zip(told, at)]
    found = seed_noise(*map(np.asarray, values), *map(np.asarray, variances))
    numbers = (
        found.n, found.sd, *found.sd_interval, found.claimed, found.ratio, *found.ratio_interval,
        None if line is None else line.scatter, found.verdict,
    )  # fmt: skip
    return [start | dict(zip(COLUMNS[5:], numbers))]
