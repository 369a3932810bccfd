"""Repeated data that overfits: the additive law of N and D, and a term that grows as tokens are seen again.

The law of ``constrained`` lets repeated tokens lose their worth; it cannot let the loss rise, as it does where a model
that is large beside its unique tokens sees them too often. These two can, and repeated tokens count in full else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log, log1p, logaddexp, raised
from .arguments import check_positive
from .chinchilla import HIGH, LOW, PARAMETERS, additive, additive_starts, natural_terms
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs

# ln of no repetition at all
_NEVER = -700.0


def _log_repeats(D: Array, U: Array) -> Array:
    """Ln R, R = D/U - 1, where tokens repeat."""
    repeats = np.asarray(D) / U - 1
    return log(np.where(repeats > 0, repeats, 1.0)) + np.where(repeats > 0, 0.0, _NEVER)


def _log_log1p_square(log_ratio: Array) -> Array:
    """Ln ln(1 + x^2) from ln x."""
    a = 2 * np.asarray(log_ratio)
    # ln(1 + x^2) is x^2 where that is small, and 2 ln x + ln(1 + x^-2) where it is large
    grown = log(logaddexp(0.0, np.maximum(a, -20.0)))
    return np.where(a < -20, a, grown)


def _terms(logs: Callable[[Array, Columns, Centre], Array]) -> Callable[[Array, Columns, Centre], Logs]:
    """Return ln of both terms of the additive law and of one that overfits."""

    def log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
        first = theta[0] - exp(theta[2]) * (log(columns["N"]) - centre["N"])
        second = theta[1] - exp(theta[3]) * (log(columns["D"]) - centre["D"])
        return [first, second, logs(theta, columns, centre)]

    return log_terms


# theta of the index: the additive four, then ln of the term at the centre and one repetition scale, ln R_0, ln kappa,
# ln lambda
def _saturating(theta: Array, columns: Columns, centre: Centre) -> Array:
    x, u = log(columns["N"]) - centre["N"], log(columns["U"]) - centre["U"]
    growth = _log_log1p_square(_log_repeats(columns["D"], columns["U"]) - theta[5])
    return theta[4] + growth + exp(theta[6]) * x - exp(theta[7]) * u


def _natural_saturating(theta: Array, centre: Centre) -> list[float]:
    kappa, power = exp(theta[6]), exp(theta[7])
    P = exp(theta[4] - kappa * centre["N"] + power * centre["U"])
    return [*natural_terms(theta, centre), P, exp(theta[5]), kappa, power]


# theta of the index: the additive four, then ln of the term at the centre with R = 1, ln delta, ln kappa
def _growing(theta: Array, columns: Columns, centre: Centre) -> Array:
    capacity = log(columns["N"]) - log(columns["U"]) - centre["N"] + centre["U"]
    return theta[4] + exp(theta[5]) * _log_repeats(columns["D"], columns["U"]) + exp(theta[6]) * capacity


def _natural_growing(theta: Array, centre: Centre) -> list[float]:
    kappa = exp(theta[6])
    P = exp(theta[4] - kappa * (centre["N"] - centre["U"]))
    return [*natural_terms(theta, centre), P, exp(theta[5]), kappa]


def _starts(ends: list[list[float]]) -> Callable[[Columns, Array, Centre], list[list[float]]]:
    """Return starts: the additive ones, with each of these for the rest."""
    return lambda columns, z, centre: [[*start, *rest] for rest in ends for start in additive_starts(z)]


def overfitting_loss(parameters: npt.ArrayLike, N: npt.ArrayLike, D: npt.ArrayLike, U: npt.ArrayLike) -> Array:
    """L = E + A/N^alpha + B/D^beta + P N^kappa/U^lambda ln(1 + (R/R_0)^2), R = D/U - 1 repetitions (0 up to one epoch).

    A few epochs are as good as new tokens, for the term begins as R^2; many raise the loss as ln R, the more so the
    larger the model and the fewer the unique tokens. The form was chosen on the 182 runs of Muennighoff et al. (2023).

    Parameters
    ----------
    parameters : array-like (9,)
        E, A, B, alpha, beta, P, R_0, kappa, lambda.
    N, D, U : array-like
        Parameters, tokens seen, unique tokens; broadcast against each other.

    Returns
    -------
    ndarray
        Nats per token.
    """
    *law, P, scale, kappa, power = np.asarray(parameters, dtype=np.float64)
    N, D, U = np.broadcast_arrays(check_positive(N, "N"), check_positive(D, "D"), check_positive(U, "U"))
    repeats = np.maximum(D / U - 1, 0.0)
    return additive(law, N, D) + P * raised(N, kappa) / raised(U, power) * log1p(np.square(repeats / scale))


def penalised_loss(parameters: npt.ArrayLike, N: npt.ArrayLike, D: npt.ArrayLike, U: npt.ArrayLike) -> Array:
    """L = E + A/N^alpha + B/D^beta + P R^delta (N/U)^kappa of Lovelace et al. (2026, arXiv 2605.01640), R = D/U - 1.

    Parameters
    ----------
    parameters : array-like (8,)
        E, A, B, alpha, beta, P, delta, kappa.
    N, D, U : array-like
        Parameters, tokens seen, unique tokens; broadcast against each other.

    Returns
    -------
    ndarray
        Nats per token.
    """
    *law, P, delta, kappa = np.asarray(parameters, dtype=np.float64)
    N, D, U = np.broadcast_arrays(check_positive(N, "N"), check_positive(D, "D"), check_positive(U, "U"))
    return additive(law, N, D) + P * raised(np.maximum(D / U - 1, 0.0), delta) * raised(N / U, kappa)


_SATURATING = ("P", "R_0", "kappa", "lambda")
OVERFITTING = Form(
    "repeated-overfitting",
    "L = E + A/N^alpha + B/D^beta + P N^kappa/U^lambda ln(1 + (R/R_0)^2), R = D/U - 1",
    (*PARAMETERS, *_SATURATING),
    Index(("N", "D", "U"), (*PARAMETERS[1:], *_SATURATING), _terms(_saturating), _natural_saturating),
    IDENTITY,
    _starts([[-3.0, log(scale), log(1.0), log(1.0)] for scale in (10.0, 40.0)]),
    np.array([*LOW, -30.0, *log([0.05, 0.02, 0.02])]),
    np.array([*HIGH, 30.0, *log([1e5, 10.0, 10.0])]),
    floor="E",
)

_GROWING = ("P", "delta", "kappa")
PENALISED = Form(
    "repeated-penalty",
    "L = E + A/N^alpha + B/D^beta + P R^delta (N/U)^kappa, R = D/U - 1",
    (*PARAMETERS, *_GROWING),
    Index(("N", "D", "U"), (*PARAMETERS[1:], *_GROWING), _terms(_growing), _natural_growing),
    IDENTITY,
    _starts([[-4.0, log(delta), log(0.7)] for delta in (0.4, 1.0)]),
    np.array([*LOW, -30.0, *log([0.02, 0.02])]),
    np.array([*HIGH, 30.0, *log([10.0, 10.0])]),
    floor="E",
)
