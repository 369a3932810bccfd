"""What counts as one size or budget, and whether N and D move apart."""

import numpy as np
import pytest
from designs import grid, losses

import ziplaw
from ziplaw.laws.solve import levels


def test_sizes_of_one_table_that_differ_in_the_seventh_digit_are_one():
    N, D = grid(3, 6)
    two = N < N.max()
    jitter = 1 + 1e-7 * np.arange(two.sum())
    fitted = ziplaw.fit(N[two] * jitter, D[two], losses(N[two], D[two]))
    assert "two sizes only" in fitted.flags


def test_close_steps_of_a_history_are_different_budgets():
    D = np.arange(100, 2000) * 1e6
    assert levels.n_levels(D) == len(np.unique(levels.near_groups(D, levels.SAME_VALUE))) > 1000
    spans = [np.ptp(np.log(D[levels.near_groups(D) == label])) for label in range(5)]
    assert max(spans) <= 0.02


@pytest.mark.parametrize(
    ("N", "D", "line"),
    [
        (np.geomspace(1e9, 1.02e9, 8), np.geomspace(1e9, 1e12, 8), "N is about 1.01e+09 throughout"),
        (np.geomspace(1e8, 1e10, 8), np.geomspace(1e9, 1.02e9, 8), "D is about 1.01e+09 throughout"),
        (np.geomspace(1e8, 1e10, 8), np.full(8, 1e9), ""),
    ],
)
def test_a_variable_that_hardly_varies_is_named(N, D, line):
    assert levels.common_line(N, D) == line
