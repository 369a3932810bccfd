"""Means whose bits hang on no order and no vector width."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ziplaw.base.sums import mean, plain_mean, row_means


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.randoms())
def test_mean_is_that_of_the_exact_sum_in_any_order(values, random):
    want = float(sum(map(Fraction, values))) / len(values)
    random.shuffle(values)
    assert mean(np.array(values)) == want


def test_mean_of_what_is_not_finite():
    assert mean(np.array([1.0, np.inf])) == math.inf
    assert math.isnan(mean(np.array([1.0, np.nan])))
    with np.errstate(invalid="ignore", over="ignore"):
        assert math.isnan(mean(np.array([np.inf, -np.inf])))
        assert mean(np.array([1.7e308, 1.7e308])) == math.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_means_go_from_left_to_right(dtype):
    values = np.random.default_rng(1).exponential(size=(7, 300)).astype(dtype)
    want = []
    for row in values.tolist():
        total = 0.0
        for value in row:
            total += value
        want.append(total / 300)
    assert row_means(values).tolist() == want
    assert [plain_mean(row) for row in values] == want
    # a slice of columns, as of documents whose first token is left out
    assert row_means(values[:, 1:]) == pytest.approx(values[:, 1:].mean(1, dtype=np.float64), rel=1e-12)
    assert row_means(values).dtype == np.float64
