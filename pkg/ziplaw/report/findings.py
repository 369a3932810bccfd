"""What a sweep says, in words made from its numbers: the answer on top of the report, and what follows from it."""

from __future__ import annotations

from typing import Any

from ..sweep.folder import Sweep, finite
from .sentences import count, p_value, percent, said, sentence, share_of, signed, span

CLAIM_VERDICTS = ("supported", "not supported", "undecided")
# the five verdicts on the split, with the colour of the answer
TONES = {"dependence_shown": "yes", "ways_disagree": "open", "dependence_not_shown": "no"}

# datasets; with as many a sweep is a study by itself
FEW = 20


def answer(sweep: Sweep) -> dict[str, Any]:
    """Answer what the sweep was made for: does the best split of compute depend on H?

    Returns
    -------
    dict
        ``fitted`` (what was done), ``verdict`` (a few words), ``tone`` ("yes", "no" or "open"), ``why`` (the numbers),
        ``exponents`` (what the paper asks about); each of words as sentences by name.
    """
    verdict = said(sweep, "verdict")
    return {
        "fitted": said(sweep, "answer"),
        "verdict": verdict,
        "tone": TONES.get(next(iter(verdict)), "open"),
        "why": said(sweep, "why"),
        "exponents": said(sweep, "exponents"),
    }


def cells_of(sweep: Sweep, floored: bool) -> list[dict[str, Any]]:
    """Measured cells of the datasets with an exact floor, or of those without."""
    return [cell for name in sweep.datasets if sweep.has_floor(name) == floored for cell in sweep.cells(name)]


@sentence("answer")
def _measured_span(sweep: Sweep) -> str | None:
    cells = cells_of(sweep, True) + cells_of(sweep, False)
    if not cells:
        return None
    H = [level for name in sweep.datasets if (level := sweep.H(name)) is not None]
    levels = f" with H {'from ' if min(H) < max(H) else 'of '}{span(min(H), max(H), '.3f')}" if H else ""
    N, D = ([cell[key] for cell in cells] for key in ("N", "D"))
    return (
        f"This sweep measured models of {span(min(N), max(N))} parameters at {span(min(D), max(D))} training tokens of "
        f"{count(len(sweep.datasets), 'dataset')}{levels}."
    )


@sentence("answer")
def _nothing_measured(sweep: Sweep) -> str | None:
    if any(sweep.cells(name) for name in sweep.datasets):
        return None
    return f"Every run of {count(len(sweep.datasets), 'dataset')} diverged, so nothing could be fitted."


@sentence("answer")
def _law_fitted(sweep: Sweep) -> str | None:
    kinds = {name: kind for name in sweep.datasets if (kind := sweep.variant(name)[0])}
    if not kinds:
        return None
    held, free = ([name for name, kind in kinds.items() if kind == which] for which in ("floor", "free"))
    how = "E held at each grammar's exact floor" if not free else "a free E"
    if held and free:
        how = f"E held at the exact floor for {', '.join(held)} and a free E for {', '.join(free)}"
    return f"L(N, D) = E + A/N^α + B/D^β was fitted to {share_of(list(kinds), sweep.datasets)}, with {how}."


@sentence("answer")
def _cells_scaling(sweep: Sweep) -> str | None:
    known = cells_of(sweep, True)
    if not known:
        return None
    scaling = sum(cell.get("regime") == "scaling" for cell in known)
    which = " of the datasets with a floor" if cells_of(sweep, False) else ""
    return f"{scaling:,} of {count(len(known), 'measured cell')}{which} are in the scaling regime."


@sentence("answer")
def _cells_started(sweep: Sweep) -> str | None:
    unknown = cells_of(sweep, False)
    if not unknown:
        return None
    lost = sum(cell.get("regime") == "not started" for cell in unknown)
    which = " of the datasets without a floor" if cells_of(sweep, True) else ""
    return (
        f"{lost:,} of {count(len(unknown), 'measured cell')}{which} have certainly not started; the others may scale "
        "or be saturated, which cannot be told without a floor."
    )


