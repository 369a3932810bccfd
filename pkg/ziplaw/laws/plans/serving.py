"""Inference-aware allocation: the cheapest training plus serving that reaches a target loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.functions import exp, log, logaddexp
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import check_within
from ..solve.additive import Array

SERVING_FLOPS = 2.0  # of one forward pass, per parameter and token


@dataclass(frozen=True)
class ServingPlan:
    """N and D (numbers, or arrays over a stack of laws) that reach ``loss`` at the least total of FLOPs.

    Training costs 6 N D, serving 2 N for each token served.
    """

    loss: float
    served_tokens: float
    N: Any
    D: Any

    @property
    def training_flops(self) -> Any:
        """6 N D."""
        return FLOPS_PER_PARAMETER_TOKEN * self.N * self.D

    @property
    def serving_flops(self) -> Any:
        """2 N times the tokens served."""
        return SERVING_FLOPS * self.N * self.served_tokens

    @property
    def total_flops(self) -> Any:
        """Training plus serving."""
        return self.training_flops + self.serving_flops


def serve(parameters: npt.ArrayLike, loss: float, served_tokens: float) -> ServingPlan:
    """Allocate for a target loss and a number of tokens to serve.

    For each N the law gives the D(N) that reaches the loss; 6 N D(N) + 2 N tokens is minimised over ln N by golden
    section (it has one minimum: D(N) falls, N rises). With no tokens served it is Chinchilla's split.

    Parameters
    ----------
    parameters : array-like (..., 5)
        E, A, B, alpha, beta; a stack of laws (such as bootstrap samples) gives arrays.
    loss : float
        Target loss, nats per token; above E.
    served_tokens : float
        Tokens to be served over the model's life.

    Returns
    -------
    ServingPlan

    Raises
    ------
    FitError
        When the loss is not above E (of a single law), or an argument is out of range (``limits``).

    References
    ----------
    Sardana et al. 2024, Beyond Chinchilla-Optimal, arXiv 2401.00448.
    """
    p = np.asarray(parameters, dtype=np.float64)
    loss = float(check_within(loss, "loss", limits.LOSS))
    served_tokens = float(check_within(served_tokens, "served_tokens", limits.SERVED_TOKENS))
    E, A, B, alpha, beta = (p[..., i] for i in range(5))
    if p.ndim == 1 and loss <= E:
        raise FitError(
            f"the target loss {loss:g} is not above the law's floor E = {float(E):.4g}: ask for a higher loss"
        )
    with np.errstate(all="ignore"):
        least = (log(A) - log(loss - E)) / alpha  # ln N below which no D is enough

        def log_D(x: Array) -> Array:
            return (log(B) - log(loss - E - A * exp(-alpha * x))) / beta

        def log_total(x: Array) -> Array:
            value = x + logaddexp(log(FLOPS_PER_PARAMETER_TOKEN) + log_D(x), log(SERVING_FLOPS * served_tokens))
            return np.where(np.isfinite(value), value, np.inf)

        # far right of the optimum D(N) no longer falls: 40 / alpha nepers of N are beyond any use
        low, high = least + 1e-9, least + 40 / alpha
        ratio = (np.sqrt(5) - 1) / 2
        one, two = high - ratio * (high - low), low + ratio * (high - low)
        # each step keeps .618 of the bracket: 120 of them leave a part in 1e25
        for _ in range(120):
            left = log_total(one) < log_total(two)
            low, high = np.where(left, low, one), np.where(left, two, high)
            one, two = high - ratio * (high - low), low + ratio * (high - low)
        x = 0.5 * (low + high)
        N, D = exp(x), exp(log_D(x))
    if p.ndim == 1:
        return ServingPlan(loss, served_tokens, float(N), float(D))
    return ServingPlan(loss, served_tokens, N, D)
