"""The best splits of a sweep's datasets, moved to one compute with their covariances.

A split is ln N_opt at a compute and the exponent a of N_opt in C; ln N_opt(C') = ln N_opt(C) + a (ln C' - ln C), so
another compute is a 2 x 2 matrix away. One compute serves the whole sweep, the middle of what was measured: there
ln N_opt is known best, and least entangled with a.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....numerics.functions import exp, log, product
from ...forms.catalogue import LINKS
from ...solve.additive import Array

ISOFLOP = "isoflop"
KINDS = (*LINKS, ISOFLOP)
FEWEST = 3  # datasets that a line in H needs
Fit = Mapping[str, Any]  # a document of kind "fit"
Row = Mapping[str, Any]  # a row of runs.csv


@dataclass(frozen=True)
class Splits:
    """Splits of K datasets at one compute, all by one link or all by isoFLOP.

    Attributes
    ----------
    names : tuple of str
    y : ndarray, float64 (K, 2)
        ln N_opt and a.
    S : ndarray, float64 (K, 2, 2)
        Covariance of each dataset's pair.
    C : float
        The compute in training FLOPs, 6 N D.
    """

    names: tuple[str, ...]
    y: Array
    S: Array
    C: float


def split_of(fit: Fit, kind: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return a dataset's split by a link or by isoFLOP, or None and why there is none that can be used."""
    if kind == ISOFLOP:
        found = fit.get("isoflop") or {}
        why = found.get("note") or "no isoFLOP minimum was found"
    else:
        found = (fit.get("links") or {}).get(kind) or {}
        why = found.get("message") or "this link was not fitted"
        if found and not found.get("converged"):
            return None, f"not converged: {why}"
    split = found.get("split")
    if not split:
        return None, why
    if not split.get("identified"):
        return None, "its split is not identified" + (f": {split['reason']}" if split.get("reason") else "")
    numbers = [split.get("C"), split.get("ln_N"), split.get("a"), *np.ravel(split.get("covariance") or [None])]
    if not all(isinstance(v, int | float) and np.isfinite(v) for v in numbers) or len(numbers) != 7:
        return None, "its split has no covariance"
    return split, ""


def with_splits(fits: Sequence[Fit]) -> list[Fit]:
    """Return the fits that have at least one usable split, in the order given."""
    return [fit for fit in fits if any(split_of(fit, kind)[0] is not None for kind in KINDS)]


def carrying(fits: Sequence[Fit], kind: str) -> list[Fit]:
    """Return the fits with a usable split of one kind: none at all where fewer than half have one."""
    found = [fit for fit in fits if split_of(fit, kind)[0] is not None]
    return found if 2 * len(found) >= len(fits) else []


def reference_C(fits: Sequence[Fit]) -> float:
    """One compute for all datasets: the geometric mean of 6 N D over all their cells, the middle of what was measured.

    Parameters
    ----------
    fits : sequence of dict
        Fit documents with at least one usable split (``with_splits``): a split says the middle of its dataset's cells,
        and its link of how many they are.

    Returns
    -------
    float
        Training FLOPs.
    """
    logs, counts = [], []
    for fit in fits:
        kind, split = next((kind, split) for kind in KINDS if (split := split_of(fit, kind)[0]) is not None)
        logs.append(log(split["C"]))
        counts.append(((fit.get("links") or {}).get(kind) or {}).get("n") or 1)
    return float(exp(np.average(logs, weights=counts)))


def moved(split: Mapping[str, Any], C: float) -> tuple[Array, Array]:
    """Move a split to compute C: (ln N_opt, a) (2,) and their covariance (2, 2)."""
    step = np.array([[1.0, log(C / split["C"])], [0.0, 1.0]])
    return product(step, np.array([split["ln_N"], split["a"]])), product(
        step, np.array(split["covariance"], dtype=np.float64), step.T
    )


def gather(fits: Sequence[Fit], kind: str, C: float) -> tuple[Splits, list[dict[str, str]]]:
    """Collect the usable splits of one kind at compute C, and say of every other dataset why it has none."""
    names, y, S, left_out = [], [], [], []
    for fit in fits:
        split, why = split_of(fit, kind)
        if split is None:
            left_out.append({"dataset": fit["dataset"], "reason": why})
            continue
        pair, covariance = moved(split, C)
        names.append(fit["dataset"])
        y.append(pair)
        S.append(covariance)
    found = Splits(tuple(names), np.reshape(y, (-1, 2)), np.reshape(S, (-1, 2, 2)), C)
    return found, left_out
