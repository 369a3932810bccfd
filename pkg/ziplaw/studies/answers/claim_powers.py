"""How often each claim would be decided in the confirmatory half: by simulation, from the exploratory half alone.

A row a claim and scenario (a true effect): the shares of 1000 simulated studies in which the rules of
``claim_verdicts`` say supported, not supported and undecided. H is that of the confirmatory half's design, covariances
of fits, scatter of datasets about their lines and the number of reportable datasets are those of the exploratory half
(``laws/studies/effects/claim_power.py`` has the stand-ins). Scenarios change alpha and beta over .2 of H at the middle
of N and D; "as explored" takes the exploratory half's own lines for the truth. Kind "additive, H at its ends" is the
surest design of as many grammars: half of each family at the least and half at the largest H of the design. What that
does not decide, no choice of as many grammars within this range of H would. Claims about the split: the change of
ln N_opt (6 N D, middle compute) or of a over .2 of H. ``change`` is that of alpha, or of what the claim is about.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...laws.dependence.claims import CLAIMS
from ...laws.dependence.law_in_H import centre, regress_laws
from ...laws.dependence.selection import cells, choose_fits, estimates, panel_of
from ...laws.studies.effects.claim_power import ENOUGH, Planted, claim_power, split_power
from ...laws.studies.effects.covariate_effect import effect
from ...laws.studies.effects.equivalence import EXPONENT, OVER, SMALLEST
from ...laws.studies.effects.law_readings import KINDS
from ...numerics.functions import log
from ...tables.declared import DESIGN
from ..measured import Study
from ..readings.measured_laws import measured_laws
from ..readings.parts import column, readings_of

__all__ = ["AS_EXPLORED", "AT_ENDS", "ENOUGH", "SIXTEEN", "SMALL", "rows"]
COLUMNS = ("claim", "kind", "scenario", "change", "change_of_beta", "n", "supported", "not_supported", "undecided")
# changes of alpha and of beta over .2 of H
SCENARIOS = {
    "no change": (0.0, 0.0),
    "both fall": (-EXPONENT, -EXPONENT),
    "both rise": (EXPONENT, EXPONENT),
    "alpha falls": (-EXPONENT, 0.0),
    "beta falls, so a does": (0.0, -EXPONENT),
    "alpha falls by twice as much": (-2 * EXPONENT, 0.0),
    "both fall by twice as much": (-2 * EXPONENT, -2 * EXPONENT),
}
# those in which nothing changes by more than what would matter
SMALL = tuple(name for name, changes in SCENARIOS.items() if max(map(abs, changes)) <= EXPONENT)
CHANGES = {
    "ln_N": {"no change": 0.0, "x1.15": SMALLEST["ln_N"], "x1.5": 0.4054651081081644, "x1/1.5": -0.4054651081081644,
             "x2": 0.6931471805599453},
    "a": {"no change": 0.0, "by .05": 0.05, "by .1": 0.1},
}  # fmt: skip
AS_EXPLORED = "as explored"
SIXTEEN = CLAIMS  # of the paper; the others are about the best split
AT_ENDS = "additive, H at its ends"


def rows(study: Study) -> list[dict[str, Any]]:
    """Rows of the table; none without an exploratory half."""
    part = study.half("exploratory")
    if not part.design:
        return []
    design = _design(study)
    H = np.array([row["H"] for row in design], dtype=np.float64)
    return _of_the_law(part, design, H) + _of_the_split(part, H)


def _design(study: Study) -> list[dict[str, Any]]:
    """Rows of the confirmatory half's design, also where it has not been trained; else of the exploratory one's."""
    path = None if study.folder is None else study.folder / "design.csv"
    every = DESIGN.read(path) if path and path.is_file() else [dict(row) for row in study.design]
    return [row for row in every if row["half"] == "confirmatory"] or every


def _of_the_law(part, design, H):
    used, variant, _ = choose_fits(part.fits)
    if len({fit["H"] for fit in used}) < 5:
        return []
    tables = [cells(part.runs, fit) for fit in used]
    panel = panel_of(used, variant, tables)
    values, covariances, known = estimates(used, variant)
    logs = np.column_stack([log(np.maximum(values[:, :3], 1e-300)), values[:, 3:]])
    law = regress_laws(logs, covariances, known, ln_N=panel.x_mean, ln_D=panel.y_mean)
    _, S = centre(logs, covariances, panel.x_mean, panel.y_mean)
    lines = np.array(law["coefficients"])
    groups = (np.array([row["family"] == family for row in design]) for family in ("vocabulary", "H"))
    planted = Planted(
        H, *groups, S, np.array(law["scatter"]), lines[:, 0], min(len(used), len(H)), panel.x_mean, panel.y_mean,
    )  # fmt: skip
    told = {name: np.array([0, 0, 0, *change]) / OVER for name, change in SCENARIOS.items()}
    told |= {AS_EXPLORED: lines[:, 1]}
    at_ends = replace(planted, H=_at_ends(H, [row["family"] for row in design]))
    table = []
    for kind, of in {"additive": planted, AT_ENDS: at_ends}.items():
        for name, slopes in told.items():
            change = [OVER * float(slope) for slope in slopes[3:]]
            for claim, (yes, no) in claim_power(of, slopes).items():
                table.append(_row(claim, kind, name, *change, planted.count, yes, no))
    return table


def _at_ends(H, families):
    """H (K,) of the surest design of as many grammars: of each family half at either end of H; one H stays one."""
    H, least, most = H.copy(), H.min(), H.max()
    for family in set(families) - {"H"}:
        (mine,) = np.nonzero([one == family for one in families])
        mine = mine[np.argsort(H[mine], kind="stable")]
        H[mine[: len(mine) // 2]], H[mine[len(mine) // 2 :]] = least, most
    return H


def _of_the_split(part, H):
    told = {(one.quantity, one.kind): one for one in measured_laws(part, readings_of(part))}
    table = []
    for quantity, claims in (("ln_N", ("best_N_depends_on_H", "best_N_falls")), ("a", ("a_depends_on_H",))):
        for kind in KINDS:
            one = told[quantity, kind]
            line = effect(one.y, one.variance, column(part, one.names, "H"))
            if line is None:
                continue
            changes = CHANGES[quantity] | {AS_EXPLORED: OVER * line.slope}
            found = split_power(H, one.variance, line.scatter, changes, SMALLEST[quantity])
            for name, change in changes.items():
                for i, claim in enumerate(claims):
                    yes, no = found[name][2 * i : 2 * i + 2]
                    table.append(_row(claim, kind, name, change, None, len(H), yes, no))
    return table


def _row(claim, kind, scenario, change, change_of_beta, n, yes, no):
    return dict(zip(COLUMNS, (claim, kind, scenario, change, change_of_beta, n, yes, no, 1.0 - yes - no)))
