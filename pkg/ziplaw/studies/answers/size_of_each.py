"""The best N of each grammar at the middle compute, by every link and isoFLOP, beside what was known before training.

A row for each accounting of compute, kind and dataset. ``ln_N_stderr`` is the jackknife's over runs; ``outside``: the
best N lies beyond the sizes that were measured. Datasets whose split a kind does not identify are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.studies.effects.best_sizes import best_sizes, computes
from ...laws.studies.effects.law_readings import ACCOUNTINGS, KINDS
from ..measured import Study
from ..readings.parts import COVARIATES, readings_of

SHOWN = tuple(dict.fromkeys((*COVARIATES, "beyond_bigram", "beyond_bigram_measured")))
COLUMNS = (
    "accounting", "C", "kind", "dataset", "half", "family", *SHOWN, "ln_N", "ln_N_stderr", "ln_ratio",
    "ln_ratio_stderr", "outside",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    readings, found = readings_of(study), []
    design = {row["dataset"]: row for row in study.design}
    for accounting in ACCOUNTINGS:
        C = computes(study.runs, accounting)["middle"]
        for kind in KINDS:
            sizes = best_sizes(readings, kind, accounting, C)
            errors = np.sqrt(sizes.variance), np.sqrt(sizes.variance_ratio)
            columns = (sizes.ln_N, errors[0], sizes.ln_ratio, errors[1], sizes.outside)
            for name, *values in zip(sizes.names, *(column.tolist() for column in columns), strict=True):
                known = {key: design[name][key] for key in ("half", "family")}
                known |= {key: study.covariates[name].get(key) for key in SHOWN}
                told = dict(zip(("ln_N", "ln_N_stderr", "ln_ratio", "ln_ratio_stderr", "outside"), values, strict=True))
                found.append({"accounting": accounting, "C": C, "kind": kind, "dataset": name, **known, **told})
    return found
