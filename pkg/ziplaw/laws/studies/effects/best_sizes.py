"""Best sizes of many datasets at one compute, and the computes at which a study tells them.

The computes are the 20 %, 50 % and 80 % quantiles of the compute of all measured cells, rounded to one digit so that
both halves of a study are told at the same ones: nothing but N, D and the FLOPs of the design has a part in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....numerics.functions import exp, log
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...solve.additive import Array
from .law_readings import Readings, Row

COMPUTES = {"low": 0.2, "middle": 0.5, "high": 0.8}


@dataclass(frozen=True, eq=False)
class BestSizes:
    """Best sizes of K datasets by one kind at one compute.

    Attributes
    ----------
    names : tuple of str
    ln_N, ln_ratio : ndarray, float64 (K,)
        Of N_opt, and of tokens per parameter there.
    variance, variance_ratio : ndarray, float64 (K,)
        Squared errors of both.
    outside : ndarray, bool (K,)
        Whether N_opt lies beyond the sizes that were measured.
    """

    names: tuple[str, ...]
    ln_N: Array
    variance: Array
    ln_ratio: Array
    variance_ratio: Array
    outside: npt.NDArray[np.bool_]

    def quantity(self, name: str) -> tuple[Array, Array]:
        """Values and variances of "N" or of "tokens_per_parameter"."""
        return (self.ln_N, self.variance) if name == "N" else (self.ln_ratio, self.variance_ratio)


def computes(rows: Iterable[Row], accounting: str) -> dict[str, float]:
    """The low, middle and high compute of a study by an accounting, FLOPs; see the head of this module."""
    if accounting == "6nd":
        C = [FLOPS_PER_PARAMETER_TOKEN * row["N"] * row["D"] for row in rows]
    else:
        C = [row["C"] for row in rows]
    logs = log(np.array(C, dtype=np.float64))
    quantiles = exp(np.quantile(logs, list(COMPUTES.values())))
    return {name: float(f"{value:.0e}") for name, value in zip(COMPUTES, quantiles.tolist())}


def best_sizes(readings: Mapping[str, Readings], kind: str, accounting: str, C: float) -> BestSizes:
    """Gather the datasets whose best size this kind identifies; the others are left out."""
    names, told = [], []
    for name, found in readings.items():
        if kind not in found.by:
            continue
        x, v = found.by[kind].ln_N(accounting, C)
        if not (np.isfinite(x) and np.isfinite(v) and v > 0):
            continue
        if accounting == "6nd":
            tokens, slope = log(C / FLOPS_PER_PARAMETER_TOKEN) - x, 1.0
        else:
            N = float(exp(x))
            tokens, slope = log(found.ladder.tokens(N, C)), float(found.ladder.elasticity(N))
        outside = not log(found.N[0]) <= x <= log(found.N[1])
        names.append(name)
        told.append((x, v, float(tokens - x), v * (1 + slope) * (1 + slope), outside))
    columns = np.array(told, dtype=np.float64).reshape(-1, 5).T
    x, v, ratio, v_ratio, beyond = columns
    return BestSizes(tuple(names), x, v, ratio, v_ratio, beyond > 0)
