"""What moves the best split: H, the vocabulary's use, the floor or what lies beyond a bigram, others held fixed.

A row for each half, family, accounting, kind, covariate and what is given, at the middle compute: the slope of
ln N_opt with its interval, p by relabelling what the given ones leave (Freedman and Lane), and the partial rank
correlation. "others" given are the other three of these four (unigram entropy stands for the vocabulary's use), "all"
the counts as well. Without conditional entropies (covariates.csv) there are three. ``carried_by`` is the answer of a
stated rule (``laws/studies/effects/carriers.py``), the same in all rows of one half, family, accounting and kind;
``p_holm`` is that of the covariate given the others, as that rule corrects it.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.carriers import carriers
from ...laws.studies.effects.covariate_effect import effect
from ...laws.studies.effects.law_readings import ACCOUNTINGS, KINDS
from ...numerics.functions import exp
from ..measured import Study
from ..readings.parts import COVARIATES, column, parts, readings_of
from .split_moves import STEP_OF_H

RIVALS = ("H", "unigram_entropy", "floor", "beyond_bigram")
# nearly the same as the last: it would take everything from it
_TWIN = "beyond_bigram_measured"
COLUMNS = (
    "half", "family", "accounting", "C", "kind", "covariate", "given", "n", "slope", "slope_low", "slope_high", "per",
    "factor", "factor_low", "factor_high", "p_permutation", "p_holm", "rank_correlation", "p_together", "carried_by",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    readings = readings_of(study)
    table = []
    for half, family, part in parts(study):
        mine = {name: readings[name] for name in part.datasets}
        for accounting in ACCOUNTINGS:
            C = computes(study.runs, accounting)["middle"]
            for kind in KINDS:
                start = {"half": half, "family": family, "accounting": accounting, "C": C, "kind": kind}
                table += _rows(start, part, best_sizes(mine, kind, accounting, C))
    return table


def _rows(start, part, sizes):
    known = {name: column(part, sizes.names, name) for name in COVARIATES if name != _TWIN}
    known = {name: x for name, x in known.items() if np.isfinite(x).all()}
    if start["family"] == "H":
        known.pop("H", None)
    columns = {name: known[name] for name in RIVALS if name in known}
    if len(sizes.names) < len(columns) + 4:
        return []
    ruled = carriers(sizes.ln_N, sizes.variance, columns)
    table = []
    for name, x in columns.items():
        others = [other for other in columns if other != name]
        pairs = [pair for pair in combinations(others, 2) if len(others) > 2]
        sets = {" and ".join(given): given for given in [*((other,) for other in others), *pairs]}
        sets |= {"others": tuple(others), "all": tuple(other for other in known if other != name)}
        for given, held in sets.items():
            found = effect(sizes.ln_N, sizes.variance, x, np.column_stack([known[other] for other in held]))
            if found is None:
                continue
            per = STEP_OF_H if name == "H" else float(np.sqrt(np.square(x - x.mean()).mean()))
            ends = {"slope": found.slope, "slope_low": found.low, "slope_high": found.high}
            factors = exp(np.clip(np.array(list(ends.values())) * per, -690, 690)).tolist()
            row = start | ends | dict(zip(("factor", "factor_low", "factor_high"), factors))
            row |= {"covariate": name, "given": given, "n": found.n, "per": per}
            row |= {"p_permutation": found.p_permutation, "rank_correlation": found.rank_correlation}
            row["p_holm"] = ruled.p_given_others[name] if given == "others" else None
            row |= {"p_together": ruled.p_together, "carried_by": ruled.answer}
            table.append({key: row[key] for key in COLUMNS})
    return table
