"""Kaplan et al.'s law of size and steps (2020, eq. 1.6), L = (Nc/N)^alpha_N + (Sc/S)^alpha_S."""

from __future__ import annotations

import numpy as np

from ...numerics.functions import exp, log
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs


# theta: ln of both terms at the centre, ln alpha_N, ln alpha_S
def _log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
    first = theta[0] - exp(theta[2]) * (log(columns["N"]) - centre["N"])
    second = theta[1] - exp(theta[3]) * (log(columns["S"]) - centre["S"])
    return [first, second]


def _natural(theta: Array, centre: Centre) -> list[float]:
    alpha_N, alpha_S = exp(theta[2]), exp(theta[3])
    with np.errstate(over="ignore"):
        Nc, Sc = exp(centre["N"] + theta[0] / alpha_N), exp(centre["S"] + theta[1] / alpha_S)
    return [Nc, Sc, alpha_N, alpha_S]


def _starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    return [
        [z.mean() + log(share), z.mean() + log(1 - share), log(one), log(two)]
        for share in (0.2, 0.8)
        for one in (0.05, 0.3)
        for two in (0.1, 0.5, 1.0)
    ]


_PARAMETERS = ("Nc", "Sc", "alpha_N", "alpha_S")

STEPS = Form(
    "kaplan-steps",
    "L = (Nc/N)^alpha_N + (Sc/S)^alpha_S",
    _PARAMETERS,
    Index(("N", "S"), _PARAMETERS, _log_terms, _natural),
    IDENTITY,
    _starts,
    np.array([-np.inf, -np.inf, log(1e-3), log(1e-3)]),
    np.array([np.inf, np.inf, log(5.0), log(5.0)]),
)
