"""What would narrow a plan's band most next: one more round, as large as the pilot or eight times it, by its designer.

A round's design says by how much it narrows the runs' own ln N_opt at the target, from sd b to sd a. What it adds is
taken for an independent measurement of ln N_opt there, 1/a^2 - 1/b^2, beside everything known: s becomes
(1/s^2 + 1/a^2 - 1/b^2)^-1/2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base.numerals import counted
from ...errors import FitError
from ...laws.pilots.designer import RoundDesign, design_round
from ...laws.plans.evidence.gaussian_split import normal_quantile
from ...models.shape.ladder import Size, ladder
from ...numerics.functions import exp, log
from ..rounds import LEAST_STEPS, settings
from .plan_evidence import PilotEvidence
from .results_folder import PilotFolder

TIMES = (1.0, 8.0)  # of the FLOPs that the pilot trained
# a round that narrows the band by less is not worth its wait
_LEAST_GAIN = 0.95
_LATER = 2  # the number of a round that may spend all that it is given
_LARGEST_N = 1e9


def next_rounds(
    pilot: PilotFolder, evidence: PilotEvidence, C: float, level: float, split: dict[str, Any]
) -> list[dict[str, Any]]:
    """Design one more round of each size in ``TIMES``.

    Returns
    -------
    list of dict
        Of each round that can be designed: ``times`` (of the pilot's FLOPs), ``C`` (its FLOPs), ``seconds`` (at the
        pilot's own pace; None where that is not known), ``factor`` (N is then known within times or over this, at the
        plan's level), ``factor_now``, ``runs`` (model, N, budgets, C each).
    """
    if evidence.runs is None:
        return []
    sizes = ladder(pilot.vocab_size, pilot.context, _LARGEST_N)
    step = settings(pilot.context)[1]
    spent, pace = _spent(pilot)
    low, high = split["N_interval"]
    z = normal_quantile(level)
    sd = float(log(high / low) / (2 * z))
    out = []
    for times in TIMES:
        try:
            design = design_round(
                evidence.runs, evidence.compute, [size.N for size in sizes], target_C=C, pilot_C=times * spent,
                round_=_LATER, workers=pilot.cores, least_tokens=LEAST_STEPS * step, step_tokens=step,
                unique_tokens=pilot.training_tokens,
            )  # fmt: skip
        except FitError:
            continue
        if design.runs:
            out.append(_told(design, sizes, times, sd, z, pace))
    return out


def _told(
    design: RoundDesign, sizes: list[Size], times: float, sd: float, z: float, pace: float | None
) -> dict[str, Any]:
    gained = max(1 / np.square(design.sd_after) - 1 / np.square(design.sd_before), 0.0)
    after = float(1 / np.sqrt(1 / np.square(sd) + gained))
    return {
        "times": times,
        "C": design.C,
        "seconds": None if pace is None else design.C * pace,
        "factor": float(exp(z * after)),
        "factor_now": float(exp(z * sd)),
        "runs": [{"model": sizes[run.size].name, "N": sizes[run.size].N, "budgets": list(run.budgets), "C": run.C}
                 for run in design.runs],
    }  # fmt: skip


def _spent(pilot: PilotFolder) -> tuple[float, float | None]:
    """FLOPs that all rounds trained, and seconds a FLOP by what their designs say of time."""
    rounds = [one for one in pilot.rounds if one.get("runs")]
    C = float(sum(run["C"] for one in rounds for run in one["runs"]))
    seconds = [one.get("seconds") for one in rounds]
    known = sum(float(one) for one in seconds if one is not None)
    if C == 0:
        return _cells_C(pilot), None
    return C, known / C if known and None not in seconds else None


def _cells_C(pilot: PilotFolder) -> float:
    """FLOPs of the largest cell of every run: what was trained at least."""
    most: dict[str, float] = {}
    for trunk, C in zip(pilot.trunks, pilot.column("C")):
        most[trunk] = max(most.get(trunk, 0.0), float(C))
    return float(sum(most.values()))


def next_sentence(rounds: list[dict[str, Any]]) -> str | None:
    """What the designer advises, in one sentence without a full stop; None where nothing helps."""
    worth = [one for one in rounds if one["factor"] < 1 + _LEAST_GAIN * (one["factor_now"] - 1)]
    if not worth:
        return None
    parts = []
    for one in worth:
        what = "one more round like the pilot" if one["times"] == 1 else f"one of {one['times']:g} times the pilot"
        time = "" if one["seconds"] is None else f", {_time(one['seconds'])} here"
        parts.append(f"{what} ({one['C']:.2g} FLOPs{time}) is expected to make that {one['factor']:.2g}")
    largest = max(worth[-1]["runs"], key=lambda run: run["C"])
    return (
        f"N is known within a factor of {worth[0]['factor_now']:.2g}; {', '.join(parts)}; the largest run of that is "
        f"{largest['model']} on {counted(largest['budgets'][-1])} tokens"
    )


def _time(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(seconds / 60, 1):.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
