"""How to split C training FLOPs between N and D under a fitted or published law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...numerics.functions import exp, log, log10, logaddexp, raised
from .arguments import check_positive, check_within
from .chinchilla import ADDITIVE
from .form import Array, Form

FLOPS_PER_PARAMETER_TOKEN = 6.0
# N and D beyond these mean that a term of the law vanished
LEAST_SPLIT, MOST_SPLIT = 1e-300, 1e300
_FARTHEST = 60.0  # e-folds of N from the best one


@dataclass(frozen=True)
class Plan:
    """A compute-optimal split: N parameters, D tokens, predicted loss (nats per token) at C = 6 N D FLOPs."""

    C: float | np.ndarray
    N: float | np.ndarray
    D: float | np.ndarray
    loss: float | np.ndarray

    @property
    def tokens_per_parameter(self) -> float | Array:
        """D / N."""
        return self.D / self.N


def exponents(parameters: npt.ArrayLike, form: Form = ADDITIVE) -> tuple[Array, Array, Array]:
    """Allocation exponents and prefactor of a law whose index is ln(A/N^alpha + B/D^beta), whatever its link and floor.

    N_opt = G (C/6)^a and D_opt = (C/6)^b / G with a = beta/(alpha+beta), b = alpha/(alpha+beta) and
    G = (alpha A / (beta B))^(1/(alpha+beta)).

    Parameters
    ----------
    parameters : array-like (..., p)
        Natural parameters of the form; of the additive law E, A, B, alpha, beta.
    form : Form
        The law.

    Returns
    -------
    a, b, log10_G : ndarray (...)

    Raises
    ------
    FitError
        When the index of the form is no such sum.
    """
    A, B, alpha, beta = form.power_terms(parameters)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_G = (log(alpha) + log(A) - log(beta) - log(B)) / (alpha + beta)
        return beta / (alpha + beta), alpha / (alpha + beta), log_G / log(10)


def split(parameters: npt.ArrayLike, C: npt.ArrayLike, form: Form = ADDITIVE) -> tuple[Array, Array]:
    """N_opt and D_opt of one or many laws (..., p), read off the index: (..., m) for C of (m,), (...) for one C.

    See ``exponents``; no link enters, for the loss rises with the index.
    """
    C = check_positive(C, "C")
    a, _, log10_G = exponents(parameters, form)
    if C.ndim:
        a, log10_G = a[..., None], log10_G[..., None]
    product = log10(C / FLOPS_PER_PARAMETER_TOKEN)
    # out of range means that a term vanished: one of N and D then runs to a limit
    ends = log10([LEAST_SPLIT, MOST_SPLIT])
    log_N = np.clip(log10_G + a * product, *ends)
    return raised(10.0, log_N), raised(10.0, np.clip(product - log_N, *ends))


def near_best(
    parameters: npt.ArrayLike, C: npt.ArrayLike, tolerance: float = 1e-3, form: Form = ADDITIVE
) -> tuple[Array, Array]:
    """Least and largest N whose loss at C = 6 N D is within a share of the best.

    Parameters
    ----------
    parameters : array-like (..., p)
        Natural parameters of one or many laws of a form.
    C : float or array (m,)
        Training FLOPs.
    tolerance : float
        How much the loss may exceed the lowest one, relative to that.
    form : Form
        The law; whatever its link, the loss falls to the best N and rises from it.

    Returns
    -------
    low, high : ndarray (..., m), or (...) for one C
        0 or inf where the loss never rises as far.
    """
    p, C = np.asarray(parameters, dtype=np.float64), check_positive(C, "C")
    tolerance = float(check_positive(tolerance, "tolerance"))
    log_N = log(split(p, C, form)[0])
    product = log(C / FLOPS_PER_PARAMETER_TOKEN)
    # a form takes (n,) of N for a stack of laws: one law at a time would be slow, so the rows are laid out
    shape = log_N.shape
    flat = np.broadcast_to(p[..., None, :] if C.ndim else p, (*shape, p.shape[-1])).reshape(-1, p.shape[-1])
    best, product = log_N.ravel()[:, None], np.broadcast_to(product, shape).ravel()[:, None]

    def loss(x: Array) -> Array:
        A, B, alpha, beta = (v[:, None] for v in form.power_terms(flat))
        with np.errstate(all="ignore"):
            z = logaddexp(log(A) - alpha * x, log(B) - beta * (product - x))
            return form.loss_of_index(flat, z)

    limit = loss(best) * (1 + tolerance)
    ends = []
    for sign, beyond in ((-1.0, 0.0), (1.0, np.inf)):
        inside, outside = np.zeros_like(best), np.full_like(best, _FARTHEST)
        bounded = loss(best + sign * outside) > limit
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            over = loss(best + sign * middle) > limit
            inside, outside = np.where(over, inside, middle), np.where(over, middle, outside)
        with np.errstate(over="ignore"):
            ends.append(np.where(bounded, exp(best + sign * inside), beyond).reshape(shape))
    return ends[0], ends[1]


def optimal_split(parameters: npt.ArrayLike, C: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """N_opt, D_opt and loss of one or many additive laws.

    Parameters
    ----------
    parameters : array-like (..., 5)
        E, A, B, alpha, beta; a stack of laws gives a stack of plans.
    C : float or array (m,)
        Training FLOPs.

    Returns
    -------
    N, D, loss : ndarray (..., m), or (...) for one C
    """
    p = np.asarray(parameters, dtype=np.float64)
    N, D = split(p, C)
    E, A, B, alpha, beta = ((p[..., i, None] if np.ndim(C) else p[..., i]) for i in range(5))
    with np.errstate(over="ignore", invalid="ignore"):
        loss = E + A * exp(-alpha * log(N)) + B * exp(-beta * log(D))
    return N, D, loss


def allocate(parameters: npt.ArrayLike, C: npt.ArrayLike) -> Plan:
    """Return the compute-optimal plan of one additive law for C training FLOPs (C = 6 N D)."""
    C = check_within(C, "C", limits.FLOPS)
    N, D, loss = optimal_split(parameters, C)
    if np.ndim(C) == 0:
        return Plan(float(C), float(N), float(D), float(loss))
    return Plan(C, N, D, loss)
