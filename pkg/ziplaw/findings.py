"""What a sweep says, in words made from its numbers: the answer on top of the report, and the cautions under it."""

from __future__ import annotations

import math
from typing import Any

from .results import Sweep, finite

FEW_DATASETS = 8
POOR_FIT = 0.05


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def answer(sweep: Sweep) -> list[str]:
    """Return the paragraphs that answer what the sweep was made for."""
    reportable = [fit for fit in sweep.fits.values() if fit["reportable"]]
    levels = [row["H"] for row in sweep.runs]
    N, D = ([row[key] for row in sweep.runs] for key in ("N", "D"))
    parts = [
        f"{_count(len(sweep.datasets), 'dataset')} with H from {min(levels):.3f} to {max(levels):.3f}, "
        f"{_count(len(sweep.runs), 'measured cell')}: N from {min(N):,} to {max(N):,} parameters, "
        f"D from {min(D):,} to {max(D):,} tokens. Exponents are reportable for {len(reportable)} of the "
        f"{_count(len(sweep.datasets), 'dataset')}."
    ]
    said = sweep.regression.get("conclusion")
    if said:
        parts.append(f"Do the exponents of the laws move with compressibility? {said[0].upper()}{said[1:]}.")
    verdicts: dict[str, int] = {}
    for row in sweep.table("claims.csv"):
        verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
    if verdicts:
        judged = ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items()))
        parts.append(f"Of the paper's claims, as far as this sweep can test them: {judged}.")
    return parts


def cautions(sweep: Sweep) -> list[str]:
    """Return what may and may not be concluded, each sentence from a diagnostic of this sweep."""
    grey = {name: fit["reason"] for name, fit in sweep.fits.items() if not fit["reportable"]}
    found = []
    if grey:
        reasons = "; ".join(f"{name} ({why})" for name, why in grey.items())
        found.append(f"Exponents are greyed out for {reasons}.")
    found += _about_E(sweep.fits) + _about_misfit(sweep)
    if len({row["seed"] for row in sweep.runs}) == 1:
        found.append("One training seed: seed noise is not measured, so misfit and noise cannot be told apart.")
    if len(sweep.fits) < FEW_DATASETS:
        found.append(
            f"{_count(len(sweep.fits), 'level')} of H: tests of a dependence on H have little power, and one dataset can "
            "carry a line."
        )
    return found + _about_confounds(sweep) + _about_losses(sweep.runs)


def _about_E(fits: dict[str, Any]) -> list[str]:
    low = [
        name
        for name, fit in fits.items()
        if finite(fit["floor"]) and (free := fit["variants"].get("free")) and free["parameters"]["E"] < fit["floor"]
    ]
    if not low:
        return []
    return [
        f"A free E comes out below the exact floor for {len(low)} of {len(fits)} datasets ({', '.join(low)}), where no "
        "model can get: the form bends the wrong way at these sizes. A free E does not estimate the entropy of the data."
    ]


def _about_misfit(sweep: Sweep) -> list[str]:
    bodies = {name: sweep.variant(name)[1] for name in sweep.fits}
    poor = {name: b["rms_log_residual"] for name, b in bodies.items() if b and b["rms_log_residual"] > POOR_FIT}
    if not poor:
        return []
    return [
        f"The Chinchilla form misses by more than {POOR_FIT:.0%} of the loss (RMS) for {', '.join(poor)}; the worst is "
        f"{max(poor.values()):.1%}. Its exponents summarise these runs, they are no constants of the data."
    ]


def _about_confounds(sweep: Sweep) -> list[str]:
    rows = {row["dataset"]: row for row in sweep.runs if finite(row["floor"])}.values()
    x, y = ([row[key] for row in rows] for key in ("H", "floor"))
    if len(rows) < 3:
        return []
    mx, my = sum(x) / len(x), sum(y) / len(y)
    spread = math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))
    if not spread:
        return []
    r = sum((a - mx) * (b - my) for a, b in zip(x, y)) / spread
    return [
        f"H and the floor correlate at {r:+.2f} over the datasets: what moves with H may as well move with the floor."
    ]


def _about_losses(runs: list[dict[str, Any]]) -> list[str]:
    found = []
    C = max(row["C_6nd"] for row in runs)
    found.append(
        f"The largest run took 6ND = {C:.1e} FLOPs. A plan for 1e21 FLOPs extrapolates over {21 - math.log10(C):.0f} orders "
        "of magnitude: take directions from it at most, not numbers."
    )
    diverged = sum(row["status"] != "finished" for row in runs)
    if diverged:
        found.append(f"{_count(diverged, 'cell')} diverged: listed in runs.csv, kept out of every fit.")
    below = sum(finite(row["excess"]) and row["excess"] < -2 * row["floor_stderr"] for row in runs)
    if below:
        found.append(f"{below} of the losses lie below the floor, where no model can get: do not trust this sweep.")
    return found
