"""What is to be said against a pilot's plan: what keeps it from being one, and what a reader has to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...base.numerals import counted
from ...laws.intervals import identification
from ...laws.intervals.identification import Doubt
from ...laws.pilots.take_off import BY, BY_SD, WINDOW, learnt_faster
from ...numerics.functions import log10
from .plan_evidence import PilotEvidence
from .results_folder import PilotFolder

_NOT_STARTED = "not started"
# of the cells, that may not have started where a plan is to rest on them
MOST_UNLEARNT = 0.75
# orders of magnitude between the largest run and the target from which on a reader is warned
_FAR = 2.0
# share of the rise between the largest run and the target from which on a reader is told of it
_TOLD_FROM = 0.1
# less of the cells than this may lie outside of their bands by chance
_MISSES = 0.1


def refusals(pilot: PilotFolder, evidence: PilotEvidence, C: float) -> list[dict[str, Any]]:
    """Why the split of C is no plan, worst first; empty where it is one.

    Bands are judged at 95 %, whatever is printed.
    """
    unlearnt = sum(row.get("regime") == _NOT_STARTED for row in pilot.cells)
    early = [Doubt(f"{unlearnt} of {len(pilot.cells)} cells have certainly not started to learn, so that no law can be "
                   "read off them", "give the pilot more FLOPs or minutes, or a smaller vocabulary", C)]  # fmt: skip
    told = evidence.split(C, identification.LEVEL)
    found = identification.split_doubts(C, told["N"], told["N_interval"], largest=float(pilot.column("C").max()))
    if not found and not (told["N"] >= 1 and told["D"] >= 1):
        found = [Doubt(f"the best split of C = {C:.3g} has less than one parameter or token", "ask for more FLOPs", C)]
    if unlearnt > MOST_UNLEARNT * len(pilot.cells):
        found = early + found
    return [doubt.to_dict() for doubt in found]


def cautions(
    pilot: PilotFolder, evidence: PilotEvidence, C: float, level: float, check: Sequence[dict[str, Any]]
) -> list[str]:
    """What a reader has to know of the plan, in sentences without a full stop."""
    out = list(evidence.warnings)
    out += filter(None, (_outside(pilot, evidence, level), _diverged(pilot), _regimes(pilot), _missed(check)))
    C_most = float(pilot.column("C").max())
    if C / C_most > 10**_FAR:
        out.append(
            f"extrapolation: {C:.3g} FLOPs are {log10(C / C_most):.1f} orders of magnitude above the pilot's largest "
            f"run; bands hold as far as the law does"
        )
    if pilot.of_text and (share := float(learnt_faster(C, C_most))) > _TOLD_FROM:
        out.append(
            f"the loss told is {100 * BY * share:.0f} % lower (give or take {196 * BY_SD * share:.0f} %, in its band) "
            f"than the law of the runs says, for text is learnt faster between {WINDOW[0]:.0e} and {WINDOW[1]:.0e} "
            f"FLOPs than below, as runs on other corpora showed (docs/pilots.md); the largest run took {C_most:.2g}"
        )
    return out


def _outside(pilot: PilotFolder, evidence: PilotEvidence, level: float) -> str | None:
    """Whether the best size at the pilot's own largest compute lies beyond its sizes."""
    if evidence.runs is None:
        return None
    C, N = float(pilot.column("C").max()), pilot.column("N")
    best, ends = evidence.runs.n_opt(C, level)
    side = "larger" if best > N.max() else "smaller" if best < N.min() else None
    if side is None:
        return None
    return (
        f"the optimum lies outside the sizes tried: at {C:.2g} FLOPs the runs put the best N at {counted(best)} "
        f"({' to '.join(map(counted, ends))}), {side} than all of the pilot's, {counted(N.min())} to {counted(N.max())}"
    )


def _diverged(pilot: PilotFolder) -> str | None:
    lost = sorted({f"{row['model']}/s{row['seed']}" for row in pilot.rows if row.get("status") == "diverged"})
    lost = lost or sorted({f"{row['model']}/s{row['seed']}" for row in pilot.rows if row not in pilot.cells})
    return f"{len(lost)} diverged: {', '.join(lost)}; the plan goes on without them" if lost else None


def _regimes(pilot: PilotFolder) -> str | None:
    n = sum(row.get("regime") == _NOT_STARTED for row in pilot.cells)
    # of more the refusal speaks
    if not n or n > MOST_UNLEARNT * len(pilot.cells):
        return None
    return (
        f"{n} of {len(pilot.cells)} cells have certainly not started to learn: their loss is nearer to that of token "
        "frequencies alone than to the best one"
    )


def _missed(check: Sequence[dict[str, Any]]) -> str | None:
    lost = [row for row in check if not row["held"]]
    if len(lost) <= _MISSES * len(check):
        return None
    worst = max(lost, key=lambda row: abs(row["error"]))
    return (
        f"extrapolation check: {len(lost)} of {len(check)} runs of most compute lie outside of the band that "
        f"the others predicted, the worst {100 * abs(worst['error']):.1f}% off"
    )
