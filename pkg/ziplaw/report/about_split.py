"""What the report says of the best split and H: the verdict, what it rests on, and what else may be behind it."""

from __future__ import annotations

import re
from typing import Any

from ..laws.dependence.splits.claimed import moves_with_H
from ..sweep.folder import ISOFLOP, WAYS, Sweep, finite
from .about_links import SHORT, others
from .sentences import count, p_value, percent, sentence, signed

# a rank correlation this near to that of H leaves open which of the two it is
RIVAL = 0.05


def line_of(sweep: Sweep, way: str, quantity: str) -> dict[str, Any]:
    """Line of ln_N or a in H by a link or by isoFLOP; {} where there is none."""
    found: dict[str, Any] = (((sweep.split.get("by") or {}).get(way) or {}).get("lines") or {}).get(quantity) or {}
    return found if finite(found.get("slope")) else {}


def _judged(sweep: Sweep) -> str:
    """Name of the verdict on the split, by the rule of the claim that the best N depends on H."""
    if not sweep.regression:
        return "not_tested"
    if not line_of(sweep, sweep.chosen_link or "", "ln_N") or 2 * _least_p(sweep) > _level(sweep):
        return "cannot_be_told"
    if moves_with_H(sweep.split, "ln_N", _level(sweep))[0]:
        return "dependence_shown"
    return "ways_disagree" if _shown_by(sweep) else "dependence_not_shown"


def _level(sweep: Sweep) -> float:
    return float(1 - sweep.regression["level"])


def _shown_by(sweep: Sweep) -> list[str]:
    """Ways by which the best N moves with H beyond chance, each by itself."""
    found = {way: line_of(sweep, way, "ln_N").get("p_permutation") for way in WAYS}
    return [way for way, p in found.items() if finite(p) and p <= _level(sweep)]


def _least_p(sweep: Sweep) -> float:
    """The least p that relabelling so few datasets can give."""
    return float(sweep.split["by"][sweep.chosen_link]["smallest_p"])


@sentence("verdict")
def _not_tested(sweep: Sweep) -> str | None:
    return "Not tested" if _judged(sweep) == "not_tested" else None


@sentence("verdict")
def _cannot_be_told(sweep: Sweep) -> str | None:
    return "Cannot be told" if _judged(sweep) == "cannot_be_told" else None


@sentence("verdict")
def _dependence_shown(sweep: Sweep) -> str | None:
    if _judged(sweep) != "dependence_shown":
        return None
    ways = [way for way in WAYS if line_of(sweep, way, "ln_N")]
    every = " under every link and by isoFLOP" if ISOFLOP in ways else " under every link"
    larger = line_of(sweep, str(sweep.chosen_link), "ln_N")["slope"] > 0
    what = "larger models and fewer tokens" if larger else "smaller models and more tokens"
    return f"Yes, in this sweep{every if _shown_by(sweep) == ways else ''}: less compressible data wanted {what}"


@sentence("verdict")
def _ways_disagree(sweep: Sweep) -> str | None:
    return "Perhaps: it depends on how the split is read off" if _judged(sweep) == "ways_disagree" else None


@sentence("verdict")
def _dependence_not_shown(sweep: Sweep) -> str | None:
    return "Not shown, and not excluded either" if _judged(sweep) == "dependence_not_shown" else None


@sentence("why")
def _no_regression(sweep: Sweep) -> str | None:
    return None if sweep.regression else "This folder holds no regression on H."


@sentence("why")
def _why_it_cannot_be_told(sweep: Sweep) -> str | None:
    if _judged(sweep) != "cannot_be_told":
        return None
    if line_of(sweep, sweep.chosen_link or "", "ln_N"):
        n = sweep.split["by"][sweep.chosen_link]["n_datasets"]
        return (
            f"{count(n, 'dataset')} can be in order of H by chance: of two tests the least p that they can give is "
            f"{2 * _least_p(sweep):.2g}."
        )
    why = sweep.regression.get("split_message") or sweep.regression.get("conclusion") or "no reason is recorded"
    return why[0].upper() + why[1:] + "."


