"""Errors of what comes in groups: held-out losses by source, and the interval of H."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ziplaw.base.clusters import blocks, clustered_stderr, median_interval


def test_one_value_a_source_is_the_usual_error():
    values = np.random.default_rng(0).normal(size=257)
    usual = clustered_stderr(values)
    assert usual == pytest.approx(values.std(ddof=1) / np.sqrt(257), rel=1e-14)
    # bit for bit, in whatever order
    assert clustered_stderr(values[::-1]) == clustered_stderr(values, np.arange(257)[::-1]) == usual


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=2, max_size=30))
def test_against_the_formula(pairs):
    values, sources = (np.array(column) for column in zip(*pairs, strict=True))
    mean = statistics.fmean(values)
    sums = {}
    for value, source in zip(values, sources):
        sums[source] = sums.get(source, 0) + value - mean
    groups = len(sums)
    if groups < 2:
        assert clustered_stderr(values, sources) is None
        return
    want = math.sqrt(groups / (groups - 1) * math.fsum(s * s for s in sums.values())) / len(values)
    assert clustered_stderr(values, sources) == pytest.approx(want, rel=1e-9, abs=1e-12)


def test_too_few():
    assert clustered_stderr(np.array([1.0])) is None
    assert clustered_stderr(np.arange(9.0), np.zeros(9, int)) is None
    assert median_interval(np.arange(9.0), np.zeros(9, int)) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 9))
def test_blocks_are_runs_of_one_source(lengths, most):
    sources = np.repeat(np.arange(len(lengths)) * 3 % 5, lengths)
    found = blocks(sources, most)
    assert found[0] == 0
    assert set(np.diff(found)) <= {0, 1}
    sizes = np.bincount(found)
    assert sizes.max() <= most
    assert all(len(set(sources[found == block])) == 1 for block in range(len(sizes)))


@pytest.mark.parametrize("within", [0.3, 1.0])
def test_interval_of_a_median_covers_it_when_values_come_in_groups(within):
    rng = np.random.default_rng(1)
    hits = naive = 0
    for _ in range(400):
        sources = np.repeat(np.arange(40), rng.integers(5, 16, 40))
        values = rng.normal(size=40)[sources] + within * rng.normal(size=len(sources))
        low, high = median_interval(values, sources)
        hits += low <= 0 <= high
        low, high = median_interval(values, np.arange(len(values)))
        naive += low <= 0 <= high
    assert 0.92 < hits / 400 < 0.99
    assert naive / 400 < 0.75
