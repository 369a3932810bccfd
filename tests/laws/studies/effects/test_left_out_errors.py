"""Errors of datasets left out: those of the refits, and differences whose intervals hold the truth."""

import numpy as np
import pytest

from ziplaw.laws.dependence.statistics.meta_regression import meta_regression
from ziplaw.laws.studies.effects.left_out_errors import difference, error, foretold, left_out, weights_of

K = 20


def drawn(rng, slope=4.0):
    x, z = rng.uniform(0.3, 0.5, K), rng.normal(size=K)
    v = np.square(0.1 * 4 ** rng.uniform(0, 1, K))
    return x, z, v, slope * x + 0.2 * rng.normal(size=K) + np.sqrt(v) * rng.normal(size=K)


def test_misses_are_those_of_lines_through_the_others():
    x, z, v, y = drawn(np.random.default_rng(1))
    X = np.column_stack([x, z])
    misses = left_out(y, v, X)
    columns = np.column_stack([np.ones(K), (X - X.mean(axis=0)) / X.std(axis=0)])
    scatter = meta_regression(y[:, None], v[:, None, None], columns, structure="diagonal").scatter[0, 0]
    for k in (0, 7, 19):
        rest = np.arange(K) != k
        root = 1 / np.sqrt(v[rest] + scatter)
        line = np.linalg.lstsq(columns[rest] * root[:, None], y[rest] * root, rcond=None)[0]
        assert misses[k] == pytest.approx(y[k] - columns[k] @ line)
    np.testing.assert_allclose(left_out(y, v, np.empty((K, 0))).mean(), 0, atol=0.05)


def test_a_line_of_one_half_foretells_the_other():
    rng = np.random.default_rng(2)
    (x, _, v, y), (new, _, _, truth) = drawn(rng), drawn(rng)
    said = foretold(y, v, x[:, None], new[:, None])
    assert np.sqrt(np.mean(np.square(said - truth))) < np.sqrt(np.mean(np.square(truth - y.mean())))
    assert foretold(y, v, np.empty((K, 0)), np.empty((K, 0))) == pytest.approx(np.full(K, np.average(y)), abs=0.1)


def test_what_repeats_or_is_too_much_foretells_nothing():
    x, z, v, y = drawn(np.random.default_rng(3))
    assert left_out(y, v, np.column_stack([x, 2 * x + 1])) is None
    assert left_out(y, v, np.full((K, 1), 0.4)) is None
    assert left_out(y[:4], v[:4], np.column_stack([x, z])[:4]) is None


def test_badly_measured_datasets_count_for_less():
    v, y = drawn(np.random.default_rng(4))[2:]
    weights = weights_of(y, v)
    assert weights.sum() == pytest.approx(1)
    assert (np.diff(weights[np.argsort(v)]) <= 0).all()
    assert error(np.full(K, 0.3), weights) == pytest.approx(0.3)


def test_the_better_covariate_is_better_beyond_its_interval_and_equals_are_not():
    rng = np.random.default_rng(5)
    better, equal = [], []
    for _ in range(40):
        x, z, v, y = drawn(rng, 8.0)
        weights = weights_of(y, v)
        by_x, by_z, by_none = (left_out(y, v, c) for c in (x[:, None], z[:, None], np.empty((K, 0))))
        better.append(difference(by_x, by_none, weights).high < 0)
        found = difference(by_z, left_out(y, v, rng.normal(size=(K, 1))), weights)
        equal.append(found.low <= 0 <= found.high)
    assert np.mean(better) > 0.8
    assert np.mean(equal) > 0.8
