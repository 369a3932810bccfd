"""What may not be concluded from a sweep, each sentence from a diagnostic of its own."""

from __future__ import annotations

import math
from typing import Any

from ..sweep.folder import Sweep, finite
from .provenance import trained_by
from .sentences import count, groups_of, percent, sentence, signed

FEW_LEVELS = 8
POOR_FIT = 0.05
CORRELATED = 0.5


@sentence("does not carry")
def _exponents_greyed_out(sweep: Sweep) -> str | None:
    grey: dict[str, list[str]] = {}
    for name in sweep.datasets:
        if (reason := sweep.why_not(name)) is not None:
            grey.setdefault(reason, []).append(name)
    if not grey or not sweep.fits:
        return None
    return f"Exponents of these datasets, which are greyed out: {groups_of(grey)}."


@sentence("does not carry")
def _losses_below_the_floor(sweep: Sweep) -> str | None:
    below = sum(
        finite(c.get("excess")) and finite(c.get("floor_stderr")) and c["excess"] < -2 * c["floor_stderr"]
        for c in sweep.runs
    )
    if not below:
        return None
    return (
        f"Anything, before this is mended: {below} of the losses lie more than two standard errors below the floor, "
        "where no model can get."
    )


@sentence("does not carry")
def _runs_diverged(sweep: Sweep) -> str | None:
    diverged = sum(not finite(row["loss"]) for row in sweep.runs)
    return (
        f"How the lost runs would have done: {count(diverged, 'cell')} diverged, and no fit holds them."
        if diverged
        else None
    )


@sentence("does not carry")
def _saturation_unknown(sweep: Sweep) -> str | None:
    names = [name for name in sweep.datasets if not sweep.has_floor(name) and sweep.cells(name)]
    if not names:
        return None
    return (
        f"That the runs on {', '.join(names)} were still learning: no floor is known there, so cells may be saturated "
        "without a sign of it, and E is fitted, not known."
    )


@sentence("does not carry")
def _free_E_below_the_floor(sweep: Sweep) -> str | None:
    known = [name for name in sweep.datasets if _free_E(sweep, name) is not None and sweep.has_floor(name)]
    low = [name for name in known if _free_E(sweep, name) <= sweep.fits[name]["floor"]]
    if not low:
        return None
    return (
        f"An entropy from a free E: it comes out at or below the exact floor for {len(low)} of "
        f"{count(len(known), 'dataset')} ({', '.join(low)}), where no model can get."
    )


def _free_E(sweep: Sweep, name: str) -> float | None:
    free = (sweep.fits.get(name) or {}).get("variants", {}).get("free")
    found = free and free["converged"] and finite(free["parameters"]["E"]) and finite(sweep.fits[name].get("floor"))
    return free["parameters"]["E"] if found else None


@sentence("does not carry")
def _law_misses(sweep: Sweep) -> str | None:
    bodies = {name: sweep.variant(name)[1] for name in sweep.datasets}
    rms = {name: b["rms_log_residual"] for name, b in bodies.items() if b and finite(b["rms_log_residual"])}
    poor = {name: value for name, value in rms.items() if value > POOR_FIT}
    if not poor:
        return None
    return (
        f"Constants of the data: the additive law misses by more than {percent(POOR_FIT)} of the loss (r.m.s.) for "
        f"{', '.join(poor)}, by {percent(max(poor.values()))} at worst. Its exponents summarise these runs and these "
        "sizes."
    )


@sentence("does not carry")
def _worse_held_out(sweep: Sweep) -> str | None:
    worse = {}
    for name in sweep.datasets:
        body = sweep.variant(name)[1] or {}
        error = (body.get("holdout") or {}).get("rms_log_error")
        if finite(error) and finite(body["rms_log_residual"]) and error > 2 * max(body["rms_log_residual"], 1e-3):
            worse[name] = error
    if not worse:
        return None
    return (
        f"Losses of larger models or longer runs: fitted without the largest N, D or C, the laws of {', '.join(worse)} "
        f"err there by more than twice their error inside ({percent(max(worse.values()))} at worst)."
    )


