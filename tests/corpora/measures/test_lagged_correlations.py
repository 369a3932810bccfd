"""Correlations at a distance: the twin's, and those of a chain whose covariances are known."""

import numpy as np
import pytest

from twins import rivals_of_H as twin
from ziplaw.corpora.measures.lagged_correlations import LAGS, _squared_size, lagged_correlations


def two_states(n_rows, width, stay, seed=0):
    """A chain of two equally likely states: the covariance at distance t has the norm (2 stay - 1)^t / 2."""
    rng = np.random.default_rng(seed)
    turns = rng.random((n_rows, width)) > stay
    turns[:, 0] = rng.random(n_rows) < 0.5
    return (turns.cumsum(axis=1) % 2).astype(np.uint16)


@pytest.mark.parametrize("lag", [1, 3])
def test_the_twin_agrees(lag):
    rng = np.random.default_rng(0)
    rows, others = rng.geometric(0.4, (2, 16, 12))
    expected = twin.squared_covariance(rows.tolist(), others.tolist(), lag)
    assert _squared_size(rows[:, :-lag], others[:, lag:]) == pytest.approx(expected, rel=1e-10)


def test_a_known_chain():
    rows = two_states(4096, 256, stay=0.9)
    found = lagged_correlations(rows)
    for one in found[:6]:
        assert abs(one.size - 0.8**one.lag / 2) < 4 * one.stderr
        assert one.stderr < 0.003
    # the noise of a million tokens is about 1e-3, which .8^t / 2 meets near 28
    assert 16 <= found[-1].lag <= 32
    assert [one.lag for one in found] == list(LAGS[: len(found)])


def test_independent_tokens_have_none():
    assert lagged_correlations(np.random.default_rng(1).geometric(0.1, (512, 64))) == []


def test_no_lag_beyond_half_a_row():
    rows = np.tile(np.arange(2), (16, 8))
    assert lagged_correlations(rows) == []  # every row is the same, so unrelated ones are as alike
    rows = two_states(2048, 12, stay=0.99)
    assert [one.lag for one in lagged_correlations(rows)] == [1, 2, 3, 4, 6]
