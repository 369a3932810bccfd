"""Tables of N, D and loss for the tests of laws: published ones where they are at hand, and planted ones."""

import numpy as np
import pytest
from houses import ROOT

from ziplaw.base.documents import read_csv
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive

DATA = ROOT.parent / "shared" / "data"


def table(name):
    """A reference table, or a skip that says why."""
    if not (DATA / name).exists():
        pytest.skip(f"../shared/data/{name} is not beside this checkout: the tables are not ours to redistribute")
    return read_csv(DATA / name)


def columns(rows, *names):
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def planted(noise=0.0, seed=0, sizes=6, budgets=6):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(1e9, 1e11, budgets)))
    rng = np.random.default_rng(seed)
    return N, D, additive(CHINCHILLA_REFIT.array, N, D) * np.exp(noise * rng.normal(size=N.size))


def grid(sizes, budgets):
    """N and D of a grid as large as Kaplan et al.'s."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e6, 1e9, sizes), np.geomspace(1e8, 2e10, budgets)))
    return N, D
