"""How many times as much one arm is worth as another, read off fitted laws: in compute, and in tokens at equal size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import normal_cdf, normal_inverse, student_quantile
from ...numerics.functions import einsum, exp, log, product
from ..solve.additive import Array
from .arms_fit import ArmCells, ArmsFit, covariance, sharing

_FAR = 700.0  # stands for an infinite logarithm


def constant_factors(local: Array, ladder: bool) -> dict[str, Array]:
    """Logarithms (P,) of the factor of compute, and of N and D, of laws with E and exponents in common."""
    base, arm = local[:, 0], local[:, 1]
    with np.errstate(all="ignore"):
        s = (base[:, 1] - arm[:, 1]) / base[:, 3]
        t = (base[:, 2] - arm[:, 2]) / base[:, 4]
    return {"factor": s} if ladder else {"factor": s + t, "N_factor": s, "D_factor": t}


def deviations(found: ArmsFit, cells: ArmCells) -> dict[str, float]:
    """Standard errors of the logarithms of ``constant_factors``, by the delta method."""
    S, theta = sharing("factor", 2, cells.ladder), found.theta[0]
    moved = theta + 1e-5 * np.concatenate([np.eye(len(theta)), -np.eye(len(theta))])
    factors = constant_factors(einsum("kip,Pp->Pki", S, moved), cells.ladder)
    C = covariance(cells, "factor", found)
    out = {}
    for name, values in factors.items():
        slope = (values[: len(theta)] - values[len(theta) :]) / 2e-5
        out[name] = float(np.sqrt(np.maximum(product(slope, C, slope), 0.0)))
    return out


def frontier(local: Array, cells: ArmCells) -> tuple[Array, Array, Array]:
    """Frontier E + e^k / C^gamma of each law (..., 5): E, k, gamma (...)."""
    E, log_A, log_B, alpha, beta = (local[..., i] for i in range(5))
    if cells.ladder:
        return exp(E), log_A + log(2) + alpha * cells.centre[0], alpha
    log_A, log_B = log_A + alpha * cells.centre[0], log_B + beta * cells.centre[1]
    with np.errstate(all="ignore"):
        total = alpha + beta
        gamma = alpha * beta / total
        # A/N^alpha at the best N, which is beta/(alpha + beta) of the excess
        log_G = (log(alpha) + log_A - log(beta) - log_B) / total
        k = log_A - alpha * log_G + log(total / beta) + gamma * log(6.0)
    return exp(E), k, gamma


def log_factor_at_C(local: Array, cells: ArmCells, log_C: npt.ArrayLike) -> Array:
    """Ln m (...) with L_arm(C) = L_base(m C) by laws of their own; inf where the base never gets as low."""
    (E, k, gamma), (E1, k1, gamma1) = (frontier(local[..., i, :], cells) for i in (0, 1))
    at = np.asarray(log_C, dtype=np.float64)
    with np.errstate(all="ignore"):
        above = E1 - E + exp(k1 - gamma1 * at)
        out = (k - log(above)) / gamma - at
    return np.where(above > 0, out, np.inf)


def interval(draws: Array, estimate: float, level: float, freedom: int) -> Array:
    """Quantiles of draws, shifted for median bias and widened from normal to t; ends beyond measure are infinite."""
    draws = np.clip(draws[~np.isnan(draws)], -_FAR, _FAR)
    below = (draws < estimate).mean() + 0.5 * (draws == estimate).mean()
    limit = 0.5 / len(draws)
    shift = 2 * normal_inverse(np.clip(below, limit, 1 - limit))
    tail = (1 - level) / 2
    ends = np.quantile(draws, normal_cdf(shift + student_quantile(freedom, np.array([tail, 1 - tail]))))
    return np.where(np.abs(ends) >= _FAR / 2, np.copysign(np.inf, ends), ends)


def log_factor_at_size(local: Array, cells: ArmCells, log_N: float, log_D: float) -> Array:
    """Ln t (...) with L_arm(N, D) = L_base(N, t D) by laws of their own; inf where no tokens of the base are enough."""
    x, y = log_N - cells.centre[0], log_D - cells.centre[1]
    (E, a, b, alpha, beta), (E1, a1, b1, alpha1, beta1) = (np.moveaxis(local[..., k, :], -1, 0) for k in (0, 1))
    with np.errstate(all="ignore"):
        left = exp(E1) - exp(E) + exp(a1 - alpha1 * x) - exp(a - alpha * x) + exp(b1 - beta1 * y)
        return np.where(left > 0, (b - log(left)) / beta - y, np.inf)
