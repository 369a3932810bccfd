"""The plan of a pilot as one document: the answer, where it comes from, what it rests on and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from ...base import limits
from ...errors import FitError
from ...laws.forms.arguments import check_level, check_within
from ...laws.pilots.reading import predict_held_out
from ...laws.plans.evidence.combined_plan import TOLERANCE, beside
from ...laws.plans.learning_rates import learning_rate_rules
from ...sweep.effects.law_or_effect import law_moving_priors
from ...sweep.published_prior import read_prior
from ...sweep.reference_law import read_law
from .plan_curves import at_ratio, best_n_rows, isoflop_rows
from .plan_doubts import cautions, refusals
from .plan_evidence import PilotEvidence, gather_evidence
from .plan_next import next_rounds
from .plan_rows import plan_rows
from .plan_target import GPU_FLOPS, PRICE, bill, data_needed, target_shape, vocabulary
from .results_folder import PilotFolder


class WholePlan(NamedTuple):
    """A plan and the tables beside it.

    Attributes
    ----------
    document : dict
        plan.json, see docs/formats.md.
    tables : dict
        Name of a file of ``plan_rows.HEADERS`` -> its rows.
    """

    document: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]


def pilot_plan(
    folder: str | os.PathLike[str],
    flops: float | None = None,
    *,
    level: float = 0.95,
    prior: str = "web",
    law: str | None = None,
    gpu_flops: float = GPU_FLOPS,
    price: float = PRICE,
    unique: float | None = None,
    threads: int | None = None,
) -> WholePlan:
    """Plan from all that a pilot's folder holds.

    Parameters
    ----------
    folder : path-like
        ``results/<pilot>``.
    flops : float, optional
        All training FLOPs of the run to plan; by default those the pilot was designed for.
    level : float
        Coverage of all bands.
    prior : str
        "web", "none" or a file, see ``read_prior``.
    law : str, optional
        A regression document that says how H moves the split; by default the one shipped with ziplaw.
    gpu_flops, price : float
        FLOPs a second that a GPU sustains; the price of its hour.
    unique : float, optional
        Unique tokens that there are to train on; by default those of the corpus.
    threads : int, optional
        For a score.

    Raises
    ------
    FitError
        When the folder is no pilot with runs, a number is out of range, or nothing says anything about the split.
    """
    pilot = PilotFolder(Path(folder))
    if not pilot.cells:
        raise FitError(f"{pilot.folder}: no run has a finite loss, so there is nothing to plan from: train again")
    C = float(check_within(pilot.target_C if flops is None else flops, "FLOPs", limits.FLOPS))
    level = check_level(level)
    check_within(gpu_flops, "a GPU's FLOPs a second", limits.GPU_FLOPS)
    check_within(price, "the price of a GPU's hour", limits.PRICE)
    evidence = gather_evidence(pilot, C, read_prior(prior), read_law(law) if law else law_moving_priors(), threads)
    best = evidence.split(C, level)
    check = predict_held_out(pilot.table, evidence.compute, level=level, text=pilot.of_text)
    isoflop, note = isoflop_rows(pilot, level, evidence.runs)
    shape = target_shape(pilot, best["N"], C)
    loss, band = (None, None) if evidence.runs is None else evidence.runs.loss(best["N"], best["D"], level)
    document = {
        "pilot": pilot.name,
        "level": level,
        **best,
        "loss": loss,
        "loss_interval": band,
        "loss_unit": "nats per token",
        "near_best": _near(evidence, best, C),
        "shape": shape,
        "bill": bill(C, gpu_flops, price),
        "lines": evidence.lines(C, level),
        "H": evidence.h,
        "law": _law(evidence),
        "isoflop": {"note": note, "best": [_point(row) for row in isoflop if row["kind"] == "best"]},
        "check": _check(check),
        "data": data_needed(pilot, evidence.compute, best, level, unique),
        "vocabulary": vocabulary(pilot, shape),
        "recipe": learning_rate_rules(best["N"], best["D"]),
        "beside": _beside(evidence, C),
        "next": next_rounds(pilot, evidence, C, level, best),
        "runs": _runs(pilot),
        "refused": refusals(pilot, evidence, C),
        "warnings": cautions(pilot, evidence, C, level, check),
        "prior": None if evidence.prior is None else evidence.prior.name,
        "asked": {"prior": prior, "law": law, "level": level, "gpu_flops": gpu_flops, "price": price},
        "inputs": pilot.fingerprint(),
    }
    return WholePlan(
        document,
        {
            "plan.csv": plan_rows(document),
            "isoflop.csv": isoflop,
            "best_n.csv": best_n_rows(pilot, evidence, C, level, isoflop),
            "held_out.csv": check,
        },
    )


def _point(row):
    return {"C": row["C"], "N": row["N"], "N_interval": [row["N_lo"], row["N_hi"]], "loss": row["loss"]}


def _near(evidence: PilotEvidence, best: dict[str, Any], C: float) -> dict[str, Any] | None:
    """The N that cost next to nothing: the valley of the runs' law, laid about the plan's N."""
    if evidence.runs is None:
        return None
    low, high = evidence.runs.near_best(C, TOLERANCE)
    N = evidence.runs.near_best(C, 0.0)[0]
    ends = [best["N"] * low / N, best["N"] * high / N]
    D = [float(evidence.compute.tokens(end, C)) for end in ends]
    return {"tolerance": TOLERANCE, "N": ends, "D": D[::-1]}


def _law(evidence: PilotEvidence) -> dict[str, Any] | None:
    """The law of the runs: links with their weights, and the noise."""
    runs = evidence.runs
    if runs is None:
        return None
    return {"link": runs.link, "links": runs.links, "noise": runs.noise, "beta": runs.beta,
            "parameters": dict(zip(runs.fit.form.parameters, runs.fit.parameters.tolist()))}  # fmt: skip


def _check(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The extrapolation check in a few numbers; None where too few runs are left without the largest."""
    if not rows:
        return None
    return {
        "n": len(rows),
        "held": sum(row["held"] for row in rows),
        "worst_error": max((row["error"] for row in rows), key=abs),
        "C": [min(row["C"] for row in rows), max(row["C"] for row in rows)],
    }


def _beside(evidence: PilotEvidence, C: float) -> dict[str, Any]:
    """What others would do with C: 20 tokens a parameter (all FLOPs), and the published splits (C = 6 N D)."""
    N = at_ratio(evidence.compute, C)
    published = beside(C)
    return {
        "20 tokens a parameter": {"N": N, "D": float(evidence.compute.tokens(N, C))},
        "Chinchilla, refitted": {key: published["chinchilla"]["refit"][key] for key in ("N", "D")},
        "Kaplan": {key: published["kaplan"][key] for key in ("N", "D")},
    }


def _runs(pilot: PilotFolder) -> dict[str, Any]:
    """The pilot in numbers."""
    C, N, D = (pilot.column(name) for name in ("C", "N", "D"))
    spent = [float(one.get("spent_C") or 0.0) for one in pilot.rounds]
    return {
        "cells": len(pilot.cells),
        "trunks": len(set(pilot.trunks)),
        "rounds": sum(bool(one.get("runs")) for one in pilot.rounds),
        "C": [float(C.min()), float(C.max())],
        "N": [float(N.min()), float(N.max())],
        "D": [float(D.min()), float(D.max())],
        "pilot_C": pilot.rounds[-1].get("pilot_C") if pilot.rounds else None,
        "spent_C": max(spent, default=None),
        "stop": next((one["stop"] for one in reversed(pilot.rounds) if one.get("stop")), None),
    }
