"""Kaplan et al. (2020, arXiv 2001.08361): the published laws as formulas.

Their forms for fitting are in ``coupled``, ``steps`` and ``powers``.

Units as in the paper: N non-embedding parameters, D tokens, loss in nats per token; compute in PF-days where said so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt
from scipy.optimize import brentq

from ...base import limits
from ...errors import FitError
from ...numerics.functions import exp, log, raised
from .allocation import FLOPS_PER_PARAMETER_TOKEN, Plan
from .arguments import check_positive, check_within
from .form import Array

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


def loss_of_N(N: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """L(N) = (N_c/N)^alpha_N, trained to convergence on enough data (eq. 1.1)."""
    return raised(constants.N_c / check_positive(N, "N"), constants.alpha_N)


def loss_of_D(D: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """L(D) = (D_c/D)^alpha_D, a large model stopped early (eq. 1.2)."""
    return raised(constants.D_c / check_positive(D, "D"), constants.alpha_D)


def loss_of_C(C: npt.ArrayLike, constants: KaplanConstants = KAPLAN, minimal: bool = True) -> Array:
    """L(C) = (C_c/C)^alpha_C for C FLOPs: of C_min (eq. 1.3) by default, else of C at a fixed batch size."""
    pf_days = check_within(C, "C", limits.FLOPS) / PF_DAY
    if minimal:
        return raised(constants.C_c_min / pf_days, constants.alpha_C_min)
    return raised(constants.C_c / pf_days, constants.alpha_C)


def joint_loss(N: npt.ArrayLike, D: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D (eq. 1.5), the early-stopped loss on D unique tokens."""
    c, N, D = constants, check_positive(N, "N"), check_positive(D, "D")
    return raised(raised(c.joint_N_c / N, c.joint_alpha_N / c.joint_alpha_D) + c.joint_D_c / D, c.joint_alpha_D)


