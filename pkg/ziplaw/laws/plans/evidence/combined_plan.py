"""The plan: prior, effect of H and own runs as one Gaussian, with every line of the sum.

    prior N(m, S)  ->  moved by H: N(m + shift, S + S_H)  ->  updated by own runs N(y, V).

What moved the plan is then in sight: each line says where it puts N at the C asked for, and how surely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from ....base import limits
from ....errors import FitError
from ....numerics.functions import exp, log, log10, logaddexp
from ...forms import arguments, kaplan
from ...forms.allocation import near_best, optimal_split, split
from ...forms.chinchilla import ADDITIVE, CHINCHILLA, CHINCHILLA_REFIT
from ...forms.form import Array, Form
from ...intervals import identification
from .effect_of_H import EffectOfH
from .gaussian_split import GaussianSplit, normal_quantile
from .own_fit import OwnFit
from .own_runs import OwnRuns

# of the loss: what an N near the best one may cost
TOLERANCE = 1e-3
_FARTHEST = 40.0  # e-folds of N from the best one
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


class Accounting(Protocol):
    """All training FLOPs as a function of N (``laws.pilots.compute.Compute``), where C is not 6 N D."""

    def split(self, known: GaussianSplit, C: float, level: float = 0.95, *, beta: float = 0.45) -> dict[str, Any]:
        """Tell a split known at C = 6 N D for C of all FLOPs: as ``GaussianSplit.split``, and ``C_6nd``."""

    def per_token(self, N: Any) -> Any:
        """FLOPs per token at N."""

    def best(self, log_A: Any, log_B: Any, alpha: Any, beta: Any, C: Any) -> Any:
        """Ln N_opt at C of the index ln(A/N^alpha + B/D^beta)."""


def combined_plan(
    C: float,
    *,
    prior: Prior | None,
    effect: EffectOfH | None = None,
    runs: OwnRuns | OwnFit | None = None,
    level: float = 0.95,
    compute: Accounting | None = None,
) -> dict[str, Any]:
    """Return the best split of C from all that is known, with its parts.

    Parameters
    ----------
    C : float
        Training FLOPs: all of them with ``compute``, else C = 6 N D.
    prior : Prior or None
        None leaves ``runs`` alone to speak; then H has nothing to move.
    effect : EffectOfH, optional
        By which H of this corpus moves the prior.
    runs : OwnRuns or OwnFit, optional
        The corpus's own runs, or the file of their fit, which tells no loss.
    level : float
        Coverage of all bands.
    compute : Accounting, optional
        Counts all FLOPs; the Gaussians stay those of C = 6 N D.

    Returns
    -------
    dict
        ``N D tokens_per_parameter a`` with ``_interval`` each, ``loss`` and its interval (own runs only, else null),
        ``near_best``, ``lines`` (prior, H, runs), ``chinchilla``, ``kaplan`` (both of C = 6 N D), ``refused``,
        ``warnings``; with ``compute`` also ``C_6nd``, 6 N D of the plan, and ``six_nd``, the plan were C = 6 N D.

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
    count = _Count(compute, runs)
    if prior is not None:
        known = prior.split
        lines["prior"] = count.line(known, C, level) | {"name": prior.name}
        if effect is not None:
            known = known.shifted(effect.shift, effect.covariance)
            lines["H"] = _effect_line(effect, prior.split, count.six_nd(prior.split, C), level)
            if compute is not None:
                _by_ratio(lines["H"], count.split(known, C, level)["N"] / lines["prior"]["N"])
    if runs is not None:
        lines["runs"] = count.line(runs.split, C, level) | {
            "n": runs.n, "C": list(count.of_runs), "link": runs.link, "links": runs.links
        }  # fmt: skip
        if known is not None and (apart := known.z_score(runs.split, count.six_nd(known, C))) > APART:
            warnings.append(
                f"own runs and what came before them lie {apart:.1f} standard deviations apart at C = {C:.3g}: look at "
                "what differs (columns, units, recipe) before you trust their sum"
            )
        known = runs.split if known is None else known.updated(runs.split)
    assert known is not None
    here = known.at(C)
    result: dict[str, Any] = {"C": C, "level": level} | count.split(known, C, level)
    if compute is not None:
        result["six_nd"] = here.split(C, level)
    result |= {"split": here.to_dict(), "loss": None, "loss_interval": None, "lines": lines, "warnings": warnings}
    if runs is not None:
        result["loss"], result["loss_interval"] = runs.loss(result["N"], result["D"], level)
        if C > 10 * count.of_runs[1]:
            warnings.append(
                f"extrapolation: C = {C:.3g} is {log10(C / count.of_runs[1]):.1f} orders of magnitude above the "
                f"largest own run"
            )
    own = None if runs is None else runs.law
    parameters, form = own or (CHINCHILLA_REFIT.array, ADDITIVE)
    result["near_best"] = near_plan(parameters, form, C, result["N"], compute=compute) | {
        "law": "own runs" if own else "Chinchilla, refitted"
    }
    result |= beside(C)
    judged = count.split(known, C, identification.LEVEL)["N_interval"]
    largest = None if runs is None else count.of_runs[1]
    result["refused"] = [doubt.to_dict() for doubt in _doubts(C, result["N"], judged, largest)]
    return result