@sentence("does not carry")
def _rivals_of_H_in_the_split(sweep: Sweep) -> str | None:
    by = (sweep.split.get("by") or {}).get(sweep.chosen_link or "") or {}
    rows = {row["covariate"]: (row.get("ln_N") or {}).get("rank_correlation") for row in by.get("covariates") or ()}
    rows = {name: abs(value) for name, value in rows.items() if finite(value)}
    own = rows.pop("H", None)
    rivals = {name: value for name, value in rows.items() if own is not None and value >= own - RIVAL}
    if not rivals:
        return None
    told = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in rivals.items())
    return (
        f"That it is H and nothing that goes with it: other numbers order the best N of these datasets as well (rank "
        f"correlation, without sign: H {own:.2f}, {told})."
    )


def _p(sweep: Sweep, quantity: str) -> float | None:
    """The chosen link's p, corrected for the two tests that count."""
    found: float | None = sweep.split["multiplicity"]["primary"][quantity]["p_holm"]
    return found


@sentence("why")
def _best_N_with_H(sweep: Sweep) -> str | None:
    line = line_of(sweep, sweep.chosen_link or "", "ln_N")
    if not line:
        return None
    low, high = line["per_tenth_ci"]
    n = sweep.split["by"][sweep.chosen_link]["n_datasets"]
    return (
        f"At C = {sweep.split['C']:.1e} FLOPs, .1 more of H multiplies the best N by {line['per_tenth']:.2f} "
        f"({percent(sweep.regression['level'])} interval {low:.2f} to {high:.2f}; permutation "
        f"{p_value(_p(sweep, 'ln_N'))} over {count(n, 'dataset')}), under the {SHORT[str(sweep.chosen_link)]} link."
    )


@sentence("why")
def _best_N_by_the_other_ways(sweep: Sweep) -> str | None:
    chosen = sweep.chosen_link
    lines = {way: line for way in WAYS if way != chosen and (line := line_of(sweep, way, "ln_N"))}
    if not lines or not line_of(sweep, chosen or "", "ln_N"):
        return None
    told = {way: f"{line['per_tenth']:.2f} ({p_value(line['p_permutation'])})" for way, line in lines.items()}
    free = " isoFLOP assumes no law." if ISOFLOP in lines else ""
    return f"By the other ways it is multiplied by: {others(told)}.{free}"


@sentence("why")
def _exponent_with_H(sweep: Sweep) -> str | None:
    line = line_of(sweep, sweep.chosen_link or "", "a")
    if not line:
        return None
    low, high = line["per_tenth_ci"]
    rest = [p for way in WAYS if way != sweep.chosen_link and (p := line_of(sweep, way, "a").get("p_permutation"))]
    beside = f"; by the other ways p from {min(rest):.2g} to {max(rest):.2g}" if len(rest) > 1 else ""
    return (
        f"The exponent a of N_opt ∝ C^a changes by {signed(line['per_tenth'], 3)} ({signed(low, 3)} to "
        f"{signed(high, 3)}, {p_value(_p(sweep, 'a'))}{beside}). Both p are corrected for each other (Holm)."
    )


@sentence("moves")
def _how_the_split_is_tested(sweep: Sweep) -> str | None:
    if not line_of(sweep, sweep.chosen_link or "", "ln_N"):
        return None
    return (
        f"The best N at C = {sweep.split['C']:.1e} FLOPs (6ND), the middle of what was measured, and the exponent a of "
        "N_opt ∝ C^a, regressed on H with the error of every dataset's split and their scatter; p from relabelling H "
        "over the datasets, not corrected. The link is chosen by its error where compute is largest, which knows "
        "nothing of H; the others stand beside it."
    )


@sentence("moves")
def _direction_of_the_paper(sweep: Sweep) -> str | None:
    if _judged(sweep) != "dependence_shown":
        return None
    rises = line_of(sweep, str(sweep.chosen_link), "ln_N")["slope"] > 0
    return (
        f"The paper says that less compressible data wants more tokens{'; here it is the other way' if rises else ''}."
    )


@sentence("moves")
def _disagreement_of_the_ways(sweep: Sweep) -> str | None:
    words = (sweep.split.get("disagreement") or {}).get("text")
    if not words:
        return None
    told = re.sub(r"\bx(?=\d)", "× ", words)
    return f"{told[0].upper()}{told[1:]}."


@sentence("moves")
def _no_line_of_the_split(sweep: Sweep) -> str | None:
    if not sweep.regression or line_of(sweep, sweep.chosen_link or "", "ln_N"):
        return None
    why = sweep.regression.get("split_message") or "too few datasets have a split that is identified"
    return f"No line in H: {why.removeprefix('no split on H: ')}."