def steps_loss(N: npt.ArrayLike, S_min: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """L(N, S_min) = (N_c/N)^alpha_N + (S_c/S_min)^alpha_S (eq. 1.6), S_min steps at a large batch."""
    c = constants
    return raised(c.steps_N_c / check_positive(N, "N"), c.steps_alpha_N) + raised(
        c.S_c / check_positive(S_min, "S_min"), c.alpha_S
    )


def overfitting(N: npt.ArrayLike, D: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """Overfitting dL = L(N, D)/L(N, inf) - 1 = [1 + (N/N_c)^(alpha_N/alpha_D) D_c/D]^alpha_D - 1 (eq. 4.3)."""
    c, N, D = constants, check_positive(N, "N"), check_positive(D, "D")
    return raised(1 + raised(N / c.joint_N_c, c.joint_alpha_N / c.joint_alpha_D) * c.joint_D_c / D, c.joint_alpha_D) - 1


def overfitting_bound(tolerance: float = 0.02, constants: KaplanConstants = KAPLAN) -> tuple[float, float]:
    """The k and p of D >= k N^p that keep overfitting within a tolerance (published: 5e3 N^0.74 at 2 %, eq. 4.4).

    p = alpha_N/alpha_D and k = D_c N_c^-p / ((1 + tolerance)^(1/alpha_D) - 1), from dL <= tolerance.

    Returns
    -------
    k, p : float
    """
    tolerance = float(check_positive(tolerance, "tolerance"))
    c = constants
    p = c.joint_alpha_N / c.joint_alpha_D
    return c.joint_D_c * raised(c.joint_N_c, -p) / (raised(1 + tolerance, 1 / c.joint_alpha_D) - 1), p


def early_stopping_steps(N: npt.ArrayLike, D: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """Lower bound on the step of early stopping, S_c / [L(N, D) - L(N, inf)]^(1/alpha_S) (eq. 5.7)."""
    infinite = raised(constants.joint_N_c / check_positive(N, "N"), constants.joint_alpha_N)
    return constants.S_c / raised(joint_loss(N, D, constants) - infinite, 1 / constants.alpha_S)


def critical_batch(loss: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Array:
    """B_crit(L) = B* / L^(1/alpha_B) in tokens (eq. 1.4)."""
    return constants.B_star / raised(check_positive(loss, "loss"), 1 / constants.alpha_B)


def minimal_compute(
    C: npt.ArrayLike, batch_tokens: npt.ArrayLike, loss: npt.ArrayLike, constants: KaplanConstants = KAPLAN
) -> Array:
    """C_min = C / (1 + B/B_crit(L)) (eq. 5.5): the FLOPs it would have taken at a batch far below critical."""
    ratio = check_positive(batch_tokens, "batch_tokens") / critical_batch(loss, constants)
    return check_positive(C, "C") / (1 + ratio)


def minimal_steps(
    S: npt.ArrayLike, batch_tokens: npt.ArrayLike, loss: npt.ArrayLike, constants: KaplanConstants = KAPLAN
) -> Array:
    """S_min = S / (1 + B_crit(L)/B) (eq. 5.4): the steps it would have taken at a batch far above critical."""
    ratio = critical_batch(loss, constants) / check_positive(batch_tokens, "batch_tokens")
    return check_positive(S, "S") / (1 + ratio)


def efficient_plan(C: npt.ArrayLike, constants: KaplanConstants = KAPLAN) -> Plan:
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
    C = check_within(C, "C", limits.FLOPS)
    N = constants.N_opt_factor * raised(C / PF_DAY, constants.N_opt_exponent)
    D = C / (FLOPS_PER_PARAMETER_TOKEN * N)
    values = (C, N, D, loss_of_C(C, constants))
    return Plan(*(float(v) for v in values)) if C.ndim == 0 else Plan(*values)


def predicted_exponent(constants: KaplanConstants = KAPLAN) -> tuple[float, float]:
    """Exponents of the frontier by the joint law: alpha_C_min, and a = alpha_C_min/alpha_N (eq. 6.3-6.4)."""
    alpha = 1 / (1 / constants.alpha_S + 1 / constants.alpha_B + 1 / constants.alpha_N)
    return alpha, alpha / constants.alpha_N


def contradiction(constants: KaplanConstants = KAPLAN) -> dict[str, float]:
    """Where the compute law falls below what the data law allows (section 6.3).

    Compute-efficient training at the critical batch spends 2 C_min and so uses D = 2 C_min/(6 N_opt(C_min)) tokens,
    each once. L(D) at that D meets L(C_min) at one C; beyond it the two laws cannot both hold. Published as
    C* ~ 1e4 PF-days, N* ~ 1e12, D* ~ 1e12, L* ~ 1.7 nats, "uncertain by an order of magnitude in either direction".

    Returns
    -------
    dict
        C (FLOPs), C_pf_days, N, D, loss.

    Raises
    ------
    FitError
        When the two laws do not meet between 1e-12 and 1e30 PF-days.
    """

    def tokens(log_C: float) -> float:
        return 2 * exp(log_C) * PF_DAY / (6 * constants.N_opt_factor * raised(exp(log_C), constants.N_opt_exponent))

    def gap(log_C: float) -> float:
        by_data = constants.alpha_D * (log(constants.D_c) - log(tokens(log_C)))
        return by_data - constants.alpha_C_min * (log(constants.C_c_min) - log_C)

    low, high = log(1e-12), log(1e30)
    if gap(low) * gap(high) > 0:
        raise FitError("the compute law and the data law do not meet: their exponents are too close")
    log_C = brentq(gap, low, high, xtol=1e-12)
    C = float(exp(log_C))
    return {
        "C": C * PF_DAY,
        "C_pf_days": C,
        "N": float(constants.N_opt_factor * raised(C, constants.N_opt_exponent)),
        "D": float(tokens(log_C)),
        "loss": float(loss_of_C(C * PF_DAY, constants)),
    }
