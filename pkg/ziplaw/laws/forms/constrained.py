"""Two laws for comparison: repeated data (Muennighoff et al. 2023) and a smoothly broken power law (Caballero et al.)."""

from __future__ import annotations

import numpy as np

from ...base import limits
from ..solve.general import Form
from .allocation import FLOPS_PER_PARAMETER_TOKEN, Plan
from .arguments import check_positive, check_within
from .chinchilla import Constants, additive

# Muennighoff et al. 2023, arXiv 2305.16264, appendix A: C4, alpha = beta
DATA_CONSTRAINED = Constants(
    float(np.exp(0.6254804)), float(np.exp(6.255414)), float(np.exp(7.3049974)), 0.3526596, 0.3526596,
    "Muennighoff et al. 2023, arXiv 2305.16264, appendix A",
)  # fmt: skip
R_D_STAR, R_N_STAR = 15.387756, 5.309743


def effective_tokens(D, U, r_d_star=R_D_STAR):
    """D' = U + U R* (1 - exp(-R/R*)) with R = D/U - 1 repetitions of U unique tokens; D' = D up to one epoch."""
    D, U = check_positive(D, "D"), check_positive(U, "U")
    repeats = np.maximum(D / U - 1, 0.0)
    return np.minimum(D, U) * (1 + r_d_star * -np.expm1(-repeats / r_d_star))


def effective_parameters(N, U, parameters, r_n_star=R_N_STAR):
    """N' = U_N + U_N R* (1 - exp(-R/R*)), R = N/U_N - 1, U_N the compute-optimal N for U tokens, or N if smaller."""
    N = check_positive(N, "N")
    unique = np.minimum(N, np.exp(_log_matching(np.asarray(parameters), np.log(check_positive(U, "U")))))
    return unique * (1 + r_n_star * -np.expm1(-(N / unique - 1) / r_n_star))


def _log_matching(parameters, log_U):
    """Ln N for which U tokens are compute-optimal: ln G + (beta/alpha) (ln U + ln G)."""
    _, A, B, alpha, beta = parameters
    log_G = (np.log(alpha * A) - np.log(beta * B)) / (alpha + beta)
    return log_G + beta / alpha * (log_U + log_G)


def data_constrained_loss(N, D, U, constants=DATA_CONSTRAINED, r_d_star=R_D_STAR, r_n_star=R_N_STAR):
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


