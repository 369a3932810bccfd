"""Draw from a density by an ensemble of walkers: stretch moves, which no stretched or slanted density slows down.

A walker at X moves along the line through one of the other half's, Y, to Y + z (X - Y), z having the density
1/sqrt(z) on [1/2, 2]; it is taken with the probability min(1, z^(p-1) f(new) / f(X)). (Goodman & Weare 2010,
doi 10.2140/camcos.2010.5.65; both halves in turn, as Foreman-Mackey et al. 2013, arXiv 1202.3665.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...numerics.functions import log
from ..solve.additive import Array

_STRETCH = 2.0


def walk(
    log_density: Callable[[Array], Array], start: Array, rng: np.random.Generator, *, steps: int, burn: int, every: int
) -> Array:
    """Walk an ensemble.

    Parameters
    ----------
    log_density : callable
        Points (k, p) -> ln of the density (k,), up to a constant; -inf where there is none.
    start : ndarray, float64 (2 h, p)
        Where the walkers begin: draws from about the density, more of them than 2 p.
    rng : Generator
        Of all moves.
    steps, burn, every : int
        Steps of all walkers, how many are forgotten, and of the rest every so many-th is kept.

    Returns
    -------
    ndarray (m, p)
        Equally likely draws.
    """
    at, (n, p) = start.copy(), start.shape
    half = n // 2
    value, kept = log_density(at), []
    for step in range(steps):
        for mine, others in ((slice(0, half), slice(half, n)), (slice(half, n), slice(0, half))):
            some = at[others]
            count = half if mine.start == 0 else n - half
            root = (rng.random(count) * (_STRETCH - 1) + 1) / np.sqrt(_STRETCH)
            z = root * root
            partner = some[rng.integers(0, len(some), count)]
            new = partner + z[:, None] * (at[mine] - partner)
            found = log_density(new)
            taken = log(rng.random(count) + 2.0**-54) < (p - 1) * log(z) + found - value[mine]
            at[mine] = np.where(taken[:, None], new, at[mine])
            value[mine] = np.where(taken, found, value[mine])
        if step >= burn and (step - burn) % every == 0:
            kept.append(at.copy())
    return np.concatenate(kept)
