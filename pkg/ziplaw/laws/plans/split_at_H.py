"""The best split for data of a given compressibility: by a law in H, with bands, beside the published laws.

What it rests on, how far it lies outside of that, and why it may be no plan at all, are said with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base import limits
from ...errors import FitError
from ...numerics.functions import log10
from ..dependence.law_in_H import blend, draws_at, parameters_at
from ..forms import arguments, kaplan
from ..forms.allocation import exponents, optimal_split
from ..forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, PARAMETERS
from ..intervals import identification
from ..intervals.drawn_laws import split_bands
from ..intervals.identification import Doubt, refusal
from ..intervals.quantities import tails

# what a prediction lacks when its split is not identified
SPLIT = ("N", "D", "loss", "tokens_per_parameter", "N_interval", "D_interval", "loss_interval", "a", "b", "a_interval")
SPLIT += ("parameters",)


def split_at_H(
    law: Mapping[str, Any],
    H: float,
    C: float,
    *,
    level: float = 0.95,
    epsilon: float = 1.0,
    fitted_on: Mapping[str, Any] | None = None,
    without_H: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Best N, D and loss for compressibility H and C training FLOPs, with bands, beside Chinchilla's.

    Parameters
    ----------
    law : dict
        The "law" of regression.json (``law_in_H.regress_laws``).
    H : float
        Gzip-compressibility of the data.
    C : float
        Training FLOPs, C = 6 N D.
    level : float
        Coverage of the bands, which hold for a new dataset of this H: they include the scatter of datasets.
    epsilon : float
        Weight of the law against Chinchilla's constants (1: the law alone).
    fitted_on : dict, optional
        Ranges "H" and "C" behind the law, for saying how far this extrapolates.
    without_H : dict, optional
        The mean law of the datasets, whose split is then given beside it.

    Returns
    -------
    dict
        ``refused`` holds the reasons why the split is not identified, each with what would settle it; empty if it is.

    Raises
    ------
    FitError
        When an argument is out of range, or the law gives less than one parameter or token there.
    """
    arguments.check_level(level)
    H = float(arguments.check_within(H, "H", limits.COMPRESSIBILITY))
    C = float(arguments.check_within(C, "C", limits.FLOPS))
    parameters = blend(parameters_at(law, H), epsilon) if epsilon != 1 else parameters_at(law, H)
    drawn = draws_at(law, H)
    drawn = blend(drawn, epsilon) if epsilon != 1 else drawn
    band = split_bands(drawn, C, level)
    N, D, loss = (float(v) for v in optimal_split(parameters, C))
    if not (N >= 1 and D >= 1):
        far = f"; {extrapolation(H, C, fitted_on)['text']}" if fitted_on else ""
        raise FitError(
            f"at H = {H:g} and C = {C:g} the law's best split is {N:.3g} parameters and {D:.3g} tokens, which means "
            f"nothing{far}: stay nearer to what the law was fitted on"
        )
    a, b, _ = exponents(parameters)
    a_band = np.quantile(exponents(drawn)[0], tails(level))
    out: dict[str, Any] = {
        "H": H, "C": C, "level": level, "epsilon": float(epsilon),
        "N": N, "D": D, "loss": loss, "tokens_per_parameter": D / N,
        "N_interval": band["N"], "D_interval": band["D"], "loss_interval": band["loss"],
        "a": float(a), "b": float(b), "a_interval": a_band.tolist(),
        "parameters": dict(zip(PARAMETERS, parameters.tolist())),
        "chinchilla": {},
    }  # fmt: skip
    for name, constants in (("published", CHINCHILLA), ("refit", CHINCHILLA_REFIT)):
        cN, cD, cL = (float(v) for v in optimal_split(constants.array, C))
        out["chinchilla"][name] = {"N": cN, "D": cD, "loss": cL, "source": constants.source}
    plan = kaplan.efficient_plan(C)
    out["kaplan"] = {"N": plan.N, "D": plan.D, "loss": plan.loss, "source": "Kaplan et al. 2020, arXiv 2001.08361"}
    # beside the law in H the mean law: what knowing H changes
    out["without_H"] = None
    if without_H is not None:
        mean = dict(zip(("N", "D", "loss"), (float(v) for v in optimal_split(parameters_at(without_H, H), C))))
        mean_drawn = draws_at(without_H, H)
        edges = split_bands(mean_drawn, C, level)
        out["without_H"] = mean | {f"{name}_interval": edges[name] for name in edges}
        out["without_H"]["identified"] = not _doubts(mean_drawn, C, mean["N"], fitted_on)
    out["extrapolation"] = extrapolation(H, C, fitted_on) if fitted_on else None
    out["refused"] = [doubt.to_dict() for doubt in _doubts(drawn, C, N, fitted_on)]
    return out


