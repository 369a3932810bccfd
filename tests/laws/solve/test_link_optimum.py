"""The optimum of a planted law under a link, against a hundred starts all over its range."""

import numpy as np
import pytest

from twins import link_solver
from ziplaw.laws.forms.links import BOUNDED
from ziplaw.laws.solve.link_optimum import find
from ziplaw.laws.solve.linked import LinkSettings


def _table(seed):
    """A bounded law of random index, ends and noise on a grid of random size."""
    rng = np.random.default_rng(seed)
    sizes, budgets = rng.integers(4, 8, 2)
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e4, 1e7, sizes), np.geomspace(1e6, 1e9, budgets)))
    alpha, beta = rng.uniform(0.2, 0.6, 2)
    A, B = (np.exp(s * np.log(v).mean()) * rng.uniform(0.3, 1.5) for s, v in ((alpha, N), (beta, D)))
    E, U, k = rng.uniform(0.3, 2), rng.uniform(4, 9), rng.uniform(0.5, 2)
    excess = BOUNDED.loss_at([E, A, B, alpha, beta, k, U], N, D) - E
    return N, D, E + excess * np.exp(rng.choice([0.003, 0.02, 0.08]) * rng.normal(size=N.size)), E, U


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("link", ["power", "bounded", "free"])
def test_no_start_finds_a_lower_sum(link, held, seed):
    N, D, loss, E, U = _table(seed)
    settings = LinkSettings(link, fixed_E=E if held else None, fixed_U=U if held and link == "bounded" else None)
    found = find(N, D, loss, np.ones(N.size), settings)
    assert found.converged
    _, values, _ = found.problem.solve(link_solver.dense_starts(found.problem, 100, seed))
    assert found.objective <= values.min() * (1 + 1e-4)


def test_a_small_table_bends_the_free_link_less():
    N, D, loss, *_ = _table(0)
    few, many = np.arange(12), np.arange(N.size)
    knots = [len(find(N[r], D[r], loss[r], np.ones(len(r)), LinkSettings("free")).problem.form.link.knots)
             for r in (few, many)]  # fmt: skip
    assert knots == [2, min(5, N.size // 6)]
