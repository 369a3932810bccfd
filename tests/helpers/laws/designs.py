"""Tables of runs by their design: ladders, grids, isoFLOP budgets, runs with several points, under one published
law.
"""

import numpy as np

from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA, additive

LAW = CHINCHILLA.array


def losses(N, D, noise=0.003, seed=0):
    return additive(LAW, N, D) * np.exp(noise * np.random.default_rng(seed).normal(size=len(N)))


def ladder(ratio=20.0, power=1.0, rows=10):
    N = np.geomspace(7e7, 3e9, rows)
    return N, ratio * N**power * 1e9 ** (1 - power)


def grid(sizes=6, budgets=6):
    return tuple(g.ravel() for g in np.meshgrid(np.geomspace(5e7, 5e9, sizes), np.geomspace(1e9, 1e11, budgets)))


def isoflops(budgets, sizes=5, spread=4.0, shift=1.0):
    """Sizes of its own around the best one of every budget; ``shift`` moves them all to one side."""
    N = np.concatenate([optimal_split(LAW, C)[0] * shift * np.geomspace(1 / spread, spread, sizes) for C in budgets])
    C = np.repeat(budgets, sizes)
    N = np.round(N)
    return N, C / (6 * N)


def intervals_of(fitted):
    return fitted.bootstrap(200).interval()


def runs_table(k, points=40, seed=0, shared=0.005):
    rng = np.random.default_rng(seed)
    N, D = np.repeat(np.geomspace(4e7, 8e8, k), points), np.tile(np.geomspace(5e7, 1e10, points), k)
    run_of = np.repeat(np.arange(k), points)
    return N, D, losses(N, D, noise=0.002, seed=seed) * np.exp(shared * rng.normal(size=k))[run_of], run_of
