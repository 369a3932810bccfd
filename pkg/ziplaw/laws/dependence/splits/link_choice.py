"""Which link is believed: the one that foretells the losses at the largest compute best, whatever it says about H."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .dataset_splits import LINKS, Fit, carrying, split_of

TIE = 0.02  # relative: errors closer than this are equal, and the simpler link is taken
CHOICE_RULE = (
    "smallest error, as the median over datasets, in the cells of largest compute, which the fits were made without; "
    f"within {TIE:.0%} the simpler link; blind to H"
)


def choose_link(fits: Sequence[Fit], among: Sequence[str] = LINKS) -> tuple[str, dict[str, Any]]:
    """Choose a link by its held-out error at the largest compute, blind to H.

    Each dataset's fits foretell its cells of largest compute, which they were made without. A link can be chosen
    when it identifies the split of at least half of the datasets. Its error is the median over the datasets that all
    such links carry (one saturated dataset, all noise, would decide a mean of squares by itself). Errors of the
    excess over a floor and errors of the loss are not of one kind: where any dataset has a floor, those without do not
    count. The simplest link within ``TIE`` of the smallest error is taken.

    Parameters
    ----------
    fits : sequence of dict
        Fit documents with ``links``.
    among : sequence of str
        Links to choose from.

    Returns
    -------
    link : str
        Empty where no link can be chosen.
    choice : dict
        For each link that can be: ``holdout`` (the median), ``rms`` over the same datasets, ``n_datasets``,
        ``error_of`` ("excess" or "loss"), ``by_dataset`` (of every dataset that has one), ``chosen``.
    """
    candidates = [link for link in LINKS if link in among and carrying(fits, link)]
    if not candidates:
        return "", {}
    errors = {link: _errors(fits, link) for link in candidates}
    kind = "excess" if any(of == "excess" for found in errors.values() for of, _ in found.values()) else "loss"
    shared = sorted(
        set.intersection(*({name for name, (of, _) in found.items() if of == kind} for found in errors.values()))
    )
    choice: dict[str, Any] = {}
    for link in candidates:
        mine = [errors[link][name][1] for name in shared]
        choice[link] = {
            "holdout": float(np.median(mine)) if mine else None,
            "rms": float(np.sqrt(np.mean(np.square(mine)))) if mine else None,
            "n_datasets": len(mine),
            "error_of": kind,
            "by_dataset": {name: error for name, (_, error) in errors[link].items()},
        }
    known = {link: entry["holdout"] for link, entry in choice.items() if entry["holdout"] is not None}
    least = min(known.values(), default=0.0)
    chosen = next((link for link, error in known.items() if error <= least * (1 + TIE)), candidates[0])
    for link, entry in choice.items():
        entry["chosen"] = link == chosen
    return chosen, choice


def _errors(fits, link):
    """What the error is of, and the error, by dataset whose split the link identifies."""
    found = {}
    for fit in fits:
        entry = (fit.get("links") or {}).get(link) or {}
        error = (entry.get("holdout") or {}).get("rms_log_error")
        if split_of(fit, link)[0] is not None and isinstance(error, int | float) and np.isfinite(error):
            found[fit["dataset"]] = entry.get("error_of", "loss"), float(error)
    return found
