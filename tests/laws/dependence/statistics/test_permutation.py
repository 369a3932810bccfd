"""Relabelling: exact for a few datasets, right about what orders them, and at its level whatever the errors are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twins import relabelling
from ziplaw.laws.dependence.statistics import permutation


def test_relabellings():
    for K in (3, 4, 6):
        order = permutation.relabellings(K)
        assert len(order) == len(np.unique(order, axis=0)) == math.factorial(K)
        assert (order[0] == np.arange(K)).all()
    sampled = permutation.relabellings(9)
    assert (sampled[0] == np.arange(9)).all()
    assert len(sampled) == permutation.SAMPLED + 1
    assert (sampled == permutation.relabellings(9)).all()


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.17e-320, "p < 1e-6"), (0.0, "p < 1e-6"), (1e-6, "p = 1e-06"), (0.0421, "p = 0.0421"), (1.0, "p = 1")],
)
def test_a_p_value_in_words(p, words):
    assert permutation.p_words(p) == words


def test_spearman_is_exact():
    H = np.arange(6.0)
    rho, p = permutation.spearman(H, H**3)
    assert (rho, p) == (pytest.approx(1.0), pytest.approx(2 / 720))
    rho, p = permutation.spearman(H, np.array([0, 1, 2, 3, 5, 4.0]))
    assert rho == pytest.approx(1 - 6 * 2 / 210)
    assert np.isnan(permutation.spearman(H, np.ones(6))[0])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_weighted_slope_is_weighted_least_squares_under_every_relabelling(seed):
    rng = np.random.default_rng(seed)
    H, y, v = rng.uniform(0.2, 0.5, 5), rng.normal(size=5), rng.uniform(0.1, 2, 5)
    assert permutation.weighted_slope(H, y, v) == pytest.approx(relabelling.weighted_slope_p(H, y, v), abs=1e-12)


def test_a_badly_measured_dataset_does_not_hide_a_slope():
    H = np.linspace(0.2, 0.5, 6)
    y = 6 * H
    y[2] = 9.0
    assert permutation.weighted_slope(H, y, np.full(6, 1.0)) > 0.2
    assert permutation.weighted_slope(H, y, np.array([0.01, 0.01, 100, 0.01, 0.01, 0.01])) < 0.05


def test_nothing_to_relabel_is_no_test():
    assert permutation.weighted_slope(np.full(4, 0.3), np.arange(4.0), np.ones(4)) is None
    assert permutation.weighted_slope(np.arange(4.0), np.ones(4), np.ones(4)) is None
    assert permutation.smallest_p(6) == pytest.approx(2 / 720)


@pytest.mark.parametrize(("K", "count"), [(5, 0), (5, 1), (6, 2)])
def test_partial_rank_correlation_relabels_what_the_rivals_leave(K, count):
    rng = np.random.default_rng(10 * K + count)
    rivals = list(rng.normal(size=(count, K)))
    H, y = 2 * rng.normal(size=K) + sum(rivals), 2 * rng.normal(size=K) + sum(rivals)
    rho, p = permutation.partial_rank(H, y, rivals)
    plain = relabelling.partial_rank(H, y, rivals)
    assert rho == pytest.approx(plain[0], abs=1e-9)
    assert p == pytest.approx(plain[1], abs=1e-9)
    if not count:
        assert (rho, p) == (pytest.approx(permutation.spearman(H, y)[0]), permutation.spearman(H, y)[1])


def test_a_partial_correlation_needs_something_left():
    H = np.arange(6.0)
    assert np.isnan(permutation.partial_rank(H, H[::-1] ** 2, [np.exp(H)])[0])  # H follows the rival exactly
    rng = np.random.default_rng(0)
    rivals = list(rng.normal(size=(4, 6)))
    assert np.isfinite(permutation.partial_rank(H, rng.normal(size=6), rivals[:2])[0])
    assert permutation.partial_rank(H, rng.normal(size=6), rivals[:3])[1] is None  # one degree of freedom


def test_the_level_holds_when_datasets_are_measured_unequally(monkeypatch):
    """1000 true nulls of six datasets, errors .1 to 3: rejections at 5 %, ranks (p in steps) a little below."""
    every, rng = permutation.relabellings(6), np.random.default_rng(2)
    monkeypatch.setattr(permutation, "relabellings", lambda K, seed=42: every)
    H, rejected = np.linspace(0.3, 0.5, 6), np.zeros(2)
    for _ in range(1000):
        v = np.geomspace(0.1, 3, 6)[rng.permutation(6)] ** 2
        y = np.sqrt(v) * rng.normal(size=6)
        rejected += [permutation.weighted_slope(H, y, v) <= 0.05, permutation.spearman(H, y)[1] <= 0.05]
    assert 0.03 <= rejected[0] / 1000 <= 0.07
    assert 0.015 <= rejected[1] / 1000 <= 0.055


def test_holm_is_bonferroni_for_the_smallest_and_never_falls():
    assert permutation.holm([0.03, 0.01]) == pytest.approx([0.03, 0.02])
    assert permutation.holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert permutation.holm([0.7, 0.8]) == [1.0, 1.0]
    assert permutation.holm([0.2]) == [0.2]


def test_rank_correlations_without_a_test_are_those_with_one():
    rng = np.random.default_rng(7)
    x, y, z = rng.normal(size=(3, 12))
    assert permutation.rank_correlation(x, y, np.empty((12, 0))) == pytest.approx(permutation.spearman(x, y)[0])
    assert permutation.rank_correlation(x, y, z[:, None]) == pytest.approx(permutation.partial_rank(x, y, [z])[0])
    assert permutation.rank_correlation(x, np.ones(12), z[:, None]) is None
