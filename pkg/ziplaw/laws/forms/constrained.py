"""Repeated data (Muennighoff et al. 2023): the additive law of effective N and D, where tokens are seen again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...numerics.functions import exp, expm1, log, log1p
from .allocation import FLOPS_PER_PARAMETER_TOKEN, Plan
from .arguments import check_positive, check_within
from .chinchilla import HIGH, LOW, PARAMETERS, Constants, additive, additive_starts, natural_terms
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs

# Muennighoff et al. 2023, arXiv 2305.16264, appendix A: C4, alpha = beta
DATA_CONSTRAINED = Constants(
    float(exp(0.6254804)), float(exp(6.255414)), float(exp(7.3049974)), 0.3526596, 0.3526596,
    "Muennighoff et al. 2023, arXiv 2305.16264, appendix A",
)  # fmt: skip
R_D_STAR, R_N_STAR = 15.387756, 5.309743


def effective_tokens(D: npt.ArrayLike, U: npt.ArrayLike, r_d_star: float = R_D_STAR) -> Array:
    """D' = U + U R* (1 - exp(-R/R*)) with R = D/U - 1 repetitions of U unique tokens; D' = D up to one epoch."""
    D, U = check_positive(D, "D"), check_positive(U, "U")
    repeats = np.maximum(D / U - 1, 0.0)
    return np.minimum(D, U) * (1 + r_d_star * -expm1(-repeats / r_d_star))


def effective_parameters(
    N: npt.ArrayLike, U: npt.ArrayLike, parameters: npt.ArrayLike, r_n_star: float = R_N_STAR
) -> Array:
    """N' = U_N + U_N R* (1 - exp(-R/R*)), R = N/U_N - 1, U_N the compute-optimal N for U tokens, or N if smaller."""
    N = check_positive(N, "N")
    unique = np.minimum(N, exp(_log_matching(np.asarray(parameters), log(check_positive(U, "U")))))
    return unique * (1 + r_n_star * -expm1(-(N / unique - 1) / r_n_star))


def _log_matching(parameters, log_U):
    """Ln N for which U tokens are compute-optimal: ln G + (beta/alpha) (ln U + ln G)."""
    _, A, B, alpha, beta = parameters
    log_G = (log(alpha * A) - log(beta * B)) / (alpha + beta)
    return log_G + beta / alpha * (log_U + log_G)


def data_constrained_loss(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    U: npt.ArrayLike,
    constants: Constants = DATA_CONSTRAINED,
    r_d_star: float = R_D_STAR,
    r_n_star: float = R_N_STAR,
) -> float | Array:
    """L = E + A/N'^alpha + B/D'^beta with effective N' and D' (eq. 5 and 6), nats per token.

    Parameters
    ----------
    N, D, U : array-like
        Parameters, tokens seen, unique tokens; D > U repeats data.
    constants : Constants
        E, A, B, alpha, beta of the law without repetition.
    r_d_star, r_n_star : float
        Scales on which repeated tokens and excess parameters lose their worth.
    """
    p = constants.array
    N, D, U = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (N, D, U)))
    out = additive(p, effective_parameters(N, U, p, r_n_star), effective_tokens(D, U, r_d_star))
    return float(out[0]) if out.size == 1 else out


def best_split(loss: Callable[[Array, Array], npt.ArrayLike], C: float) -> Plan:
    """Return the N of the lowest loss(N, D) at D = C/(6 N), by search: where no closed form holds.

    Parameters
    ----------
    loss : callable
        N (n,), D (n,) -> nats per token (n,).
    C : float
        Training FLOPs.
    """
    low, high = 0.0, log(C / FLOPS_PER_PARAMETER_TOKEN)
    # the valley may have a shelf where repeats lose their worth: look everywhere, then closer three times
    for _ in range(4):
        x = np.linspace(low, high, 401)
        values = np.asarray(loss(exp(x), C / FLOPS_PER_PARAMETER_TOKEN * exp(-x)))
        best = int(np.argmin(values))
        low, high = x[max(best - 2, 0)], x[min(best + 2, 400)]
    N = float(exp(x[best]))
    return Plan(C, N, C / (FLOPS_PER_PARAMETER_TOKEN * N), float(values[best]))


def repeating_plan(C: float, U: float, parameters: Sequence[float] | Array | None = None) -> Plan:
    """Best split of C FLOPs when only U tokens are unique: the N of the lowest loss at D = C/(6 N), repeats discounted.

    Parameters
    ----------
    C, U : float
        Training FLOPs and unique tokens.
    parameters : array-like (7,), optional
        E, A, B, alpha, beta, R_D*, R_N*, as a fit of "data-constrained" gives them; by default the published ones.

    Returns
    -------
    Plan
        With D > U where repeating pays.
    """
    C, U = float(check_within(C, "C", limits.FLOPS)), float(check_within(U, "U", limits.TOKENS))
    *law, r_d, r_n = [*DATA_CONSTRAINED.array, R_D_STAR, R_N_STAR] if parameters is None else parameters
    constants = Constants(*law)
    return best_split(lambda N, D: data_constrained_loss(N, D, U, constants, r_d, r_n), C)


# theta of the index: ln of both terms at the centre, ln alpha, ln beta, ln R_D*, ln R_N*
def _log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
    alpha, beta = exp(theta[2]), exp(theta[3])
    x, y, u = log(columns["N"]), log(columns["D"]), log(columns["U"])
    log_A, log_B = theta[0] + alpha * centre["N"], theta[1] + beta * centre["D"]
    log_G = (theta[2] + log_A - theta[3] - log_B) / (alpha + beta)
    # exponents far apart make U_N overflow; beyond e^700 it no longer matters
    unique = np.minimum(x, np.clip(log_G + beta / alpha * (np.minimum(u, y) + log_G), -700, 700))
    r_d, r_n = exp(theta[4]), exp(theta[5])
    x_effective = unique + log1p(r_n * -expm1(-expm1(np.minimum(x - unique, 700)) / r_n))
    seen = np.minimum(u, y)
    y_effective = seen + log1p(r_d * -expm1(-expm1(y - seen) / r_d))
    return [theta[0] - alpha * (x_effective - centre["N"]), theta[1] - beta * (y_effective - centre["D"])]


def _natural(theta: Array, centre: Centre) -> list[float]:
    return [*natural_terms(theta, centre), exp(theta[4]), exp(theta[5])]


def _starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    scales = [log([r_d, r_n]) for r_d in (3.0, 20.0) for r_n in (3.0, 300.0)]
    return [[*start, *pair] for start in additive_starts(z) for pair in scales]


REPEATED = Form(
    "data-constrained",
    "L = E + A/N'^alpha + B/D'^beta, N' and D' discounted by R_N*, R_D*",
    (*PARAMETERS, "R_D*", "R_N*"),
    # N' and D' depend on U and on the exponents: no sum of powers of N and D, so ``repeating_plan`` searches
    Index(("N", "D", "U"), (*PARAMETERS[1:], "R_D*", "R_N*"), _log_terms, _natural),
    IDENTITY,
    _starts,
    np.array([*LOW, *log([0.05, 0.05])]),
    np.array([*HIGH, *log([1e4, 1e4])]),
    floor="E",
)
