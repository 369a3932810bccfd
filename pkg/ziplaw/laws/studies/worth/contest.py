"""Datasets whose compute is split by rules that were made from other datasets, and the loss that each rule loses.

A rule never sees the dataset that it is judged on, but for those that are the dataset's own: its pilot, and its own
full fit, which says how near to its judge any rule can be expected to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from ....errors import FitError
from ....numerics.functions import exp
from ...pilots.compute import BETA, Compute
from ...plans.evidence.gaussian_split import GaussianSplit
from ...solve.additive import Array
from .split_rules import RATIOS, at_ratio, foretell

Columns = tuple[str, ...]
Lines = dict[tuple[Columns, str], GaussianSplit]


class Judge(Protocol):
    """What says the loss of a split of one compute: ``JudgedValley`` or ``JudgedLaw``."""

    @property
    def x(self) -> float:
        """Ln N of the best split."""

    @property
    def log_loss(self) -> float:
        """Ln loss there."""

    def at(self, x: Array) -> Array:
        """Ln loss (n,) at ln N (n,)."""

    def compute_wasted(self, log_loss: float) -> float:
        """Ln of how many times less compute the best split needs for this loss."""


@dataclass(frozen=True)
class Rule:
    """A way to split a dataset's compute.

    Attributes
    ----------
    name : str
    ratio : float or None
        Tokens a parameter; 0 for the ratio that loses least on the datasets it was made from.
    line : tuple of str or None
        Covariates of the line of others' splits; empty for their pooled law.
    own : {"pilot", "fit"} or None
        The dataset's own evidence: with a line the two are combined. A pilot that tells no split leaves the line,
        or where there is none the pooled law.
    """

    name: str
    ratio: float | None = None
    line: Columns | None = None
    own: str | None = None


@dataclass(frozen=True, eq=False)
class Known:
    """A dataset as the lines of others see it, and they it.

    Attributes
    ----------
    name : str
    covariates : dict of str to float
    split : GaussianSplit or None
        By all its own cells, C = 6 N D.
    beta : float
        Exponent of D of its own law, by which a split is told for all FLOPs.
    """

    name: str
    covariates: Mapping[str, float]
    split: GaussianSplit | None = None
    beta: float = BETA


@dataclass(frozen=True, eq=False)
class Entrant:
    """A dataset and the compute that is to be split for it.

    Attributes
    ----------
    known : Known
    log_C : float
        ln of the compute, as ``compute`` counts it.
    compute : Compute
        FLOPs of a token at N.
    judge : Judge
    floor : float
        Nats per token; 0 where none is known.
    pilot : GaussianSplit or None
        By its own cells of small compute.
    """

    known: Known
    log_C: float
    compute: Compute
    judge: Judge
    floor: float = 0.0
    pilot: GaussianSplit | None = None

    @cached_property
    def lost_at_ratios(self) -> Array:
        """Share of the loss lost by each of ``RATIOS``, (241,)."""
        return self.lost(at_ratio(RATIOS, self.log_C, self.compute))

    def lost(self, x: Array) -> Array:
        """Share of the loss lost at ln N (n,), against the best split: (n,); negative nowhere but by rounding."""
        return np.asarray(exp(self.judge.at(x) - self.judge.log_loss) - 1.0)

    def lost_of_excess(self, x: Array) -> Array:
        """The same loss as a share of what the best split leaves above the floor, (n,)."""
        best = float(exp(self.judge.log_loss))
        return np.asarray(self.lost(x) * best / (best - self.floor)) if best > self.floor else np.full(len(x), np.nan)

    def compute_wasted(self, x: Array) -> Array:
        """Ln of the factor of compute that the best split needs less for the loss at ln N (n,): (n,)."""
        told = np.maximum(self.judge.at(x), self.judge.log_loss)
        return np.array([self.judge.compute_wasted(float(value)) for value in told])

    def told(self, known: Sequence[GaussianSplit], beta: float) -> Array:
        """Ln N (k,) that splits known at C = 6 N D give at this compute."""
        ln_N, a = np.array([one.at(known[0].C).mean for one in known]).T
        return np.asarray(self.compute.best_of_splits(ln_N, a, known[0].C, float(exp(self.log_C)), beta))


def lines(rules: Sequence[Rule], train: Sequence[Known], new: Sequence[Known]) -> Lines:
    """Foretell the splits of new datasets by the line of others' in the covariates of each rule.

    Returns
    -------
    dict
        (columns, name of a new dataset) -> GaussianSplit; absent where the line lacks datasets or a covariate.
    """
    out: Lines = {}
    for columns in dict.fromkeys(_columns(rule) for rule in rules):
        if columns is None:
            continue
        known = [one for one in train if one.split is not None and _has(one, columns)]
        told = [one for one in new if _has(one, columns)]
        splits = [one.split for one in known if one.split is not None]
        if not splits or not told:
            continue
        C = splits[0].C
        moved = [split.at(C) for split in splits]
        y, S = np.array([one.mean for one in moved]), np.array([one.covariance for one in moved])
        X, at = (np.array([[one.covariates[c] for c in columns] for one in some]).reshape(len(some), len(columns))
                 for some in (known, told))  # fmt: skip
        try:
            found = foretell(y, S, X, C, at)
        except FitError:
            continue
        out |= {(columns, one.name): split for one, split in zip(told, found)}
    return out


def lines_of_others(rules: Sequence[Rule], everyone: Sequence[Known]) -> Lines:
    """Foretell each dataset's split by the lines of all the others'."""
    out: Lines = {}
    for one in everyone:
        out |= lines(rules, [other for other in everyone if other is not one], [one])
    return out


def split_by(rules: Sequence[Rule], told: Lines, train: Sequence[Entrant], one: Entrant) -> Array:
    """Ln N (rules,) by which each rule splits a dataset's compute; NaN where a rule says nothing.

    Parameters
    ----------
    rules : sequence of Rule
    told : dict
        See ``lines``.
    train : sequence of Entrant
        The datasets behind these lines, by which the best constant ratio is chosen.
    one : Entrant
    """
    out = np.full(len(rules), np.nan)
    beta = float(np.median([other.known.beta for other in train])) if train else BETA
    found: dict[int, GaussianSplit] = {}
    for i, rule in enumerate(rules):
        if rule.ratio is not None:
            ratio = rule.ratio or best_ratio(train)
            out[i] = at_ratio(np.array([ratio]), one.log_C, one.compute)[0]
        elif rule.own == "fit":
            out[i] = np.nan if one.known.split is None else one.told([one.known.split], one.known.beta)[0]
        else:
            known = told.get((_columns(rule) or (), one.known.name))
            if rule.own == "pilot" and one.pilot is not None:
                known = one.pilot if rule.line is None or known is None else known.updated(one.pilot)
            if known is not None:
                found[i] = known
    if found:
        out[list(found)] = one.told(list(found.values()), beta)
    return out


def best_ratio(train: Sequence[Entrant]) -> float:
    """The constant tokens a parameter that loses least on average, the largest of equals; NaN of no dataset."""
    if not train:
        return float("nan")
    lost = np.mean([one.lost_at_ratios for one in train], axis=0)
    return float(RATIOS[np.flatnonzero(lost <= lost.min() + 1e-12)[-1]])


def _columns(rule: Rule) -> Columns | None:
    """Covariates of the line behind a rule: of a pilot alone those of the pooled law, which it falls back on."""
    return () if rule.own == "pilot" and rule.line is None else rule.line


def _has(one: Known, columns: Columns) -> bool:
    return all(np.isfinite(one.covariates.get(c, np.nan)) for c in columns)