@sentence("does not carry")
def _models_far_smaller(sweep: Sweep) -> str | None:
    C = max((row["C_6nd"] for row in sweep.runs if finite(row["loss"]) and finite(row.get("C_6nd"))), default=0)
    away = 21 - math.log10(C) if C > 0 else 0
    if away <= 1:
        return None
    return (
        f"Numbers for models of a useful size: the largest run here took 6ND = {C:.1e} FLOPs; a plan for 10^21 FLOPs "
        f"reaches {away:.0f} orders of magnitude further. Take directions from it at most."
    )


@sentence("does not carry")
def _one_training_seed(sweep: Sweep) -> str | None:
    if len({row["seed"] for row in sweep.runs}) != 1:
        return None
    return (
        "Which of misfit and seed noise is which: there is one training seed, so seed noise is not measured and no "
        "interval holds it."
    )


@sentence("does not carry")
def _bytes_of_one_machine(sweep: Sweep) -> str | None:
    made = {
        folder: trained_by(found)
        for folder, found in sweep.executions.items()
        if found and found.get("step") != "compiled"
    }
    if not made:
        return None
    architectures = {sweep.run_folder(row): str(row.get("architecture") or "llama") for row in sweep.runs}
    of = sorted({architectures[folder] for folder in made})
    return (
        f"That training gives the same bytes on another machine: {len(made)} of {count(len(sweep.executions), 'run')} "
        f"({', '.join(of)}) were made by {' and '.join(sorted(set(made.values())))}, which adds in an order of its own."
    )


@sentence("does not carry")
def _exploratory(sweep: Sweep) -> str | None:
    chosen = [name for name in sweep.datasets if _is_shipped(sweep.grammars.get(name))]
    if not chosen:
        return None
    return (
        f"A confirmed effect: the shapes of the grammars of {', '.join(chosen)}, which come with ziplaw, were chosen "
        "after training curves of pilots had been seen, so p-values that rest on them are exploratory. Repeat what "
        "looks interesting on grammars of other seeds."
    )


def _is_shipped(grammar: dict[str, Any] | None) -> bool:
    """Tell whether a grammar is one of the default sweep's, whose authors had seen training curves
    (docs/default-sweep.md).
    """
    from ..sweep.default import DEFAULT

    made = (grammar or {}).get("provenance") or {}
    keys = ("n_nonterminals", "n_terminals", "max_rhs_options", "max_rhs_length", "seed")
    shapes = [tuple(getattr(d.grammar, key) for key in keys) for d in DEFAULT.datasets.values() if d.grammar]
    shape = {"n_nonterminals": (grammar or {}).get("n_nonterminals"), "n_terminals": (grammar or {}).get("n_terminals")}
    return tuple((shape | made).get(key) for key in keys) in shapes


@sentence("does not carry")
def _few_levels_of_H(sweep: Sweep) -> str | None:
    test = sweep.regression.get("joint_test")
    levels = len({entry["H"] for entry in sweep.regression.get("datasets") or ()})
    if not test or levels >= FEW_LEVELS:
        return None
    return (
        f"That exponents of the additive law do not move with H: {count(levels, 'level')} of H give a test little "
        "power, and one dataset can carry a line."
    )


@sentence("does not carry")
def _H_goes_with_the_floor(sweep: Sweep) -> str | None:
    rows = {row["dataset"]: row for row in sweep.runs if finite(row.get("floor")) and finite(row.get("H"))}.values()
    r = correlation([row["H"] for row in rows], [row["floor"] for row in rows])
    if r is None or abs(r) < CORRELATED:
        return None
    return (
        f"A cause: H and the floor correlate at {signed(r)} over {count(len(rows), 'dataset')}, so what moves with H "
        "may as well move with the floor."
    )


def correlation(x: list[float], y: list[float]) -> float | None:
    """Return Pearson's correlation; None for fewer than three points or no spread."""
    if len(x) < 3:
        return None
    mx, my = sum(x) / len(x), sum(y) / len(y)
    spread = math.sqrt(sum((a - mx) * (a - mx) for a in x) * sum((b - my) * (b - my) for b in y))
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / spread if spread else None