def _doubts(drawn, C, N, fitted_on):
    """What is to be said against a split of C, judged by drawn laws (n, 5)."""
    found = identification.drawn_doubts(drawn)
    found += identification.split_doubts(C, N, split_bands(drawn, C, identification.LEVEL)["N"])
    if fitted_on is None:
        return found
    low, high = fitted_on["C"]
    where = (
        f"measure datasets like yours nearer to C = {C:.3g}"
        if not low <= C <= high
        else "measure more datasets of such H"
    )
    return [
        doubt._replace(remedy=f"{where} (behind this law: {low:.3g} to {high:.3g}) and give that law")
        for doubt in found
    ]


def extrapolation(H: float, C: float, fitted_on: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """How far H and C lie outside what a law was fitted on: orders of magnitude in C, distance in H, and a sentence."""
    (h_lo, h_hi), (c_lo, c_hi) = fitted_on["H"], fitted_on["C"]
    decades = max(log10(C / c_hi), log10(c_lo / C), 0.0)
    distance = max(H - h_hi, h_lo - H, 0.0)
    parts = []
    if decades > 0:
        parts.append(
            f"C = {C:.3g} FLOPs is {decades:.1f} orders of magnitude outside the measured {c_lo:.3g} to {c_hi:.3g}"
        )
    if distance > 0:
        parts.append(f"H = {H:.3f} is {distance:.3f} outside the measured {h_lo:.3f} to {h_hi:.3f}")
    text = "; ".join(parts) if parts else "inside the measured range of H and C"
    return {"C_decades": float(decades), "H_distance": float(distance), "in_range": not parts, "text": text}


def prediction(
    document: Mapping[str, Any], H: float, C: float, *, level: float = 0.95, epsilon: float = 1.0, check: bool = True
) -> dict[str, Any]:
    """Predict from a regression document: ``split_at_H`` with what the law rests on and every reason for doubt.

    Raises
    ------
    FitError
        When the document holds no law, or does not identify the split (``check=False`` gives the numbers all the same,
        with the reasons under "refused").
    """
    if document.get("law") is None:
        raise FitError(
            f"this regression holds no law ({document.get('conclusion', 'no conclusion')}): give another --law"
        )
    on = document["fitted_on"]
    result = split_at_H(
        document["law"], H, C, level=level, epsilon=epsilon, fitted_on=on, without_H=document.get("law_without_H")
    )
    if check and result["refused"]:
        doubts = [Doubt(**doubt) for doubt in result["refused"]]
        raise FitError(f"{refusal(doubts)}; check=False gives the numbers all the same")
    warnings = []
    if not result["extrapolation"]["in_range"]:
        warnings.append(f"extrapolation: {result['extrapolation']['text']}")
    test = document.get("joint_test")
    if test is None or test["p_permutation"] > 1 - document["level"]:
        p = "no joint test" if test is None else f"permutation p = {test['p_permutation']:.2g}"
        warnings.append(f"that exponents depend on H is not established in the data behind this law ({p})")
    poor = sum((d["rms_log_residual"] or 0) > 0.05 for d in document["datasets"])
    if poor:
        warnings.append(f"the additive form misses by more than 5 % in {poor} of {on['n_datasets']} datasets behind it")
    return result | {"fitted_on": on, "warnings": warnings}


def identified_prediction(
    document: dict[str, Any], H: float, C: float, *, level: float = 0.95, epsilon: float = 1.0, anyway: bool = False
) -> dict[str, Any]:
    """Return a `prediction` without the numbers of splits that are not identified; ``anyway`` keeps them, marked.

    Each of ``SPLIT`` is None where the split is withheld, and ``refused`` says why.
    """
    result = prediction(document, H, C, level=level, epsilon=epsilon, check=False)
    if anyway:
        return result
    if result["refused"]:
        return result | dict.fromkeys(SPLIT) | {"without_H": None}
    if (mean := result["without_H"]) and not mean["identified"]:
        return result | {"without_H": dict.fromkeys(mean) | {"identified": False}}
    return result
