"""The same question of real text: best N of six corpora against their H, from pilots of ``results/reference/pilots``.

The best N at the compute of the held-out runs (all FLOPs), with its 95 % band read as a Gaussian in ln N: once with all
runs known, once by the pilot's runs alone. Six corpora of one vocabulary are few: an interval of four degrees of
freedom, and a p over all 720 orders whose least value is .003. Bytes a token stand beside H, since a tokenizer that
fits a corpus badly looks like compressibility.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base.documents import read_csv
from ...laws.studies.effects.covariate_effect import effect
from ...numerics.distributions import normal_inverse
from ...numerics.functions import exp, log
from ..measured import Study
from .split_moves import STEP_OF_H

RULES = {"all runs": "with held-out runs", "pilot alone": "runs alone"}
COVARIATES = ("H", "bytes_per_token")
COLUMNS = (
    "known", "C", "covariate", "n", "slope", "slope_low", "slope_high", "per", "factor", "factor_low", "factor_high",
    "scatter", "p_permutation", "rank_correlation",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, from ``pilots/corpora.csv`` and ``pilots/rules.csv`` of the study's folder; none without."""
    if study.folder is None or not (study.folder / "pilots" / "rules.csv").is_file():
        return []
    folder = study.folder / "pilots"
    corpora = {row["corpus"]: row for row in read_csv(folder / "corpora.csv")}
    rules = read_csv(folder / "rules.csv")
    table = []
    for known, rule in RULES.items():
        told = [row for row in rules if row["rule"] == rule]
        y = log(np.array([row["N"] for row in told], dtype=np.float64))
        ends = log(np.array([[row["N_lo"], row["N_hi"]] for row in told], dtype=np.float64))
        sd = (ends[:, 1] - ends[:, 0]) / (2 * normal_inverse(0.975))
        for name in COVARIATES:
            x = np.array([corpora[row["corpus"]][name] for row in told], dtype=np.float64)
            found = effect(y, np.square(sd), x)
            if found is None:
                continue
            per = STEP_OF_H if name == "H" else float(x.std())
            ends_of = (found.slope, found.low, found.high)
            factors = exp(np.clip(per * np.array(ends_of), -690, 690)).tolist()
            # budgets differ by whole documents alone
            C = float(np.median([row["C"] for row in told]))
            numbers = (known, C, name, found.n, *ends_of, per, *factors, found.scatter, found.p_permutation,
                       found.rank_correlation)  # fmt: skip
            table.append(dict(zip(COLUMNS, numbers)))
    return table
