"""The additive law of Hoffmann et al. (2022), L(N, D) = E + A/N^alpha + B/D^beta, and its published constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    def array(self) -> np.ndarray:
        """E, A, B, alpha, beta as float64 (5,)."""
        return np.array([self.E, self.A, self.B, self.alpha, self.beta])


CHINCHILLA = Constants(1.69, 406.4, 410.7, 0.34, 0.28, "Hoffmann et al. 2022, arXiv 2203.15556, Approach 3")
CHINCHILLA_REFIT = Constants(1.8172, 477.84, 2143.9, 0.3473, 0.3672, "Besiroglu et al. 2024, arXiv 2404.10102")


def additive(parameters, N, D):
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
    x, y = np.log(np.asarray(N, dtype=np.float64)), np.log(np.asarray(D, dtype=np.float64))
    E, A, B, alpha, beta = (p[..., i] if p.ndim == 1 else p[..., i, None] for i in range(5))
    return E + A * np.exp(-alpha * x) + B * np.exp(-beta * y)
