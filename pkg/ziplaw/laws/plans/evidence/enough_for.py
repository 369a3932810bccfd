"""The compute that so many tokens are enough for: where a plan, asked for less and less, asks for no more of them."""

from __future__ import annotations

from typing import Any

from ....base import limits
from ....numerics.functions import exp, log
from ...intervals import identification
from ...intervals.identification import split_doubts
from .combined_plan import Accounting
from .gaussian_split import GaussianSplit

_HALVINGS = 50


def enough_for(
    known: GaussianSplit, tokens: float, C: float, level: float = 0.95, compute: Accounting | None = None
) -> dict[str, Any] | None:
    """Return the C whose best split has D = ``tokens``, and that split; None where its N is not identified.

    Parameters
    ----------
    known : GaussianSplit
        What is known of the split.
    tokens : float
        D, less than the best split of C has.
    C : float
        Training FLOPs of the plan, above the answer.
    level : float
        Coverage of the bands.
    compute : Accounting, optional
        Counts all FLOPs; else C = 6 N D.

    Returns
    -------
    dict or None
        ``tokens C N N_interval``; None also where no C from 1 up to this one asks for so few tokens.
    """

    def at(log_C: float, level: float = level) -> dict[str, Any]:
        C = float(exp(log_C))
        return known.split(C, level) if compute is None else compute.split(known, C, level)

    low, high = float(log(limits.FLOPS.lowest)), float(log(C))
    if not at(low)["D"] <= tokens <= at(high)["D"]:
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if at(middle)["D"] < tokens else (low, middle)
    found = at(high)
    if split_doubts(float(exp(high)), found["N"], at(high, identification.LEVEL)["N_interval"]):
        return None
    return {"tokens": float(tokens), "C": float(exp(high)), "N": found["N"], "N_interval": found["N_interval"]}
