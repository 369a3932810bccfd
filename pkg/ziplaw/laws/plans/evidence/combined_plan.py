"""The plan: prior, effect of H and own runs as one Gaussian, with every line of the sum.

    prior N(m, S)  ->  moved by H: N(m + shift, S + S_H)  ->  updated by own runs N(y, V).

What moved the plan is then in sight: each line says where it puts N at the C asked for, and how surely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ....base import limits
from ....errors import FitError
from ....numerics.functions import exp, log10
from ...forms import arguments, kaplan
from ...forms.allocation import near_best, optimal_split, split
from ...forms.chinchilla import ADDITIVE, CHINCHILLA, CHINCHILLA_REFIT
from ...forms.form import Array, Form
from ...intervals import identification
from .effect_of_H import EffectOfH
from .gaussian_split import GaussianSplit, normal_quantile
from .own_runs import OwnRuns

# of the loss: what an N near the best one may cost
TOLERANCE = 1e-3
# standard deviations between prior and own runs from which on a reader is told
APART = 2.0


class Prior(NamedTuple):
    """What stands behind a plan before anything of its own is known.

    Attributes
    ----------
    split : GaussianSplit
        Of a new corpus.
    name : str
        What a reader calls it.
    document : dict
        Its file, for what it rests on.
    """

    split: GaussianSplit
    name: str
    document: Mapping[str, Any]


def combined_plan(
    C: float,
    *,
    prior: Prior | None,
    effect: EffectOfH | None = None,
    runs: OwnRuns | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """Return the best split of C from all that is known, with its parts.

    Parameters
    ----------
    C : float
        Training FLOPs, C = 6 N D.
    prior : Prior or None
        None leaves ``runs`` alone to speak; then H has nothing to move.
    effect : EffectOfH, optional
        By which H of this corpus moves the prior.
    runs : OwnRuns, optional
        The corpus's own runs.
    level : float
        Coverage of all bands.

    Returns
    -------
    dict
        ``N D tokens_per_parameter a`` with ``_interval`` each, ``loss`` and its interval (own runs only, else null),
        ``near_best``, ``lines`` (prior, H, runs), ``chinchilla``, ``kaplan``, ``refused``, ``warnings``.

    Raises
    ------
    FitError
        When neither prior nor runs are given, or a number is out of range.
    """
    level, C = arguments.check_level(level), float(arguments.check_within(C, "C", limits.FLOPS))
    if prior is None and runs is None:
        raise FitError("a plan needs something to rest on: give a prior, or own runs")
    lines: dict[str, Any] = dict.fromkeys(("prior", "H", "runs"))
    known, warnings = None, []
    if prior is not None:
        known = prior.split
        lines["prior"] = _line(known, C, level) | {"name": prior.name}
        if effect is not None:
            known = known.shifted(effect.shift, effect.covariance)
            lines["H"] = _effect_line(effect, prior.split, C, level)
    if runs is not None:
        lines["runs"] = _line(runs.split, C, level) | {
            "n": runs.n, "C": list(runs.C), "link": runs.link, "links": runs.links
        }  # fmt: skip
        if known is not None and (apart := known.z_score(runs.split, C)) > APART:
            warnings.append(
                f"own runs and what came before them lie {apart:.1f} standard deviations apart at C = {C:.3g}: look at "
                "what differs (columns, units, recipe) before you trust their sum"
            )
        known = runs.split if known is None else known.updated(runs.split)
    assert known is not None
    here = known.at(C)
    result: dict[str, Any] = {"C": C, "level": level} | here.split(C, level)
    result |= {"split": here.to_dict(), "loss": None, "loss_interval": None, "lines": lines, "warnings": warnings}
    if runs is not None:
        result["loss"], result["loss_interval"] = runs.loss(result["N"], result["D"], level)
        if C > 10 * runs.C[1]:
            warnings.append(
                f"extrapolation: C = {C:.3g} is {log10(C / runs.C[1]):.1f} orders of magnitude above the largest "
                f"own run"
            )
    parameters, form = (CHINCHILLA_REFIT.array, ADDITIVE) if runs is None else (runs.fit.parameters, runs.fit.form)
    result["near_best"] = near_plan(parameters, form, C, result["N"]) | {
        "law": "Chinchilla, refitted" if runs is None else "own runs"
    }
    result |= beside(C)
    judged = here.split(C, identification.LEVEL)["N_interval"]
    result["refused"] = [doubt.to_dict() for doubt in _doubts(C, result["N"], judged, runs)]
    return result


def _doubts(C, N, band, runs):
    found = identification.split_doubts(C, N, band, largest=None if runs is None else runs.C[1])
    if runs is None:
        found = [doubt._replace(remedy="give runs of your own (--runs)") for doubt in found]
    return found


def _line(split: GaussianSplit, C: float, level: float) -> dict[str, Any]:
    found = split.split(C, level)
    return {key: found[key] for key in ("N", "N_interval", "a", "a_interval")} | {"split": split.to_dict()}


def _effect_line(effect: EffectOfH, before: GaussianSplit, C: float, level: float) -> dict[str, Any]:
    """By what H multiplies N at C, with its band, and what it adds to a."""
    moved = GaussianSplit(effect.shift, effect.covariance, before.C).at(C)
    z, (sd_N, sd_a) = normal_quantile(level), np.sqrt(np.diag(moved.covariance))
    return {
        "h": effect.h, "h_sd": effect.h_sd,
        "factor": float(exp(moved.mean[0])),
        "factor_interval": [float(exp(moved.mean[0] + s * z * sd_N)) for s in (-1, 1)],
        "a_shift": float(moved.mean[1]),
        "a_shift_interval": [float(moved.mean[1] + s * z * sd_a) for s in (-1, 1)],
        "slopes": effect.slopes.tolist(), "slopes_covariance": effect.slopes_covariance.tolist(),
        "link": effect.link, "share": effect.share,
    }  # fmt: skip


def near_plan(parameters: Array, form: Form, C: float, N: float, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """Return the N at C whose loss is within ``tolerance`` of the best, about a plan's N.

    A law's valley, as wide as it is at its own best N for this C, is laid about ``N``: what a law says of how flat
    the bottom is holds where another puts the bottom.
    """
    best = float(split(parameters, C, form)[0])
    low, high = (float(end) for end in near_best(parameters, C, tolerance, form))
    ends = [N * low / best if low > 0 else None, N * high / best if high < np.inf else None]
    return {"tolerance": tolerance, "N": ends}


def beside(C: float) -> dict[str, Any]:
    """Return the published splits of C: Chinchilla's, its refit, Kaplan's."""
    out: dict[str, Any] = {"chinchilla": {}}
    for name, constants in (("published", CHINCHILLA), ("refit", CHINCHILLA_REFIT)):
        N, D, loss = (float(v) for v in optimal_split(constants.array, C))
        out["chinchilla"][name] = {"N": N, "D": D, "loss": loss, "source": constants.source}
    plan = kaplan.efficient_plan(C)
    out["kaplan"] = {"N": plan.N, "D": plan.D, "loss": plan.loss, "source": "Kaplan et al. 2020, arXiv 2001.08361"}
    return out
