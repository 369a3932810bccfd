"""Each claim of the paper, and those about the split, judged on each half by itself.

A row a half and claim: the rules of ``laws/dependence/claims.py`` first, then those of
``laws/studies/effects/equivalence.py``, by which an effect that is known to be too small to matter decides a claim as
"not supported". ``rule``: which of them decided ("significance", "smallness", "none"). ``effect``: the change over .2
of H, with its 95 % interval and the smallest effect that would matter. Everything is made of the half's own runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.dependence.claims import claims
from ...laws.dependence.regress import evidence, regress
from ...laws.dependence.selection import choose_fits, estimates
from ...laws.studies.effects.equivalence import group_law, judged_again
from ...numerics.functions import log
from ..measured import HALVES, Study
from ..readings.parts import halves

COLUMNS = (
    "half", "claim", "statement", "statistic", "estimate", "low", "high", "p_value", "effect", "effect_low",
    "effect_high", "smallest", "verdict", "rule", "why",
)  # fmt: skip


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table, see the head of this module."""
    table = []
    for half in halves(study):
        if half in HALVES:
            table += [{"half": half, **row} for row in judged(study.half(half))]
    return [{name: row.get(name) for name in COLUMNS} for row in table]


def judged(part: Study) -> list[dict[str, Any]]:
    """Judge all claims on a part of a study."""
    regression = regress(part.runs, part.fits, bootstrap=0)
    panel, errors = evidence(part.runs, part.fits)
    return judged_again(claims(regression, panel, errors), regression, _one_vocabulary(part, regression))


def _one_vocabulary(part, regression):
    """The law in H of the largest group of reportable datasets with one vocabulary; None where there is no law."""
    law = regression["law"]
    if law is None:
        return None
    used, variant, _ = choose_fits(part.fits)
    values, covariances, H = estimates(used, variant)
    sizes = [part.covariates[fit["dataset"]]["vocab_size"] for fit in used]
    most = max(sorted(set(sizes)), key=sizes.count)
    logs = np.column_stack([log(np.maximum(values[:, :3], 1e-300)), values[:, 3:]])
    centre, mask = law["centre"], np.array([size == most for size in sizes])
    return group_law(logs, covariances, H, mask, centre["ln_N"], centre["ln_D"], law["level"])
