"""Means and medians over datasets: their intervals cover as they claim."""

import numpy as np
import pytest

from ziplaw.laws.studies.worth.over_datasets import mean_of, median_of


def test_the_mean_and_median_of_what_is_known():
    values = np.array([1.0, np.nan, 3.0, 8.0])
    assert (mean_of(values).value, mean_of(values).n) == (4.0, 3)
    assert median_of(values).value == 3.0
    assert mean_of(values).low < 4 < mean_of(values).high
    assert mean_of(values) == mean_of(values)


def test_one_dataset_has_no_interval_and_none_no_mean():
    assert mean_of(np.array([2.0])).value == 2.0
    assert np.isnan(mean_of(np.array([2.0])).low)
    assert np.isnan(median_of(np.array([np.nan])).value)


@pytest.mark.parametrize("n", [8, 40])
def test_intervals_of_skewed_losses_cover(n):
    rng = np.random.default_rng(n)
    told = [mean_of(rng.normal(size=n) ** 2) for _ in range(300)]
    covered = np.mean([one.low <= 1.0 <= one.high for one in told])
    # few values of a long tail: as any interval of a mean, a few per cent short
    assert 0.86 < covered < 0.99
