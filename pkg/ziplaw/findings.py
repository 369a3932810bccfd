"""What a sweep says, in words made from its numbers: the answer on top of the report, and what follows from it."""

from __future__ import annotations

import math
from typing import Any

from .results import REFERENCES, VARIANTS, Sweep, finite

FEW_DATASETS = 8
POOR_FIT = 0.05
# sweeps whose datasets were chosen by people who had seen training curves: docs/default-sweep.md
EXPLORATORY = ("default",)
VERDICTS = ("supported", "not supported", "undecided")


def count(n: int, noun: str) -> str:
    """Write a number with its noun: 1 dataset, 2 datasets."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, the minus as a minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def p_value(p: Any) -> str:
    """Write a p-value with two digits, tiny ones as a bound: "p = 0.68", "p < 0.001"."""
    if not finite(p):
        return "no p"
    return "p < 0.001" if p < 0.001 else f"p = {p:#.2g}" if p < 0.995 else "p = 1.0"


def answer(sweep: Sweep) -> dict[str, Any]:
    """Answer what the sweep was made for: does the best split of compute depend on H?

    Returns
    -------
    dict
        ``fitted`` (what was done), ``verdict`` (a few words), ``tone`` ("yes", "no" or "open"), ``why`` (the numbers),
        ``claims`` (how the paper's claims fared).
    """
    regression = sweep.regression
    verdict, tone, why = _split(sweep)
    verdicts = [row["verdict"] for row in sweep.table("claims.csv")]
    tally = ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    claims = f"Of {count(len(verdicts), 'claim')} of the paper, as far as this sweep can test them: {tally}."
    return {
        "fitted": _fitted(sweep),
        "verdict": verdict,
        "tone": tone,
        "why": why,
        "claims": claims if verdicts else "",
        "conclusion": regression.get("conclusion"),
    }


def _fitted(sweep: Sweep) -> str:
    measured = [cell for name in sweep.datasets for cell in sweep.cells(name)]
    H = [level for name in sweep.datasets if (level := sweep.H(name)) is not None]
    span = f" with H from {min(H):.3f} to {max(H):.3f}" if H else ""
    if not measured:
        return f"{count(len(sweep.datasets), 'dataset')}{span}; every run diverged, so nothing could be fitted."
    N, D = ([cell[key] for cell in measured] for key in ("N", "D"))
    scaling = sum(cell.get("regime") == "scaling" for cell in measured)
    known = sum(cell.get("regime") is not None for cell in measured)
    good = [name for name in sweep.datasets if sweep.fits.get(name, {}).get("reportable")]
    variant = sweep.regression.get("variant")
    held = ", E held at each grammar's exact floor," if variant == "floor" and good else ""
    words = (
        f"This sweep trained models of {min(N):,} to {max(N):,} parameters on {min(D):,} to {max(D):,} tokens of "
        f"{count(len(sweep.datasets), 'dataset')}{span}, and fitted L(N, D) = E + A/N^α + B/D^β{held} to each. "
    )
    if known:
        words += f"{scaling} of {count(known, 'measured cell')} are in the scaling regime; "
    total = count(len(sweep.datasets), "dataset")
    which = f"all {total}" if len(good) == len(sweep.datasets) > 1 else f"{len(good)} of {total}"
    return words + f"exponents may be reported for {which}."


def _split(sweep: Sweep) -> tuple[str, str, str]:
    """Verdict, tone and numbers on the split: the slope of a in H, and the joint test of the exponents."""
    regression = sweep.regression
    if not regression:
        return "Not tested", "open", "This folder holds no regression on H."
    test = regression.get("joint_test")
    line = next((row for row in sweep.table("claims.csv") if row["claim"] == "frontier_turns"), {})
    if not finite(line.get("estimate")) or not regression.get("law"):
        why = regression.get("conclusion") or "no reason is recorded"
        return "Cannot be told", "open", why[0].upper() + why[1:] + "."
    level = 1 - regression["level"]
    parts = []
    slope, low, high, p = (line[key] for key in ("estimate", "low", "high", "p_value"))
    parts.append(
        f"over 0.1 of H the exponent a of N_opt ∝ C^a changes by {signed(slope / 10, 3)} ({regression['level']:.0%} "
        f"interval {signed(low / 10, 3)} to {signed(high / 10, 3)}, {p_value(p)})"
    )
    joint = test["p_permutation"] if test else None
    if test:
        better = "fit better" if joint <= level else "do not fit better"
        parts.append(
            f"in one joint fit, exponents that follow H {better} than chance allows (permutation {p_value(joint)} "
            f"over {count(test['n_datasets'], 'dataset')})"
        )
    else:
        parts.append(f"no joint test: {regression.get('joint_test_message', 'none was made')}")
    why = "; ".join(parts)
    why = why[0].upper() + why[1:] + "."
    moves = p is not None and p <= level
    if moves and (joint is None or joint <= level):
        way = "parameters" if slope > 0 else "data"
        return f"Yes, in this sweep: as H grows, compute should go to {way}", "yes", why
    if moves or (joint is not None and joint <= level):
        return "Perhaps: the two tests disagree", "open", why
    return "Not shown, and not excluded either", "no", why


def may(sweep: Sweep) -> list[str]:
    """Return what the sweep's own diagnostics let one conclude."""
    found = []
    excess = [c["excess"] / c["floor_stderr"] for c in sweep.runs if finite(c.get("excess")) and c.get("floor_stderr")]
    below = sum(value < -2 for value in excess)
    if excess and not below:
        found.append(
            f"The losses are sound: all {count(len(excess), 'held-out loss').replace('losss', 'losses')} lie at or above "
            "the exact floor of their grammar, within two standard errors."
        )
    for verdict, words in (("supported", "Supported here"), ("not supported", "Not supported here")):
        named = [
            row["statement"] + (f" ({p_value(row['p_value'])})" if finite(row["p_value"]) else "")
            for row in sweep.table("claims.csv")
            if row["verdict"] == verdict
        ]
        if named:
            found.append(f"{words}, of the paper's claims: {'; '.join(named)}.")
    scores = [sweep.scores.get(name, {}).get("H") for name in REFERENCES]
    if all(finite(H) for H in scores):
        code, prose = scores
        order = "more" if code < prose else "less"
        found.append(
            f"Real code (H {code:.3f}) is {order} compressible than prose (H {prose:.3f}), tokenised and cut alike. "
            "Their H may be set beside those above only because tokens, window and encoding are the same."
        )
    return found + _presets(sweep)


def _presets(sweep):
    found = {}
    for row in sweep.table("presets.csv"):
        if finite(row["paper_H"]) and finite(row["H_mean"]):
            found[row["preset"]] = (row["H_mean"] - row["paper_H"], row["H_std"])
    if not found:
        return []
    worst = max(abs(off) for off, _ in found.values())
    return [
        f"The paper's H is reproduced: over {count(len(found), 'preset grammar')} ours differs from the paper's by "
        f"{worst:.3f} at most."
    ]


def may_not(sweep: Sweep) -> list[str]:
    """Return what may not be concluded, each sentence from a diagnostic of this sweep."""
    fits = sweep.fits
    grey: dict[str, list[str]] = {}
    for name in sweep.datasets:
        if (reason := sweep.why_not(name)) is not None:
            grey.setdefault(reason, []).append(name)
    found = []
    if grey:
        reasons = "; ".join(f"{', '.join(names)} ({why})" for why, names in grey.items())
        found.append(f"Exponents of these datasets, which are greyed out: {reasons}.")
    found += _about_losses(sweep.runs) + _about_E(fits) + _about_misfit(sweep) + _about_holdout(sweep)
    found += _about_reach(sweep.runs) + _about_seeds(sweep)
    if 0 < len(fits) < FEW_DATASETS:
        found.append(
            f"That laws do not move with H: {count(len(fits), 'level')} of H give a test little power, and one dataset can "
            "carry a line."
        )
    return found + _about_confounds(sweep) + _about_tests(sweep)


def _about_E(fits: dict[str, Any]) -> list[str]:
    known = {name: fit for name, fit in fits.items() if finite(fit["floor"])}
    low = [
        name
        for name, fit in known.items()
        if (free := fit["variants"].get("free")) and finite(E := free["parameters"]["E"]) and E <= fit["floor"]
    ]
    if not low:
        return []
    return [
        f"An entropy from a free E: it comes out at or below the exact floor for {len(low)} of {count(len(known), 'dataset')} "
        f"({', '.join(low)}), where no model can get."
    ]


def _about_misfit(sweep: Sweep) -> list[str]:
    bodies = {name: sweep.variant(name)[1] for name in sweep.datasets}
    rms = {name: b["rms_log_residual"] for name, b in bodies.items() if b and finite(b["rms_log_residual"])}
    poor = {name: value for name, value in rms.items() if value > POOR_FIT}
    if not poor:
        return []
    return [
        f"Constants of the data: the law misses by more than {POOR_FIT:.0%} of the loss (r.m.s.) for {', '.join(poor)}, by "
        f"{max(poor.values()):.1%} at worst. Its exponents summarise these runs and these sizes."
    ]


def _about_holdout(sweep: Sweep) -> list[str]:
    worse = {}
    for name in sweep.datasets:
        body = sweep.variant(name)[1] or {}
        error = (body.get("holdout") or {}).get("rms_log_error")
        if finite(error) and finite(body["rms_log_residual"]) and error > 2 * max(body["rms_log_residual"], 1e-3):
            worse[name] = error
    if not worse:
        return []
    return [
        f"Losses of larger models or longer runs: fitted without the largest N, D or C, the laws of {', '.join(worse)} err "
        f"there by more than twice their error inside ({max(worse.values()):.1%} at worst)."
    ]


def _about_reach(runs: list[dict[str, Any]]) -> list[str]:
    C = max((row["C_6nd"] for row in runs if finite(row["loss"]) and finite(row.get("C_6nd"))), default=0)
    if C <= 0:
        return []
    away = 21 - math.log10(C)
    reach = f"a plan for 10^21 FLOPs reaches {away:.0f} orders of magnitude further. Take directions from it at most"
    return [
        f"Numbers for models of a useful size: the largest run here took 6ND = {C:.1e} FLOPs"
        + (f"; {reach}." if away > 1 else ".")
    ]


def _about_seeds(sweep: Sweep) -> list[str]:
    seeds = sorted({row["seed"] for row in sweep.runs})
    found = []
    if len(seeds) == 1:
        found.append(
            "Which of misfit and seed noise is which: there is one training seed, so seed noise is not measured and no "
            "interval holds it."
        )
    if sweep.folder.name in EXPLORATORY:
        found.append(
            "A confirmed effect: the shapes of these grammars were chosen after training curves of pilots had been seen, so "
            "every p-value here is exploratory. Repeat what looks interesting on grammars of other seeds."
        )
    return found


def _about_confounds(sweep: Sweep) -> list[str]:
    rows = {row["dataset"]: row for row in sweep.runs if finite(row.get("floor")) and finite(row.get("H"))}.values()
    found = []
    r = correlation([row["H"] for row in rows], [row["floor"] for row in rows])
    if r is not None:
        found.append(
            f"A cause: H and the floor correlate at {signed(r)} over the datasets, so what moves with H may as well move "
            "with the floor."
        )
    sizes = {row["vocab_size"] for row in rows}
    if len(sizes) > 1:
        found.append(f"An effect of H alone: the datasets have {len(sizes)} sizes of vocabulary.")
    return found


def correlation(x: list[float], y: list[float]) -> float | None:
    """Return Pearson's correlation; None for fewer than three points or no spread."""
    if len(x) < 3:
        return None
    mx, my = sum(x) / len(x), sum(y) / len(y)
    spread = math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / spread if spread else None


def _about_tests(sweep: Sweep) -> list[str]:
    rows = [row for row in sweep.table("claims.csv") if finite(row["p_value"])]
    found = []
    two_stage = ((sweep.regression.get("two_stage") or {}).get("parameters") or {}).items()
    only = [name for name, line in two_stage if finite(line["p_value"]) and line["p_value"] <= 0.05]
    test = sweep.regression.get("joint_test")
    if only and test and test["p_permutation"] > 0.05:
        found.append(
            f"A trend from the two-stage regression: by itself it would call the slope of {', '.join(only)} significant, "
            "but it ignores the error of the fits and rejects too often; the joint test does not agree."
        )
    if len(rows) > 3:
        found.append(
            f"Each verdict by itself at 5 %: {count(len(rows), 'test')} stand in the table of claims, uncorrected; about "
            f"{len(rows) * 0.05:.1f} would come out significant if nothing were there."
        )
    return found


def _about_losses(runs: list[dict[str, Any]]) -> list[str]:
    found = []
    below = sum(
        finite(c.get("excess")) and finite(c["floor_stderr"]) and c["excess"] < -2 * c["floor_stderr"] for c in runs
    )
    if below:
        found.append(
            f"Anything, before this is mended: {below} of the losses lie below the floor, where no model can get."
        )
    diverged = sum(not finite(row["loss"]) for row in runs)
    if diverged:
        found.append(f"How the lost runs would have done: {count(diverged, 'cell')} diverged, and no fit holds them.")
    return found


def variant_words(variant: str | None) -> str:
    """Name a variant of the fit in words."""
    return VARIANTS.get(variant or "", "no law")
