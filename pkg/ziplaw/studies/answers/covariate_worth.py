"""Which covariate foretells exponents and split of a dataset that was left out best, against H and against none.

A row for each way of judging, family, quantity, kind and set of covariates. ``judged``: "exploratory" and
"confirmatory" leave one dataset of that half out; "by the exploratory half" draws the line through that half and
foretells the confirmatory one, which alone is out of sample for whoever chose covariates on the first. ``error`` is in
the quantity's units (``laws/studies/effects/left_out_errors.py``); ``less_none`` and ``less_H`` are differences to the
errors of the mean and of the line in H, below 0 where these covariates foretell better, with 95 % intervals over
datasets. ``best``: the least error of its group, which of so many is a little lucky wherever covariates were compared
on the same datasets. Counts (productions, vocabulary, sentence length) and what lies beyond a bigram enter as
logarithms. A covariate that some dataset lacks is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.studies.effects.left_out_errors import difference, error, foretold, left_out, weights_of
from ..measured import HALVES, Study
from ..readings.measured_laws import Measured, measured_laws
from ..readings.parts import column, covariates_of, halves, readings_of

NONE, H = "none", "H"
TOGETHER = (
    ("H", "unigram_entropy"), ("H", "floor"), ("unigram_entropy", "floor"), ("H", "unigram_entropy", "floor"),
    ("beyond_bigram", "H"), ("beyond_bigram", "vocab_size"), ("beyond_bigram", "unigram_entropy"),
    ("beyond_bigram", "floor"), ("beyond_bigram_measured", "H"), ("beyond_bigram_measured", "vocab_size"),
)  # fmt: skip
FAMILIES = ("all", "vocabulary")
BY_EXPLORATORY = "by the exploratory half"
COLUMNS = (
    "judged", "family", "quantity", "kind", "covariates", "n", "error", "of_none", "less_none", "less_none_low",
    "less_none_high", "less_H", "less_H_low", "less_H_high", "best",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    told = measured_laws(study, readings_of(study))
    names = covariates_of(study)
    sets: list[tuple[str, ...]] = [
        (),
        *((name,) for name in names),
        *(pair for pair in TOGETHER if set(pair) <= set(names)),
    ]
    table = []
    for judged in [half for half in halves(study) if half in HALVES] + [BY_EXPLORATORY] * ("both" in halves(study)):
        for family in FAMILIES:
            part = study.family(family)
            for one in told:
                if judged == BY_EXPLORATORY:
                    parts = [one.of(set(part.half(half).datasets)) for half in HALVES]
                else:
                    parts = [one.of(set(part.half(judged).datasets))]
                start = {"judged": judged, "family": family, "quantity": one.quantity, "kind": one.kind}
                table += compared(start, part, parts, sets)
    return table


def compared(start: dict[str, Any], study: Study, parts: list[Measured], sets: list[tuple[str, ...]]) -> list[dict]:
    """Rows for sets of covariates: one part is judged by leaving out, of two the second by the line of the first."""
    judged = parts[-1]
    misses = {}
    for names in sets:
        X = [np.empty((len(part.names), len(names))) for part in parts]
        for columns, part in zip(X, parts):
            for i, name in enumerate(names):
                columns[:, i] = column(study, part.names, name)
        if not all(np.isfinite(columns).all() for columns in X):
            continue
        if len(parts) == 1:
            miss = left_out(judged.y, judged.variance, X[0])
        else:
            said = foretold(parts[0].y, parts[0].variance, X[0], X[1])
            miss = None if said is None or not len(judged.y) else judged.y - said
        if miss is not None:
            misses[" + ".join(names) or NONE] = miss
    if NONE not in misses or len(judged.y) < 2:
        return []
    weights = weights_of(judged.y, judged.variance)
    errors = {name: error(miss, weights) for name, miss in misses.items()}
    least = min(errors, key=lambda name: errors[name])
    table = []
    for name, miss in misses.items():
        row = start | {"covariates": name, "n": len(miss), "error": errors[name], "best": name == least}
        row["of_none"] = errors[name] / errors[NONE]
        for other, key in ((NONE, "less_none"), (H, "less_H")):
            if name != other and other in misses:
                found = difference(miss, misses[other], weights)
                row |= {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}
        table.append({key: row.get(key) for key in COLUMNS})
    return table
