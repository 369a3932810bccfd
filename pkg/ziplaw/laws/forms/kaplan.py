"""Kaplan et al. (2020, arXiv 2001.08361): the published laws as formulas, and their forms for fitting.

Units as in the paper: N non-embedding parameters, D tokens, loss in nats per token; compute in PF-days where said so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ...base import limits
from ...errors import FitError
from ..solve.general import Form, fit_form
from .arguments import check_positive, check_within

PF_DAY = 8.64e19  # FLOPs in one petaflop/s-day


@dataclass(frozen=True)
class KaplanConstants:
    """Constants of Kaplan et al.; the joint ones are those of their Table 2, the others of their summary (Table 5)."""

    alpha_N: float = 0.076
    N_c: float = 8.8e13
    alpha_D: float = 0.095
    D_c: float = 5.4e13
    alpha_C: float = 0.057
    C_c: float = 1.6e7  # PF-days, of C at a fixed batch size
    alpha_C_min: float = 0.050
    C_c_min: float = 3.1e8  # PF-days, of C_min
    joint_alpha_N: float = 0.076
    joint_alpha_D: float = 0.103
    joint_N_c: float = 6.4e13
    joint_D_c: float = 1.8e13
    alpha_B: float = 0.21
    B_star: float = 2e8  # tokens
    alpha_S: float = 0.76
    S_c: float = 2.1e3  # steps
    steps_alpha_N: float = 0.077
    steps_N_c: float = 6.5e13
    N_opt_factor: float = 1.3e9  # N_opt = factor * C_min^exponent, PF-days
    N_opt_exponent: float = 0.73


KAPLAN = KaplanConstants()


def loss_of_N(N, constants=KAPLAN):
    """L(N) = (N_c/N)^alpha_N, trained to convergence on enough data (eq. 1.1)."""
    return (constants.N_c / check_positive(N, "N")) ** constants.alpha_N


def loss_of_D(D, constants=KAPLAN):
    """L(D) = (D_c/D)^alpha_D, a large model stopped early (eq. 1.2)."""
    return (constants.D_c / check_positive(D, "D")) ** constants.alpha_D


def loss_of_C(C, constants=KAPLAN, minimal=True):
    """L(C) = (C_c/C)^alpha_C for C FLOPs: of C_min (eq. 1.3) by default, else of C at a fixed batch size."""
    pf_days = check_within(C, "C", limits.FLOPS) / PF_DAY
    if minimal:
        return (constants.C_c_min / pf_days) ** constants.alpha_C_min
    return (constants.C_c / pf_days) ** constants.alpha_C


def joint_loss(N, D, constants=KAPLAN):
    """L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D (eq. 1.5), the early-stopped loss on D unique tokens."""
    c, N, D = constants, check_positive(N, "N"), check_positive(D, "D")
    return ((c.joint_N_c / N) ** (c.joint_alpha_N / c.joint_alpha_D) + c.joint_D_c / D) ** c.joint_alpha_D


def steps_loss(N, S_min, constants=KAPLAN):
    """L(N, S_min) = (N_c/N)^alpha_N + (S_c/S_min)^alpha_S (eq. 1.6), S_min steps at a large batch."""
    c = constants
    return (c.steps_N_c / check_positive(N, "N")) ** c.steps_alpha_N + (
        c.S_c / check_positive(S_min, "S_min")
    ) ** c.alpha_S


def overfitting(N, D, constants=KAPLAN):
    """Extent of overfitting dL = L(N, D)/L(N, inf) - 1 = [1 + (N/N_c)^(alpha_N/alpha_D) D_c/D]^alpha_D - 1 (eq. 4.3)."""
    c, N, D = constants, check_positive(N, "N"), check_positive(D, "D")
    return (1 + (N / c.joint_N_c) ** (c.joint_alpha_N / c.joint_alpha_D) * c.joint_D_c / D) ** c.joint_alpha_D - 1


def overfitting_bound(tolerance=0.02, constants=KAPLAN):
    """The k and p of D >= k N^p that keep overfitting within a tolerance (published: 5e3 N^0.74 at 2 %, eq. 4.4).

    p = alpha_N/alpha_D and k = D_c N_c^-p / ((1 + tolerance)^(1/alpha_D) - 1), from dL <= tolerance.

    Returns
    -------
    k, p : float
    """
    tolerance = float(check_positive(tolerance, "tolerance"))
    c = constants
    p = c.joint_alpha_N / c.joint_alpha_D
    return c.joint_D_c * c.joint_N_c**-p / ((1 + tolerance) ** (1 / c.joint_alpha_D) - 1), p


def early_stopping_steps(N, D, constants=KAPLAN):
    """Lower bound on the step of early stopping, S_c / [L(N, D) - L(N, inf)]^(1/alpha_S) (eq. 5.7)."""
    infinite = (constants.joint_N_c / check_positive(N, "N")) ** constants.joint_alpha_N
    return constants.S_c / (joint_loss(N, D, constants) - infinite) ** (1 / constants.alpha_S)


def critical_batch(loss, constants=KAPLAN):
    """B_crit(L) = B* / L^(1/alpha_B) in tokens (eq. 1.4)."""
    return constants.B_star / check_positive(loss, "loss") ** (1 / constants.alpha_B)


def minimal_compute(C, batch_tokens, loss, constants=KAPLAN):
    """C_min = C / (1 + B/B_crit(L)) (eq. 5.5): the FLOPs it would have taken at a batch far below critical."""
    ratio = check_positive(batch_tokens, "batch_tokens") / critical_batch(loss, constants)
    return check_positive(C, "C") / (1 + ratio)


def minimal_steps(S, batch_tokens, loss, constants=KAPLAN):
    """S_min = S / (1 + B_crit(L)/B) (eq. 5.4): the steps it would have taken at a batch far above critical."""
    ratio = critical_batch(loss, constants) / check_positive(batch_tokens, "batch_tokens")
    return check_positive(S, "S") / (1 + ratio)


def allocate(C, constants=KAPLAN):
    """Kaplan's compute-efficient split: N = 1.3e9 C^0.73 (C in PF-days of C_min) and D = C_min/(6 N).

    A tenfold C means 5.4 times the parameters and 1.9 times the tokens; Hoffmann et al. round this to 5.5 and 1.8.

    Parameters
    ----------
    C : float or array
        Training FLOPs, taken as C_min.

    Returns
    -------
    Plan
        With the loss L(C_min) of the compute law.
    """
    from .allocation import FLOPS_PER_PARAMETER_TOKEN, Plan

    C = check_within(C, "C", limits.FLOPS)
    N = constants.N_opt_factor * (C / PF_DAY) ** constants.N_opt_exponent
    D = C / (FLOPS_PER_PARAMETER_TOKEN * N)
    values = (C, N, D, loss_of_C(C, constants))
    return Plan(*(float(v) for v in values)) if C.ndim == 0 else Plan(*values)


def predicted_exponent(constants=KAPLAN):
    """Exponents of the frontier predicted from the joint law: alpha_C_min, and a = alpha_C_min/alpha_N (eq. 6.3-6.4)."""
    alpha = 1 / (1 / constants.alpha_S + 1 / constants.alpha_B + 1 / constants.alpha_N)
    return alpha, alpha / constants.alpha_N


def contradiction(constants=KAPLAN):
    """Where the compute law falls below what the data law allows (section 6.3).

    Compute-efficient training at the critical batch spends 2 C_min and so uses D = 2 C_min/(6 N_opt(C_min)) tokens, each
    once. L(D) at that D meets L(C_min) at one C; beyond it the two laws cannot both hold. Published as C* ~ 1e4 PF-days,
    N* ~ 1e12, D* ~ 1e12, L* ~ 1.7 nats, "uncertain by an order of magnitude in either direction".

    Returns
    -------
    dict
        C (FLOPs), C_pf_days, N, D, loss.

    Raises
    ------
    FitError
        When the two laws do not meet between 1e-12 and 1e30 PF-days.
    """

    def tokens(log_C):
        return 2 * np.exp(log_C) * PF_DAY / (6 * constants.N_opt_factor * np.exp(log_C) ** constants.N_opt_exponent)

    def gap(log_C):
        by_data = constants.alpha_D * (np.log(constants.D_c) - np.log(tokens(log_C)))
        return by_data - constants.alpha_C_min * (np.log(constants.C_c_min) - log_C)

    low, high = np.log(1e-12), np.log(1e30)
    if gap(low) * gap(high) > 0:
        raise FitError("the compute law and the data law do not meet: their exponents are too close")
    log_C = brentq(gap, low, high, xtol=1e-12)
    C = float(np.exp(log_C))
    return {
        "C": C * PF_DAY,
        "C_pf_days": C,
        "N": float(constants.N_opt_factor * C**constants.N_opt_exponent),
        "D": float(tokens(log_C)),
        "loss": float(loss_of_C(C * PF_DAY, constants)),
    }


def envelope(cost, loss):
    """Rows on the lower envelope of loss against cost: no other row costs no more and has a lower loss.

    Parameters
    ----------
    cost, loss : array (n,)
        Compute (or any cost) and loss of every measured point of every run.

    Returns
    -------
    ndarray of int
        Row numbers, by rising cost.
    """
    cost, loss = check_positive(cost, "cost"), check_positive(loss, "loss")
    order = np.lexsort((loss, cost))
    best = np.minimum.accumulate(loss[order])
    first = np.concatenate([[True], best[1:] < best[:-1]])
    return order[first]


# --- forms that can be fitted: exponents through their logarithms, amplitudes where the columns are centred


def _power(column):
    def log_loss(theta, columns, centre):
        return theta[0] - np.exp(theta[1]) * (np.log(columns[column]) - centre[column])

    def natural(theta, centre):
        exponent = np.exp(theta[1])
        return [np.exp(min(centre[column] + theta[0] / exponent, 700.0)), exponent]

    def starts(columns, z, centre):
        return [[z.mean(), np.log(slope)] for slope in (0.03, 0.1, 0.4)]

    name = {"N": "Nc", "D": "Dc", "C": "Cc"}[column]
    return Form(
        f"L({column})", f"L = ({name}/{column})^alpha", (column,), (name, "alpha"), log_loss, natural, starts,
        np.array([-np.inf, np.log(1e-4)]), np.array([np.inf, np.log(10.0)]),
    )  # fmt: skip


POWER = {column: _power(column) for column in ("N", "D", "C")}


def _joint_parts(theta, columns, centre):
    """theta: ln of both terms inside the bracket at the centre (less alpha_D), ln alpha_N, ln alpha_D."""
    alpha_N, alpha_D = np.exp(theta[2]), np.exp(theta[3])
    first = theta[0] - alpha_N / alpha_D * (np.log(columns["N"]) - centre["N"])
    second = theta[1] - (np.log(columns["D"]) - centre["D"])
    return alpha_D * np.logaddexp(first, second)


def _joint_natural(theta, centre):
    alpha_N, alpha_D = np.exp(theta[2]), np.exp(theta[3])
    with np.errstate(over="ignore"):
        return [np.exp(centre["N"] + theta[0] * alpha_D / alpha_N), np.exp(centre["D"] + theta[1]), alpha_N, alpha_D]


def _joint_starts(columns, z, centre):
    out = []
    for alpha_N in (0.05, 0.1, 0.3, 0.8):
        for alpha_D in (0.05, 0.1, 0.3, 0.8):
            for share in (0.2, 0.8):
                total = z.mean() / alpha_D
                out.append([total + np.log(share), total + np.log(1 - share), np.log(alpha_N), np.log(alpha_D)])
    return np.array(out)


_JOINT_LOW = np.array([-np.inf, -np.inf, np.log(1e-3), np.log(1e-3)])
_JOINT_HIGH = np.array([np.inf, np.inf, np.log(5.0), np.log(5.0)])

JOINT = Form(
    "kaplan",
    "L = [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D",
    ("N", "D"),
    ("Nc", "Dc", "alpha_N", "alpha_D"),
    _joint_parts,
    _joint_natural,
    _joint_starts,
    _JOINT_LOW,
    _JOINT_HIGH,
)


def _with_floor(theta, columns, centre):
    return np.logaddexp(theta[4], _joint_parts(theta[:4], columns, centre))


COUPLED = Form(
    "kaplan-coupled",
    "L = E + [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D",
    ("N", "D"),
    ("Nc", "Dc", "alpha_N", "alpha_D", "E"),
    _with_floor,
    lambda theta, centre: [*_joint_natural(theta, centre), np.exp(theta[4])],
    lambda columns, z, centre: np.array(
        [
            [*start, z.min() + np.log(share)]
            for share in (0.3, 0.9)
            for start in _joint_starts(columns, np.log(np.exp(z) - share * np.exp(z.min())), centre)
        ]
    ),
    np.append(_JOINT_LOW, -30.0),
    np.append(_JOINT_HIGH, np.inf),
)


def _steps_parts(theta, columns, centre):
    first = theta[0] - np.exp(theta[2]) * (np.log(columns["N"]) - centre["N"])
    second = theta[1] - np.exp(theta[3]) * (np.log(columns["S"]) - centre["S"])
    return np.logaddexp(first, second)


def _steps_natural(theta, centre):
    alpha_N, alpha_S = np.exp(theta[2]), np.exp(theta[3])
    with np.errstate(over="ignore"):
        N_c, S_c = np.exp(centre["N"] + theta[0] / alpha_N), np.exp(centre["S"] + theta[1] / alpha_S)
    return [N_c, S_c, alpha_N, alpha_S]


STEPS = Form(
    "kaplan-steps",
    "L = (Nc/N)^alpha_N + (Sc/S)^alpha_S",
    ("N", "S"),
    ("Nc", "Sc", "alpha_N", "alpha_S"),
    _steps_parts,
    _steps_natural,
    lambda columns, z, centre: np.array(
        [
            [z.mean() + np.log(share), z.mean() + np.log(1 - share), np.log(one), np.log(two)]
            for share in (0.2, 0.8)
            for one in (0.05, 0.3)
            for two in (0.1, 0.5, 1.0)
        ]
    ),
    _JOINT_LOW,
    _JOINT_HIGH,
)


def fit_power(column, values, loss, *, delta=1e-3):
    """Fit L(N), L(D) or L(C): ``column`` is "N", "D" or "C". For L(C) give the envelope's rows (see ``envelope``)."""
    if column not in POWER:
        raise FitError(f"column is {column!r}, must be N, D or C")
    return fit_form(POWER[column], {column: values}, loss, delta=delta)
