"""What an interval may be asked for, and the ends it has where the table says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log
from ..forms.allocation import LEAST_SPLIT, MOST_SPLIT, exponents, optimal_split
from ..forms.chinchilla import PARAMETERS, additive
from ..solve.additive import Array
from ..solve.additive_fit import FittedLaw
from ..solve.diagnostics import unidentified
from .view import Ends, Function

Runs = Sequence[object] | npt.NDArray[Any] | None  # a label for each row, or None where none is known
Bands = dict[str, tuple[Any, Any]]  # name -> (lo, hi), floats or arrays (m,)


def tails(level: float) -> list[float]:
    """Return the two quantiles between which draws lie in the middle ``level`` of cases."""
    return [(1 - level) / 2, (1 + level) / 2]


def named_quantities(parameters: npt.ArrayLike) -> dict[str, Array]:
    """E, A, B, alpha, beta, a, b and log10_G of (..., 5) parameters, by name."""
    a, b, log10_G = exponents(parameters)
    return {**dict(zip(PARAMETERS, np.moveaxis(np.asarray(parameters), -1, 0))), "a": a, "b": b, "log10_G": log10_G}


def quantities(
    C: float | None = None, N: float | None = None, D: float | None = None
) -> dict[str, tuple[Function, bool]]:
    """Return what an interval may be asked for: name -> function of parameters (..., 5), on a near-normal scale.

    Parameters
    ----------
    C : float, optional
        Training FLOPs: adds "N_opt", "D_opt" and "loss_opt".
    N, D : float, optional
        Adds "loss", the prediction there.

    Returns
    -------
    dict
        name -> (function, whether the function returns the logarithm of the quantity).
    """

    def parameter(i: int) -> Function:
        return lambda p: p[..., i]

    def exponent(i: int) -> Function:
        return lambda p: exponents(p)[i]

    def log_parameter(i: int) -> Function:
        return lambda p: log(p[..., i])

    def log_split(i: int, C: float) -> Function:
        return lambda p: log(optimal_split(p, C)[i])

    # E, A and B range over decades; the exponents do not
    out = {name: (log_parameter(i), True) for i, name in enumerate(PARAMETERS[:3])}
    out |= {name: (parameter(i), False) for i, name in enumerate(PARAMETERS) if i >= 3}
    out |= {name: (exponent(i), False) for i, name in enumerate(("a", "b", "log10_G"))}
    if C is not None:
        out |= {name: (log_split(i, C), True) for i, name in enumerate(("N_opt", "D_opt", "loss_opt"))}
    if N is not None and D is not None:
        out["loss"] = (lambda p: log(additive(p, N, D)), True)
    return out


def split_limits(unknown: Iterable[str], bands: Bands) -> Bands:
    """Give bands of N, D and loss ends that mean something: 0 or inf where a term vanished, no loss below 0.

    ``unknown`` names what the table says nothing about.
    """
    if {"a", "b"} & set(unknown):
        bands = {**bands, "N": (0.0, np.inf), "D": (0.0, np.inf)}
    out = {}
    for name, (low, high) in bands.items():
        low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        # a split within three decades of where it is cut off has run off to the end
        low = np.where(low > LEAST_SPLIT * 1e3, low, 0.0) if name != "loss" else np.where(low > 0, low, 0.0)
        high = np.where(high < MOST_SPLIT / 1e3, high, np.inf)
        out[name] = (float(low), float(high)) if low.ndim == 0 else (low, high)
    return out


def unknown_ranges(fitted: FittedLaw) -> dict[str, Ends]:
    """Whole ranges of what the table says nothing about: name -> (lo, hi)."""
    lost = unidentified(fitted)
    out: dict[str, Ends] = dict.fromkeys(lost, (0.0, np.inf))
    if lost & {"A", "B", "alpha", "beta"}:
        out.update(a=(0.0, 1.0), b=(0.0, 1.0), log10_G=(-np.inf, np.inf))
    return out