class _Count:
    """Splits at C by one accounting: all FLOPs, or 6 N D without."""

    def __init__(self, compute: Accounting | None, runs: OwnRuns | OwnFit | None) -> None:
        self.compute = compute
        self.of_runs: tuple[float, float] = (0.0, 0.0)
        self.beta: dict[str, float] = {}
        if runs is None:
            return
        self.of_runs = runs.C
        if compute is not None:
            self.of_runs = runs.spent(compute.per_token)
            self.beta = {"beta": runs.beta}

    def split(self, known: GaussianSplit, C: float, level: float) -> dict[str, Any]:
        """Tell a split at C."""
        if self.compute is None:
            return known.split(C, level)
        return self.compute.split(known, C, level, **self.beta)

    def line(self, known: GaussianSplit, C: float, level: float) -> dict[str, Any]:
        """One line of the sum; its Gaussian is told where 6 N D is C."""
        found = self.split(known, C, level)
        keys = ("N", "N_interval", "tokens_per_parameter", "a", "a_interval")
        return {key: found[key] for key in keys} | {"split": known.to_dict()}

    def six_nd(self, known: GaussianSplit, C: float) -> float:
        """6 N D of the best split of C: the C at which a Gaussian has that N, but for the elasticity."""
        return C if self.compute is None else float(self.split(known, C, 0.95)["C_6nd"])


def _doubts(C, N, band, largest):
    found = identification.split_doubts(C, N, band, largest=largest)
    if largest is None:
        found = [doubt._replace(remedy="give runs of your own (--runs)") for doubt in found]
    return found


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
        "link": effect.link, "share": effect.share, "covariate": effect.covariate,
    }  # fmt: skip


def _by_ratio(line: dict[str, Any], factor: float) -> None:
    """Let the factor be that between the lines about it; its band is as wide as it was."""
    line["factor_interval"] = [end * factor / line["factor"] for end in line["factor_interval"]]
    line["factor"] = factor


def near_plan(
    parameters: Array, form: Form, C: float, N: float, tolerance: float = TOLERANCE, compute: Accounting | None = None
) -> dict[str, Any]:
    """Return the N at C whose loss is within ``tolerance`` of the best, about a plan's N.

    A law's valley, as wide as it is at its own best N for this C, is laid about ``N``: what a law says of how flat
    the bottom is holds where another puts the bottom. With ``compute`` along C of all FLOPs, else along 6 N D.
    """
    if compute is None:
        best = float(split(parameters, C, form)[0])
        low, high = (float(end) for end in near_best(parameters, C, tolerance, form))
    else:
        best, low, high = _near_best_of_all(parameters, form, C, tolerance, compute)
    ends = [N * low / best if low > 0 else None, N * high / best if high < np.inf else None]
    return {"tolerance": tolerance, "N": ends}


def _near_best_of_all(
    parameters: Array, form: Form, C: float, tolerance: float, compute: Accounting
) -> tuple[float, float, float]:
    """Best N and the least and largest N near it along c(N) D = C; 0 or inf where the loss never rises as far."""
    A, B, alpha, beta = (float(v) for v in form.power_terms(parameters))
    middle = float(compute.best(log(A), log(B), alpha, beta, C))

    def loss(x: float) -> float:
        log_D = log(C) - log(compute.per_token(exp(x)))
        return float(form.loss_of_index(parameters, logaddexp(log(A) - alpha * x, log(B) - beta * log_D)))

    limit = loss(middle) * (1 + tolerance)
    ends = []
    for sign, beyond in ((-1.0, 0.0), (1.0, np.inf)):
        inside, outside = 0.0, _FARTHEST
        bounded = loss(middle + sign * outside) > limit
        for _ in range(50):
            half = 0.5 * (inside + outside)
            inside, outside = (inside, half) if loss(middle + sign * half) > limit else (half, outside)
        ends.append(float(exp(middle + sign * inside)) if bounded else beyond)
    return float(exp(middle)), ends[0], ends[1]


def beside(C: float) -> dict[str, Any]:
    """Return the published splits of C: Chinchilla's, its refit, Kaplan's."""
    out: dict[str, Any] = {"chinchilla": {}}
    for name, constants in (("published", CHINCHILLA), ("refit", CHINCHILLA_REFIT)):
        N, D, loss = (float(v) for v in optimal_split(constants.array, C))
        out["chinchilla"][name] = {"N": N, "D": D, "loss": loss, "source": constants.source}
    plan = kaplan.efficient_plan(C)
    out["kaplan"] = {"N": plan.N, "D": plan.D, "loss": plan.loss, "source": "Kaplan et al. 2020, arXiv 2001.08361"}
    return out
