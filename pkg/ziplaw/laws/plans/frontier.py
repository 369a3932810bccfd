"""The compute-optimal frontier as a table: N_opt, D_opt and loss along C for datasets, Chinchilla and the law in H."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ...numerics.functions import log, log10, raised
from ..dependence import law_in_H
from ..dependence.selection import Fit, choose_fits
from ..forms.allocation import optimal_split
from ..forms.chinchilla import CHINCHILLA, PARAMETERS
from ..intervals.drawn_laws import multivariate_t, split_bands
from ..intervals.identification import LEVEL, Doubt, drawn_doubts, split_doubts
from ..solve.additive import Array

PER_DECADE = 4
BEYOND = 2.0  # decades of C past the largest run


def compute_grid(low: float, high: float) -> Array:
    """C from the decade quarter at or below ``low`` to that at or above 100 ``high``, four a decade, float64."""
    first = int(np.floor(log10(low) * PER_DECADE + 1e-9))
    last = int(np.ceil((log10(high) + BEYOND) * PER_DECADE - 1e-9))
    return raised(10.0, np.arange(first, last + 1) / PER_DECADE)


def frontier(
    regression: Mapping[str, Any], fits: Sequence[Fit], *, level: float | None = None, check: bool = True
) -> list[dict[str, Any]]:
    """Rows of frontier.csv.

    Bands are quantiles over laws drawn from the fit's covariance (multivariate t with cells - parameters degrees of
    freedom; for the law in H with n_datasets - 2, and including the scatter of datasets, so that they hold for a new
    dataset of that H). Chinchilla's constants have no bands. ``in_range``: C lies inside the measured range.

    Parameters
    ----------
    regression : dict
        The content of regression.json.
    fits : sequence of dict
        The fits behind it; datasets that carry no law have no line.
    level : float, optional
        Coverage of the bands; by default the regression's.
    check : bool
        Leave splits empty that are not ``identified`` (``identification``); False keeps their numbers. ``reason``
        says why.

    Returns
    -------
    list of dict
        With the columns of frontier.csv (docs/formats.md) as keys; no rows when no dataset carries a law.
    """
    level = regression["level"] if level is None else level
    used, variant, _ = choose_fits(fits)
    named = {d["dataset"] for d in regression["datasets"]}
    if {fit["dataset"] for fit in used} != named:
        raise FitError(
            f"the regression is of {sorted(named)}, the fits carry {sorted(fit['dataset'] for fit in used)}: "
            "give the fits that the regression was made from"
        )
    if not used:
        return []
    measured = regression["fitted_on"]["C"]
    C = compute_grid(*measured)
    options = {"level": level, "measured": measured, "check": check}
    rows = []
    for fit in used:
        found = fit["variants"][variant]
        values = np.array([found["parameters"][name] for name in PARAMETERS])
        doubts, drawn = [Doubt(**doubt) for doubt in found.get("plan_refused", ())], _draws(found, regression)
        # fits written before splits were judged carry no doubts, but may lack a covariance
        if drawn is None and not doubts:
            doubts = [Doubt("the uncertainty of its exponents is not known", "add runs over a wider range")]
        rows += _rows(fit["dataset"], fit["H"], C, values, drawn, doubts, **options)
    rows += _rows("chinchilla", None, C, CHINCHILLA.array, None, [], **options)
    law = regression["law"]
    if law is not None:
        lo, hi = regression["fitted_on"]["H"]
        for H in (lo, (lo + hi) / 2, hi):
            drawn, values = law_in_H.draws_at(law, H, seed=regression["seed"]), law_in_H.parameters_at(law, H)
            rows += _rows(f"L(N,D,H) at H={H:.3f}", H, C, values, drawn, drawn_doubts(drawn), **options)
    return rows


def _draws(found, regression):
    """Laws (n, 5) drawn from a fit's covariance; None where the covariance of an exponent is not known."""
    S = np.array(found["covariance"], dtype=np.float64)
    if not np.isfinite(np.diag(S)[1:]).all():
        return None
    values = np.array([found["parameters"][name] for name in PARAMETERS])
    logs = np.concatenate([log(np.maximum(values[:3], 1e-300)), values[3:]])
    where = law_centre(regression)
    y, S = law_in_H.centre(logs[None], S[None], where["ln_N"], where["ln_D"])
    # cells less the parameters that were fitted: what was held has no variance
    df = max(int(found["n"]) - int(np.isfinite(np.diag(np.array(found["covariance"], dtype=np.float64))).sum()), 1)
    drawn = multivariate_t(y[0], S[0], df, law_in_H.DRAWS, regression["seed"])
    return law_in_H.natural(drawn, where)


def law_centre(regression: Mapping[str, Any]) -> Mapping[str, float]:
    """Centre of ln N and ln D: the law's, or the middle of the measured ranges when there is no law."""
    if regression["law"] is not None:
        return regression["law"]["centre"]
    on = regression["fitted_on"]
    return {"ln_N": float(log(on["N"]).mean()), "ln_D": float(log(on["D"]).mean())}


def _rows(source, H, C, values, drawn, doubts, *, level, measured, check):
    split = dict(zip(("N", "D", "loss"), optimal_split(values, C)))
    band = None if drawn is None else split_bands(drawn, C, level)
    judged = band if band is None or level == LEVEL else split_bands(drawn, C, LEVEL)
    rows = []
    for i, c in enumerate(C):
        against = doubts
        if not doubts and judged is not None:
            against = split_doubts(float(c), float(split["N"][i]), [end[i] for end in judged["N"]], largest=measured[1])
        row = {"source": source, "H": H, "C": float(c), "in_range": bool(measured[0] <= c <= measured[1])}
        row |= {
            "identified": not against,
            "reason": "; ".join(dict.fromkeys(doubt.reason for doubt in against)) or None,
        }
        for name, values in split.items():
            shown = [float(values[i]), *((None, None) if band is None else (float(end[i]) for end in band[name]))]
            keys = (name if name == "loss" else f"{name}_opt", f"{name}_lo", f"{name}_hi")
            row |= dict(zip(keys, shown if row["identified"] or not check else (None, None, None)))
        rows.append(row)
    return rows