def allocate(C, U, parameters=None) -> Plan:
    """Best split of C FLOPs when only U tokens are unique: the N whose loss is lowest at D = C/(6 N), repeats discounted.

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
    low, high = 0.0, np.log(C / FLOPS_PER_PARAMETER_TOKEN)
    # the valley may have a shelf where repeats lose their worth: look everywhere, then closer three times
    for _ in range(4):
        x = np.linspace(low, high, 401)
        loss = data_constrained_loss(np.exp(x), C / FLOPS_PER_PARAMETER_TOKEN * np.exp(-x), U, constants, r_d, r_n)
        best = int(np.argmin(loss))
        low, high = x[max(best - 2, 0)], x[min(best + 2, 400)]
    N = float(np.exp(x[best]))
    return Plan(C, N, C / (FLOPS_PER_PARAMETER_TOKEN * N), float(loss[best]))


# theta: ln of the three terms at the centre, ln alpha, ln beta, ln R_D*, ln R_N*
def _log_loss(theta, columns, centre):
    alpha, beta = np.exp(theta[3]), np.exp(theta[4])
    x, y, u = np.log(columns["N"]), np.log(columns["D"]), np.log(columns["U"])
    log_A, log_B = theta[1] + alpha * centre["N"], theta[2] + beta * centre["D"]
    log_G = (theta[3] + log_A - theta[4] - log_B) / (alpha + beta)
    # exponents far apart make U_N overflow; beyond e^700 it no longer matters
    unique = np.minimum(x, np.clip(log_G + beta / alpha * (np.minimum(u, y) + log_G), -700, 700))
    r_d, r_n = np.exp(theta[5]), np.exp(theta[6])
    x_effective = unique + np.log1p(r_n * -np.expm1(-np.expm1(np.minimum(x - unique, 700)) / r_n))
    seen = np.minimum(u, y)
    y_effective = seen + np.log1p(r_d * -np.expm1(-np.expm1(y - seen) / r_d))
    terms = [
        np.full_like(x, theta[0]),
        theta[1] - alpha * (x_effective - centre["N"]),
        theta[2] - beta * (y_effective - centre["D"]),
    ]
    return np.logaddexp.reduce(terms)


def _natural(theta, centre):
    alpha, beta = np.exp(theta[3]), np.exp(theta[4])
    A, B = np.exp(theta[1] + alpha * centre["N"]), np.exp(theta[2] + beta * centre["D"])
    return [np.exp(theta[0]), A, B, alpha, beta, np.exp(theta[5]), np.exp(theta[6])]


def _starts(columns, z, centre):
    out = []
    for floor in (0.3, 0.8):
        E = z.min() + np.log(floor)
        rest = np.log(np.exp(z.mean()) - np.exp(E)) - np.log(2)
        for alpha in (0.2, 0.6):
            for beta in (0.2, 0.6):
                for r_d in (3.0, 20.0):
                    for r_n in (3.0, 300.0):
                        out.append([E, rest, rest, *np.log([alpha, beta, r_d, r_n])])
    return np.array(out)


REPEATED = Form(
    "data-constrained",
    "L = E + A/N'^alpha + B/D'^beta, N' and D' discounted by R_N*, R_D*",
    ("N", "D", "U"),
    ("E", "A", "B", "alpha", "beta", "R_D*", "R_N*"),
    _log_loss,
    _natural,
    _starts,
    np.array([-30.0, -30.0, -30.0, *np.log([0.005, 0.005, 0.05, 0.05])]),
    np.array([30.0, 30.0, 30.0, *np.log([5.0, 5.0, 1e4, 1e4])]),
)


def broken(column="C"):
    """Form of a one-break smoothly broken power law in one column.

    L = E + b x^-c0 (1 + (x/d)^(1/f))^(-c1 f): slope c0 before the break at d, c0 + c1 after it, f the width of the
    break (Caballero et al. 2022, arXiv 2210.14891, eq. 1 with n = 1).
    """

    def log_loss(theta, columns, centre):
        x = np.log(columns[column]) - centre[column]
        width = np.exp(theta[5])
        bend = np.logaddexp(0.0, (x - theta[3]) / width)
        return np.logaddexp(theta[0], theta[1] - np.exp(theta[2]) * x - theta[4] * width * bend)

    def natural(theta, centre):
        c0 = np.exp(theta[2])
        with np.errstate(over="ignore"):
            b, d = np.exp(theta[1] + c0 * centre[column]), np.exp(theta[3] + centre[column])
        return [np.exp(theta[0]), b, c0, d, theta[4], np.exp(theta[5])]

    def starts(columns, z, centre):
        x = np.log(columns[column]) - centre[column]
        out = []
        for floor in (0.1, 0.8):
            E = z.min() + np.log(floor)
            rest = np.log(np.exp(z.mean()) - np.exp(E))
            for c0 in (0.05, 0.3):
                for where in np.quantile(x, [0.25, 0.5, 0.75]):
                    for c1 in (-0.5 * c0, 0.3):
                        out.append([E, rest, np.log(c0), where, c1, np.log(0.5)])
        return np.array(out)

    return Form(
        f"broken({column})",
        f"L = E + b {column}^-c0 (1 + ({column}/d)^(1/f))^(-c1 f)",
        (column,),
        ("E", "b", "c0", "d", "c1", "f"),
        log_loss,
        natural,
        starts,
        np.array([-30.0, -30.0, np.log(1e-4), -50.0, -5.0, np.log(0.05)]),
        np.array([30.0, 30.0, np.log(5.0), 50.0, 5.0, np.log(10.0)]),
    )
