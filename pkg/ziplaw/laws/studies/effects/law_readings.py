"""One dataset's best size at any compute, and its exponents, by every link and by isoFLOP, with errors carried over.

A law under a link is fitted once and again without each of its runs; whatever is read off it, ln N_opt at some C or an
exponent, is read off all of these laws, and its covariance is the jackknife's. So a compute far from the middle, and
all FLOPs in place of 6 N D, need no approximation: N_opt minimises the index along C = 6 N D, or along C = c(N) D with
c the FLOPs per token of the dataset's own sizes (``pilots.compute``). IsoFLOP is made on 6 N D, or on C / (6 N) as
tokens, which makes 6 N D all FLOPs.

The slope of ln(loss - E) in ln N and ln D where one term rules is not alpha and beta under every link: they are taken
times the link's own slope (1 for identity, k for power and, near the floor, bounded; of the free link that in the
middle of the cells), so that exponents of all links are of one kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ....errors import FitError
from ....numerics.functions import exp, log, product
from ...dependence.splits.dataset_splits import ISOFLOP, KINDS, moved
from ...fits.dataset_links import jackknifed_split, laws_left_out, split_by_isoflop
from ...fits.link_fit import fit_link
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN, split
from ...forms.form import Form
from ...pilots.compute import Compute
from ...solve.additive import Array

Row = Mapping[str, Any]  # of runs.csv
ACCOUNTINGS = ("6nd", "all")
EXPONENTS = ("a", "alpha", "beta")
_KEYS = ("model", "seed", "N", "D", "C", "loss", "loss_stderr")


@dataclass(frozen=True, eq=False)
class LawReading:
    """What one link says of a dataset.

    Attributes
    ----------
    form : Form
    laws : ndarray (1 + k, p)
        Natural parameters: the fit, then those without each of k runs.
    ladder : Compute
        All FLOPs of the dataset's sizes.
    """

    form: Form
    laws: Array
    ladder: Compute

    def ln_N(self, accounting: str, C: float) -> tuple[float, float]:
        """Ln N_opt at C and its variance."""
        if accounting == "6nd":
            found = log(split(self.laws, C, self.form)[0])
        else:
            A, B, alpha, beta = self.form.power_terms(self.laws)
            found = self.ladder.best(log(A), log(B), alpha, beta, C)
        value, covariance = jackknifed(np.asarray(found)[:, None])
        return float(value[0]), float(covariance[0, 0])

    @cached_property
    def exponents(self) -> tuple[Array, Array]:
        """Exponents a, alpha and beta (3,) and their covariance (3, 3)."""
        _, _, alpha, beta = self.form.power_terms(self.laws)
        times = np.array([_slope(self.form, law) for law in self.laws])
        return jackknifed(np.column_stack([beta / (alpha + beta), times * alpha, times * beta]))


@dataclass(frozen=True, eq=False)
class ValleyReading:
    """What isoFLOP says of a dataset: a split by accounting."""

    splits: Mapping[str, Mapping[str, Any]]

    def ln_N(self, accounting: str, C: float) -> tuple[float, float]:
        """Ln N_opt at C and its variance; NaN where isoFLOP does not tell it by this accounting."""
        if accounting not in self.splits:
            return float("nan"), float("nan")
        pair, covariance = moved(self.splits[accounting], C)
        return float(pair[0]), float(covariance[0, 0])

    @property
    def exponents(self) -> tuple[Array, Array]:
        """The exponent a (1,) and its variance (1, 1)."""
        found = self.splits["6nd"]
        return np.array([found["a"]]), np.array(found["covariance"], dtype=np.float64)[1:, 1:]


@dataclass(frozen=True, eq=False)
class Readings:
    """All readings of a dataset.

    Attributes
    ----------
    by : dict
        kind (a link, or "isoflop") -> its reading; those whose split is identified.
    refused : dict
        kind -> why there is none.
    N : tuple of float
        Least and largest size measured.
    ladder : Compute
        All FLOPs of its sizes.
    """

    by: Mapping[str, LawReading | ValleyReading]
    refused: Mapping[str, str]
    N: tuple[float, float]
    ladder: Compute


def jackknifed(values: Array) -> tuple[Array, Array]:
    """Estimates (m,) and the jackknife's covariance (m, m) of values (1 + k, m), the estimate first."""
    off = values[1:] - values[1:].mean(axis=0)
    k = len(off)
    return values[0], product((k - 1) / k * off.T, off)


