"""The choice of a few of many: spread, and told apart from rivals."""

import numpy as np
import pytest

from ziplaw.laws.studies.slopes import correlations, slope_error
from ziplaw.laws.studies.spread import choose_spread, farthest_points, ranged

WEIGHTS = np.array([6.0, 3.0, 1.0])


def confounded(seed, n=400):
    """Three measures, the second nearly the first turned over, the third close to the first."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    return np.column_stack([x, -x + 0.25 * rng.standard_normal(n), 30 * x + 5 * rng.standard_normal(n)])


def test_farthest_points_of_a_line():
    points = np.arange(9.0)[:, None]
    assert farthest_points(points, 3) == [0, 8, 4]
    assert sorted(farthest_points(points, 20)) == list(range(9))


@pytest.mark.parametrize("seed", range(3))
def test_what_confounds_is_told_apart(seed):
    table = confounded(seed)
    assert correlations(table)[0, 1] < -0.6
    chosen = choose_spread(table, WEIGHTS, 24, (0, 1), 0.15)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 24
    some = table[chosen]
    assert abs(correlations(some)[0, 1]) <= 0.16
    # better than farthest points alone, and than any of many draws
    errors = [slope_error(table[i, 0], table[i, 1:]) for i in np.random.default_rng(seed).permuted(
        np.tile(np.arange(400), (200, 1)), axis=1)[:, :24]]  # fmt: skip
    greedy = farthest_points(ranged(table[:, :2]), 24)
    mine = slope_error(some[:, 0], some[:, 1:])
    assert mine < min(errors)
    assert mine < slope_error(table[greedy, 0], table[greedy, 1:])
    # no two in one place
    points = ranged(table[:, :2])[chosen]
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))[np.triu_indices(24, 1)]
    assert apart.min() > 0.02


def test_same_choice_in_other_units_and_every_time():
    table = confounded(7)
    chosen = choose_spread(table, WEIGHTS, 12, (0, 1), 0.15)
    assert choose_spread(table, WEIGHTS, 12, (0, 1), 0.15) == chosen
    assert choose_spread(table * 4.0, WEIGHTS, 12, (0, 1), 0.15) == chosen


def test_a_measure_that_stands_still_and_all_of_the_candidates():
    table = np.column_stack([confounded(1, 10), np.full(10, 5.7)])
    assert choose_spread(table, np.ones(4), 10, (0, 1), 0.15) == list(range(10))
    assert len(choose_spread(table, np.ones(4), 1, (0, 1), 0.15)) == 1