@sentence("does not carry")
def _vocabularies_differ(sweep: Sweep) -> str | None:
    sizes = {row["vocab_size"] for row in sweep.runs if finite(row.get("vocab_size"))}
    return f"An effect of H alone: the datasets have {len(sizes)} sizes of vocabulary." if len(sizes) > 1 else None


@sentence("does not carry")
def _kinds_of_data_differ(sweep: Sweep) -> str | None:
    known = [name for name in sweep.datasets if sweep.has_floor(name)]
    others = [name for name in sweep.datasets if not sweep.has_floor(name)]
    if not known or not others:
        return None
    return (
        f"An effect of H between {', '.join(known)} and {', '.join(others)}: the former are grammars, the latter are "
        "not, and they differ in more than H."
    )


@sentence("does not carry")
def _slopes_disagree(sweep: Sweep) -> str | None:
    found = [
        f"{name} ({', '.join(f'{signed(value)} by the {way}' for way, value in ways.items())})"
        for name, ways in slopes(sweep).items()
        if min(ways.values()) < 0 < max(ways.values())
    ]
    if not found:
        return None
    return (
        "Even the direction in which these parameters move: the ways to estimate their slopes in H disagree in sign: "
        f"{'; '.join(found)}."
    )


def slopes(sweep: Sweep) -> dict[str, dict[str, float]]:
    """Slope in H of each parameter by each way that estimates it: two-stage, hierarchical law, joint fit."""
    two = (sweep.regression.get("two_stage") or {}).get("parameters") or {}
    lines = (sweep.regression.get("law") or {}).get("lines") or {}
    joint = (sweep.regression.get("joint_test") or {}).get("exponents") or {}
    ways = {"two-stage regression": two, "hierarchical law": lines, "joint fit": joint}
    out = {}
    for name in ("ln_A", "ln_B", "alpha", "beta"):
        found = {way: (lines.get(name) or {}).get("slope") for way, lines in ways.items()}
        found = {way: slope for way, slope in found.items() if finite(slope)}
        if len(found) > 1:
            out[name.replace("_", " ")] = found
    return out


@sentence("does not carry")
def _coefficients_turn(sweep: Sweep) -> str | None:
    lines = (sweep.regression.get("law") or {}).get("lines") or {}
    found = []
    for name, axis, exponent in (("A", "N", "alpha"), ("B", "D", "beta")):
        line = lines.get(f"ln_{name}") or {}
        at_one, at_centre = line.get("slope"), (line.get("at_centre") or {}).get("slope")
        if finite(at_one) and finite(at_centre) and at_one * at_centre < 0:
            found.append(
                f"ln {name} by {signed(at_one)}, ln {name}/{axis}^{exponent} at the mean {axis} by {signed(at_centre)}"
            )
    if not found:
        return None
    return (
        "A direction of A or B as such, which are the terms at one parameter and one token, far from any run: per "
        f"unit of H {'; '.join(found)}, the other way. What is seen is the term at the mean."
    )


@sentence("does not carry")
def _two_stage_alone(sweep: Sweep) -> str | None:
    level = 1 - sweep.regression.get("level", 0.95)
    lines = ((sweep.regression.get("two_stage") or {}).get("parameters") or {}).items()
    only = [name for name, line in lines if finite(line["p_value"]) and line["p_value"] <= level]
    test = sweep.regression.get("joint_test")
    if not only or not test or test["p_permutation"] <= level:
        return None
    return (
        "A trend from the two-stage regression: by itself it would call the slope of "
        f"{', '.join(only).replace('_', ' ')} significant, but it ignores the error of the fits and rejects too often; "
        "the joint test does not agree."
    )


@sentence("does not carry")
def _many_tests(sweep: Sweep) -> str | None:
    tests = sum(finite(row["p_value"]) for row in sweep.table("claims.csv"))
    if tests <= 3 or not sweep.regression:
        return None
    level = 1 - sweep.regression["level"]
    return (
        f"Each verdict by itself at {percent(level)}: {count(tests, 'test')} stand in the table of claims, "
        f"uncorrected; about {tests * level:.1f} would come out significant if nothing were there."
    )