@sentence("answer")
def _exponents_reported(sweep: Sweep) -> str | None:
    if not sweep.fits:
        return None
    good = [name for name in sweep.datasets if sweep.why_not(name) is None]
    return f"Exponents may be reported for {share_of(good, sweep.datasets)}."


@sentence("exponents")
def _slope_of_a(sweep: Sweep) -> str | None:
    slope, low, high, p = (_turn(sweep).get(key) for key in ("estimate", "low", "high", "p_value"))
    if not finite(slope) or not finite(low) or not finite(high):
        return None
    return (
        f"Read off the additive law of each dataset, over .1 of H the exponent a changes by {signed(slope / 10, 3)} "
        f"({percent(sweep.regression['level'])} interval {signed(low / 10, 3)} to {signed(high / 10, 3)}, "
        f"{p_value(p)})."
    )


def _turn(sweep: Sweep) -> dict[str, Any]:
    return next((row for row in sweep.table("claims.csv") if row["claim"] == "frontier_turns"), {})


@sentence("exponents")
def _joint_test_result(sweep: Sweep) -> str | None:
    test = sweep.regression.get("joint_test")
    if not test:
        return None
    better = "fit better" if test["p_permutation"] <= 1 - sweep.regression["level"] else "do not fit better"
    return (
        f"In one joint fit of that law, exponents that follow H {better} than chance allows (permutation "
        f"{p_value(test['p_permutation'])} over {count(test['n_datasets'], 'dataset')})."
    )


@sentence("exponents")
def _no_joint_test(sweep: Sweep) -> str | None:
    if not sweep.regression.get("law") or sweep.regression.get("joint_test"):
        return None
    return f"No joint test: {sweep.regression.get('joint_test_message', 'none was made')}."


@sentence("exponents")
def _claims_tally(sweep: Sweep) -> str | None:
    verdicts = [row["verdict"] for row in sweep.table("claims.csv")]
    if not verdicts:
        return None
    tally = ", ".join(f"{verdicts.count(v)} {v}" for v in CLAIM_VERDICTS if v in verdicts)
    return f"Of {count(len(verdicts), 'claim')}, the paper's and those about the split: {tally}."


@sentence("exponents")
def _few_grammars(sweep: Sweep) -> str | None:
    grammars = sum(sweep.has_floor(name) for name in sweep.datasets)
    if not grammars or len(sweep.datasets) >= FEW:
        return None
    return (
        f"{count(len(sweep.datasets), 'dataset')} decide{'s' if len(sweep.datasets) == 1 else ''} little of this: "
        "in a study of eighty grammars, chosen so that H does not go with the floor (docs/study.md), the best N moved "
        "little with H and nearly wholly with what context tells of the next token beyond the last one."
    )


@sentence("carries")
def _losses_above_the_floor(sweep: Sweep) -> str | None:
    z = [c["excess"] / c["floor_stderr"] for c in sweep.runs if finite(c.get("excess")) and c.get("floor_stderr")]
    if not z or min(z) < -2:
        return None
    return (
        f"That losses and floors agree: all {count(len(z), 'held-out loss', 'held-out losses')} of grammars lie at or "
        "above the exact floor, within two standard errors."
    )


def _claims(sweep: Sweep, verdict: str) -> str:
    """Claims with this verdict, those of single links left out; a claim about E is marked where E was held."""
    held = sweep.regression.get("variant") == "floor"
    found = []
    for row in sweep.table("claims.csv"):
        if row["verdict"] == verdict and not row["claim"].startswith("best_N_by_"):
            notes = [p_value(row["p_value"])] if finite(row["p_value"]) else []
            if held and row["claim"].startswith("E_"):
                notes.append("E is each grammar's floor: a fact about the grammars, not about learning")
            found.append(row["statement"] + (f" ({'; '.join(notes)})" if notes else ""))
    return "; ".join(found)


@sentence("carries")
def _claims_supported(sweep: Sweep) -> str | None:
    found = _claims(sweep, "supported")
    return f"Supported here, of the claims: {found}." if found else None


@sentence("carries")
def _claims_not_supported(sweep: Sweep) -> str | None:
    found = _claims(sweep, "not supported")
    return f"Not supported here, of the claims: {found}." if found else None
