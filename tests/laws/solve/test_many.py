"""Many problems side by side against the compiled fitter, one at a time."""

import numpy as np
import pytest
from tables_of_laws import planted

from ziplaw.laws.solve.additive import Design, polish
from ziplaw.laws.solve.many import Problems, damp, descend
from ziplaw.laws.solve.starts import starts


class Single(Problems):
    """One dataset a problem, all five parameters its own."""

    def unfold(self, theta):
        return theta[:, None, :3], theta[:, None, 3:]

    def step(self, M, g):
        return -np.linalg.solve(M[:, 0], g[:, 0, :, None])[..., 0]


def test_least_squares_of_single_tables_agree_with_the_compiled_fitter():
    tables = [Design.of(*planted(0.01, seed)) for seed in range(4)]
    x, y = tables[0].x[None, None], tables[0].y[None, None]
    z = np.stack([table.z for table in tables])[:, None]
    problems = Single(x, y, z, np.ones_like(x), None, np.ones((1, 1, 1)))
    first = starts(tables[0], count=1)
    first[:, :3] = np.log(first[:, :3])
    theta, cost, converged = descend(problems, np.repeat(first, 4, axis=0))
    assert converged.all()
    for i, table in enumerate(tables):
        best, objective, _ = polish(starts(table), table, delta=np.inf)
        assert cost[i] == pytest.approx(2 * objective.min(), rel=1e-6)
        natural = np.concatenate([np.exp(theta[i, :3]), theta[i, 3:]])
        np.testing.assert_allclose(natural, best[objective.argmin()], rtol=1e-3)


def test_damping_leaves_what_is_off_the_diagonal():
    M = np.array([[[[4.0, 1.0], [1.0, 9.0]]]])
    found = damp(M, np.array([0.5]))
    np.testing.assert_allclose(found[0, 0], [[6.0, 1.0], [1.0, 13.5]], rtol=1e-8)
