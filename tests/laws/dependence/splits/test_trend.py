"""The line of the split in H: its level under a true null, the coverage of its slope, and that weights matter."""

import numpy as np
import pytest
from splits_in_H import C, sweep_of_splits

from ziplaw.laws.dependence.splits.dataset_splits import Splits, gather
from ziplaw.laws.dependence.splits.trend import null_variances, trend
from ziplaw.laws.dependence.statistics import permutation


def trends(slope, count, monkeypatch, **options):
    every = permutation.relabellings(6)
    monkeypatch.setattr(permutation, "relabellings", lambda K, seed=42: every)
    for seed in range(count):
        _, fits = sweep_of_splits(6, slope, seed=seed, **options)
        yield trend(gather(fits, "bounded", C)[0], np.array([fit["H"] for fit in fits]))["lines"]["ln_N"]


def test_level_and_coverage_under_a_true_null(monkeypatch):
    """120 sweeps of six datasets that scatter: binomial bands of 3 standard deviations about 5 % and 95 %."""
    found = list(trends(0.0, 120, monkeypatch, scatter=0.2))
    assert 0 < np.mean([line["p_permutation"] <= 0.05 for line in found]) <= 0.11
    covered = [line["slope_ci"][0] <= 0 <= line["slope_ci"][1] for line in found]
    assert np.mean(covered) >= 0.89


def test_power_where_the_effect_is_plain(monkeypatch):
    found = list(trends(6.0, 60, monkeypatch, scatter=0.1))
    assert np.mean([line["p_permutation"] <= 0.05 for line in found]) >= 0.75
    assert np.mean([line["slope"] > 0 for line in found]) >= 0.98


def test_known_splits_without_error_are_ordinary_least_squares():
    H, rng = np.linspace(0.3, 0.5, 7), np.random.default_rng(0)
    y = np.column_stack([8 + 3 * (H - 0.4), np.full(7, 0.5)]) + 0.1 * rng.normal(size=(7, 2))
    found = trend(Splits(tuple("abcdefg"), y, np.zeros((7, 2, 2)), C), H)
    for i, name in enumerate(("ln_N", "a")):
        slope, value = np.polyfit(H - H.mean(), y[:, i], 1)
        assert found["lines"][name]["slope"] == pytest.approx(slope, rel=1e-6)
        assert found["lines"][name]["value"] == pytest.approx(value, rel=1e-9)
    assert found["permutations"] == "all"
    assert found["n_permutations"] == 5040


def test_weights_of_the_test_hold_fit_error_and_scatter():
    _, fits = sweep_of_splits(6, 0.0, scatter=0.5)
    splits, _ = gather(fits, "bounded", C)
    found = null_variances(splits)
    assert (found > np.einsum("kii->ki", splits.S)).all()
    assert np.ptp(found[:, 0] - splits.S[:, 0, 0]) < 1e-12  # one scatter for all


def test_equal_splits_have_no_p():
    splits = Splits(("a", "b", "c"), np.tile([8.0, 0.5], (3, 1)), np.tile(np.eye(2) * 0.01, (3, 1, 1)), C)
    line = trend(splits, np.array([0.3, 0.4, 0.5]))["lines"]["a"]
    assert line["p_permutation"] is None
    assert line["rank_correlation"] is None
