"""Slopes in a covariate: recovered where planted, and without one significant as often as they should be."""

import numpy as np
import pytest
from scipy import stats

from ziplaw.laws.studies.effects.covariate_effect import effect, freedman_lane, scatter_about

K = 24


def drawn(rng, slope, other=0.0):
    """A quantity that moves with x and with z, which goes with x; errors that differ fivefold."""
    x = rng.uniform(0.28, 0.5, K)
    z = 6 * x + 0.4 * rng.normal(size=K)
    v = np.square(0.1 * 5 ** rng.uniform(0, 1, K))
    return x, z, slope * x + other * z + 0.2 * rng.normal(size=K) + np.sqrt(v) * rng.normal(size=K), v


def test_a_planted_slope_is_inside_its_interval():
    rng = np.random.default_rng(1)
    inside = alone = 0
    for _ in range(60):
        x, z, y, v = drawn(rng, 6.0, 1.0)
        found = effect(y, v, x, z[:, None])
        inside += found.low <= 6.0 <= found.high
        alone += effect(y, v, x).low <= 6.0 <= effect(y, v, x).high
    assert inside >= 53
    assert alone <= 30, "what z does is put down to x where z is not given"


@pytest.mark.parametrize("given", [False, True])
def test_no_slope_is_called_one_in_twenty_times(given):
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        x, z, y, v = drawn(rng, 0.0, 1.5 if given else 0.0)
        hits += effect(y, v, x, z[:, None] if given else None).p_permutation <= 0.05
    assert 2 <= hits <= 20


def test_the_partial_rank_correlation_is_that_of_residual_ranks():
    rng = np.random.default_rng(3)
    x, z, y, v = drawn(rng, 5.0, 1.0)
    assert effect(y, v, x).rank_correlation == pytest.approx(stats.spearmanr(x, y).statistic)
    ranks = [stats.rankdata(c) for c in (x, y, z)]
    left = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    assert effect(y, v, x, z[:, None]).rank_correlation == pytest.approx(np.corrcoef(left)[0, 1])


def test_what_is_given_twice_or_does_not_vary_takes_nothing():
    rng = np.random.default_rng(4)
    x, z, y, v = drawn(rng, 5.0)
    once = effect(y, v, x, z[:, None])
    more = effect(y, v, x, np.column_stack([z, 3 * z + 1, np.full(K, 301.0)]))
    assert (more.slope, more.p_permutation) == pytest.approx((once.slope, once.p_permutation), rel=1e-6)


def test_there_is_no_effect_of_what_does_not_vary_or_of_too_few():
    rng = np.random.default_rng(5)
    x, _, y, v = drawn(rng, 5.0)
    assert effect(y, v, np.full(K, 0.4)) is None
    assert effect(y, v, x, x[:, None]) is None
    assert effect(y[:4], v[:4], x[:4]) is None
    assert effect(y[:5], v[:5], x[:5]).df == 3


def test_a_test_of_several_columns_finds_what_each_has_a_part_of():
    rng = np.random.default_rng(6)
    x, z, y, v = drawn(rng, 8.0)
    one = np.ones((K, 1))
    about = v + scatter_about(y, v, one)
    assert freedman_lane(y, about, np.column_stack([x, z]), one) <= 0.01
    assert freedman_lane(rng.normal(size=K), about, np.column_stack([x, z]), one) > 0.05
    assert freedman_lane(y, about, np.zeros((K, 1)), one) is None
