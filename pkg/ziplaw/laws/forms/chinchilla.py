"""The additive law of Hoffmann et al. (2022), L(N, D) = E + A/N^alpha + B/D^beta, and its published constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs

PARAMETERS = ("E", "A", "B", "alpha", "beta")


@dataclass(frozen=True)
class Constants:
    """Constants of one additive law: E in nats per token, A and B in nats per token, alpha and beta plain numbers."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    source: str = ""

    @property
    def array(self) -> Array:
        """E, A, B, alpha, beta as float64 (5,)."""
        return np.array([self.E, self.A, self.B, self.alpha, self.beta])


CHINCHILLA = Constants(1.69, 406.4, 410.7, 0.34, 0.28, "Hoffmann et al. 2022, arXiv 2203.15556, Approach 3")
CHINCHILLA_REFIT = Constants(1.8172, 477.84, 2143.9, 0.3473, 0.3672, "Besiroglu et al. 2024, arXiv 2404.10102")


def additive(parameters: npt.ArrayLike, N: npt.ArrayLike, D: npt.ArrayLike) -> Array:
    """Loss of the additive law.

    Parameters
    ----------
    parameters : array-like, float64 (..., 5)
        E, A, B, alpha, beta.
    N, D : array-like
        Parameters and training tokens; broadcast against each other. With a stack of laws (k, 5), an (n,)
        table of N and D gives (k, n).

    Returns
    -------
    ndarray, float64
        E + A/N^alpha + B/D^beta, nats per token.
    """
    p = np.asarray(parameters, dtype=np.float64)
    x, y = log(np.asarray(N, dtype=np.float64)), log(np.asarray(D, dtype=np.float64))
    E, A, B, alpha, beta = (p[..., i] if p.ndim == 1 else p[..., i, None] for i in range(5))
    return E + A * exp(-alpha * x) + B * exp(-beta * y)


# theta of the index: ln of both terms at the centre, ln alpha, ln beta
def _log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
    first = theta[0] - exp(theta[2]) * (log(columns["N"]) - centre["N"])
    second = theta[1] - exp(theta[3]) * (log(columns["D"]) - centre["D"])
    return [first, second]


def natural_terms(theta: Array, centre: Centre) -> list[float]:
    """A, B, alpha, beta of theta (at least 4,): ln of both terms at the centre, ln alpha, ln beta."""
    alpha, beta = exp(theta[2]), exp(theta[3])
    return [exp(theta[0] + alpha * centre["N"]), exp(theta[1] + beta * centre["D"]), alpha, beta]


def additive_starts(z: Array) -> list[list[float]]:
    """Starts ln E, ln of both terms, ln alpha, ln beta for ln losses z (n,): two values of E and of each exponent."""
    out = []
    for share in (0.3, 0.8):
        E = z.min() + log(share)
        rest = log(exp(z.mean()) - exp(E)) - log(2)
        out += [[E, rest, rest, *log([alpha, beta])] for alpha in (0.2, 0.6) for beta in (0.2, 0.6)]
    return out


# bounds of ln E, ln of both terms, ln alpha, ln beta
LOW = np.array([-30.0, -30.0, -30.0, *log([0.005, 0.005])])
HIGH = np.array([30.0, 30.0, 30.0, *log([5.0, 5.0])])

ADDITIVE = Form(
    "chinchilla",
    "L = E + A/N^alpha + B/D^beta",
    PARAMETERS,
    Index(("N", "D"), PARAMETERS[1:], _log_terms, natural_terms, lambda A, B, alpha, beta: (A, B, alpha, beta)),
    IDENTITY,
    lambda columns, z, centre: additive_starts(z),
    LOW,
    HIGH,
    floor="E",
)
