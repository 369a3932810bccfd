"""Kaplan et al.'s joint law (2020, eq. 1.5), L = [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D, with a floor or without."""

from __future__ import annotations

import numpy as np

from ...numerics.functions import exp, log, raised
from .form import Array, Centre, Columns, Form, Index, Logs, power


# theta of the index: ln of both terms at the centre, ln alpha_N, ln alpha_D
def _log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
    alpha_N, alpha_D = exp(theta[2]), exp(theta[3])
    first = theta[0] - alpha_N / alpha_D * (log(columns["N"]) - centre["N"])
    second = theta[1] - (log(columns["D"]) - centre["D"])
    return [first, second]


def _natural(theta: Array, centre: Centre) -> list[float]:
    alpha_N, alpha_D = exp(theta[2]), exp(theta[3])
    with np.errstate(over="ignore"):
        return [exp(centre["N"] + theta[0] * alpha_D / alpha_N), exp(centre["D"] + theta[1]), alpha_N, alpha_D]


def _power_terms(Nc: Array, Dc: Array, alpha_N: Array, alpha_D: Array) -> tuple[Array, Array, Array, Array]:
    alpha = alpha_N / alpha_D
    # a law that its runs do not identify may have a term of any size
    with np.errstate(over="ignore"):
        return raised(Nc, alpha), Dc, alpha, np.ones_like(alpha)


def _starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    out = []
    for alpha_N in (0.05, 0.1, 0.3, 0.8):
        for alpha_D in (0.05, 0.1, 0.3, 0.8):
            for share in (0.2, 0.8):
                total = z.mean() / alpha_D
                out.append([total + log(share), total + log(1 - share), log(alpha_N), log(alpha_D)])
    return out


def _starts_with_floor(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    return [
        [*start, z.min() + log(share)]
        for share in (0.3, 0.9)
        for start in _starts(columns, log(exp(z) - share * exp(z.min())), centre)
    ]


_PARAMETERS = ("Nc", "Dc", "alpha_N", "alpha_D")
_LOW = np.array([-np.inf, -np.inf, log(1e-3), log(1e-3)])
_HIGH = np.array([np.inf, np.inf, log(5.0), log(5.0)])
_INDEX = Index(("N", "D"), _PARAMETERS, _log_terms, _natural, _power_terms)

# rows: theta of the power link, ln of E, of both terms, of alpha = alpha_N/alpha_D, of beta = 1, of k = alpha_D
_AS_POWER = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, -1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 0.0],
    ]
)

JOINT = Form(
    "kaplan",
    "L = [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D",
    _PARAMETERS,
    _INDEX,
    power("alpha_D"),
    _starts,
    _LOW,
    _HIGH,
    as_power=_AS_POWER[:, :4],
)

COUPLED = Form(
    "kaplan-coupled",
    "L = E + [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D",
    (*_PARAMETERS, "E"),
    _INDEX,
    power("alpha_D"),
    _starts_with_floor,
    np.append(_LOW, -30.0),
    np.append(_HIGH, np.inf),
    floor="E",
    as_power=_AS_POWER,
)