def read_dataset(rows: Sequence[Row], floor: float | None, unigram: float | None) -> Readings:
    """Read the rows of runs.csv of one dataset by every link and by isoFLOP.

    Parameters
    ----------
    rows : sequence of dict
        ``model seed N D C loss``, C being all FLOPs; ``loss_stderr`` where known.
    floor, unigram : float or None
        Nats per token; see ``fits.dataset_links.fit_links``.
    """
    return _read(tuple(tuple(row.get(key) for key in _KEYS) for row in rows), floor, unigram)


@lru_cache(maxsize=512)
def _read(cells: tuple[tuple[Any, ...], ...], floor: float | None, unigram: float | None) -> Readings:
    rows = [dict(zip(_KEYS, cell)) for cell in cells]
    cost = {row["N"]: row["C"] / row["D"] for row in rows}
    ladder = Compute.of(list(cost), list(cost.values()))
    by: dict[str, LawReading | ValleyReading] = {}
    refused = {}
    for kind in KINDS:
        found = _valleys(rows) if kind == ISOFLOP else _law(rows, kind, floor, unigram, ladder)
        if isinstance(found, str):
            refused[kind] = found
        else:
            by[kind] = found
    return Readings(by, refused, (min(cost), max(cost)), ladder)


def _law(rows: list[dict[str, Any]], link: str, floor: float | None, unigram: float | None,
         ladder: Compute) -> LawReading | str:  # fmt: skip
    """The same fit as ``fit_links``, kept with its refits."""
    kept = [row for row in rows if floor is None or row["loss"] - floor > max(row["loss_stderr"] or 0.0, 0.0)]
    N, D, loss = (np.array([row[key] for row in kept], dtype=np.float64) for key in ("N", "D", "loss"))
    runs = [f"{row['model']}/{row['seed']}" for row in kept]
    try:
        fitted = fit_link(
            N, D, loss, link=link, E=floor, U=unigram if link == "bounded" else None, excess=floor is not None,
            objective="log-mse", duplicates="keep", units="keep",
        )  # fmt: skip
    except FitError as error:
        return str(error)
    if not fitted.converged:
        return f"not converged: {fitted.message}"
    middle = float(exp(log(FLOPS_PER_PARAMETER_TOKEN * N * D).mean()))
    told = jackknifed_split(fitted, runs, middle)
    laws, _ = laws_left_out(fitted, runs)
    if laws is None or not told["identified"]:
        return str(told["reason"])
    return LawReading(fitted.form, np.vstack([fitted.parameters, laws]), ladder)


def _valleys(rows: list[dict[str, Any]]) -> ValleyReading | str:
    splits: dict[str, Mapping[str, Any]] = {}
    for accounting in ACCOUNTINGS:
        # tokens by which 6 N D is all FLOPs
        counted = [row | {"D": row["C"] / (FLOPS_PER_PARAMETER_TOKEN * row["N"])} for row in rows]
        found = split_by_isoflop(rows if accounting == "6nd" else counted)
        told = found["split"]
        if told and told["identified"] and told["covariance"] is not None:
            splits[accounting] = told
        elif accounting == "6nd":
            return str(found["note"])
    return ValleyReading(splits)


def _slope(form: Form, law: Array) -> float:
    """Slope of ln(loss - E) in the index z: k where there is one, of a free link that in the middle of the cells."""
    if form.link.name == "free":
        values = [law[form.parameters.index(name)] for name in form.link.parameters]
        return float(form.link.slopes(np.zeros(1), values)[0][0])
    return float(law[form.parameters.index("k")]) if "k" in form.parameters else 1.0
