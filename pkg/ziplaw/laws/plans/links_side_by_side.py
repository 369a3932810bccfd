"""All links of one table side by side: how well each holds, and how far they disagree about the best split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.functions import exp, log
from ..fits.choice import choose_link
from ..fits.link_fit import fit_link
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import check_within
from ..forms.catalogue import LINKS
from ..intervals import identification
from ..intervals.choose import describe, resample
from ..intervals.quantities import Runs
from ..solve import diagnostics

_SHARE = 0.1


def links_document(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    U: float | None = None,
    options: Mapping[str, Any] | None = None,
    method: str | None = None,
    clusters: Runs = None,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 42,
    flops: Sequence[float] = (),
) -> dict[str, Any]:
    """Fit every link to a table and set errors and splits side by side.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        The table.
    U : float, optional
        Upper end of the bounded link; None fits it.
    options : dict, optional
        Of ``link_fit.fit_link``: E, excess, weights, tie, objective, delta, duplicates, units.
    method, clusters, bootstrap, level, seed
        The intervals; see ``choose.intervals``.
    flops : sequence of float
        Budgets whose best split is compared; by default the middle of what was measured and the largest.

    Returns
    -------
    dict
        "links": a row a link with n_parameters, rms_log_residual, holdout_rms (of the tenth of the rows with the most
        compute), a, flags, usable and message; "splits": a row a link and budget with C, N, interval and identified;
        "disagreement": a row a budget with C, factor (largest N over smallest, of the links that identify it) and how
        many these are; "chosen" and "reason" of ``choice.choose_link``.

    Raises
    ------
    FitError
        When no link can be fitted.
    """
    options = dict(options or {})
    rows: list[dict[str, Any]] = []
    splits: list[dict[str, Any]] = []
    measured = FLOPS_PER_PARAMETER_TOKEN * np.asarray(N, dtype=np.float64) * np.asarray(D, dtype=np.float64)
    budgets = [float(check_within(C, "C", limits.FLOPS)) for C in flops]
    budgets = budgets or [float(exp(log(measured).mean())), float(measured.max())]
    how, failure = "", None
    for link in LINKS:
        try:
            fitted = fit_link(N, D, loss, link=link, U=U if link == "bounded" else None, **options)
            kind, draws = resample(fitted, method, clusters=clusters, n=bootstrap, seed=seed)
        except FitError as error:
            failure = failure or error
            rows.append({"link": link, "usable": False, "flags": [], "message": str(error)})
            continue
        how = describe(kind, draws, bootstrap)
        held = fitted.error_at_largest_C(_SHARE)
        judged = fitted.intervals(kind, identification.LEVEL) if draws is None else draws.interval(identification.LEVEL)
        doubts = identification.law_doubts(fitted, judged)
        rows.append(
            {
                "link": link,
                "n_parameters": fitted.n_free,
                "rms_log_residual": fitted.rms,
                "holdout_rms": held["rms_log_error"] if held else None,
                "a": fitted.split_at(budgets[0])[1],
                "flags": list(fitted.flags),
                "usable": diagnostics.usable(fitted),
                "message": doubts[0].reason if doubts else fitted.message,
            }
        )
        for C in budgets:
            found = [
                (fitted.intervals(kind, at, C=C)["N_opt"] if draws is None else draws.allocate(C, at)["N"])
                for at in (level, identification.LEVEL)
            ]
            best = float(exp(fitted.split_at(C)[0]))
            unsure = doubts or identification.split_doubts(C, best, found[1], largest=float(measured.max()))
            ends = [float(end) for end in found[0]]
            splits.append({"link": link, "C": C, "N": best, "interval": ends, "identified": not unsure})
    if not splits:
        raise FitError(str(failure))
    choice = choose_link(N, D, loss, U=U, **options)
    return {
        "links": rows,
        "splits": splits,
        "disagreement": [_disagreement(splits, C) for C in budgets],
        "chosen": choice.link,
        "reason": choice.reason,
        "n": len(measured),
        "level": level,
        "interval_method": how,
    }


def _disagreement(splits: Sequence[Mapping[str, Any]], C: float) -> dict[str, Any]:
    """How far the links that identify the split of C lie apart: largest N over smallest, null for fewer than two."""
    best = [row["N"] for row in splits if row["C"] == C and row["identified"]]
    return {"C": C, "n_links": len(best), "factor": max(best) / min(best) if len(best) > 1 else None}
