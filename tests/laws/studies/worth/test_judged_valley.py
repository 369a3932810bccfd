"""The judge by measured losses against laws of which the truth is known."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.studies.worth.judged_valley import judge_by_valley, largest_compute, losses_noise, wasted

WIDTHS = np.array([6, 8, 12, 16, 24, 32])
SIZES = 20.0 * WIDTHS**2
BUDGETS = 65536.0 * 2 ** np.arange(6)
N, D = (v.ravel() for v in np.meshgrid(SIZES, BUDGETS, indexing="ij"))
RUNS = np.repeat(WIDTHS, 6)


def law(N, D):
    return 1.0 + 30 / N**0.42 + 500 / D**0.5


def six_nd(size):
    return 6 * size


def judge(loss, sizes=4, per_token=six_nd):
    return judge_by_valley(
        N, D, loss, losses_noise(N, D, loss, RUNS), per_token, largest_compute(N, D, per_token, sizes)
    )


def best(C, per_token=six_nd):
    grid = np.exp(np.linspace(np.log(500), np.log(40000), 20001))
    losses = law(grid, C / per_token(grid))
    return grid[losses.argmin()], losses.min()


@pytest.mark.parametrize("per_token", [six_nd, lambda size: 6 * size + 1500 * np.sqrt(size)])
def test_a_law_without_noise_is_judged_as_it_is(per_token):
    found = judge(law(N, D), 5, per_token)
    C = np.exp(found.log_C)
    N_best, lowest = best(C, per_token)
    assert found.x == pytest.approx(np.log(N_best), abs=0.05)
    assert found.log_loss == pytest.approx(np.log(lowest), abs=1e-3)
    for factor in (0.6, 0.8, 1.3):
        true = law(factor * N_best, C / per_token(factor * N_best)) / lowest - 1
        told = np.exp(found.at(np.log(factor * N_best))[0] - found.log_loss) - 1
        assert told == pytest.approx(true, rel=0.15, abs=3e-4)


def test_compute_wasted_is_that_of_the_best_split():
    found = judge(law(N, D), 5)
    C = np.exp(found.log_C)
    for factor in (1.3, 2.0, 3.0):
        assert found.compute_wasted(np.log(best(C / factor)[1])) == pytest.approx(np.log(factor), rel=0.05)
    assert found.compute_wasted(found.log_loss) == pytest.approx(0, abs=1e-12)
    with pytest.raises(FitError, match="fewer than three sizes were measured"):
        judge_by_valley(N, D, law(N, D), losses_noise(N, D, law(N, D), RUNS), six_nd, 40.0)


def test_wasted_reads_between_and_beyond_the_computes():
    log_C, height = np.array([10.0, 9.0, 8.0, 7.0]), np.array([0.5, 0.6, 0.55, 0.9])
    assert wasted(log_C, height, 0.55) == pytest.approx(0.5)
    # the third does not rise and is passed over
    assert wasted(log_C, height, 0.75) == pytest.approx(2.0)
    assert wasted(log_C, height, 1.05) == pytest.approx(4.0)
    assert np.isnan(wasted(log_C[:1], height[:1], 0.7))


def test_the_largest_compute_is_the_one_that_so_many_sizes_reach():
    assert np.exp(largest_compute(N, D, six_nd, 4)) == pytest.approx(6 * SIZES[2] * BUDGETS[-1])
    assert np.exp(largest_compute(N, D, six_nd, 6)) == pytest.approx(6 * SIZES[0] * BUDGETS[-1])
    with pytest.raises(FitError, match="6 sizes have two budgets or more, 7 are needed"):
        largest_compute(N, D, six_nd, 7)


def test_nothing_is_judged_beyond_the_sizes_measured():
    steep = judge(1.0 + 3000 / N**0.9 + 5 / D**0.5)
    assert steep.x == steep.sizes[1] == pytest.approx(np.log(SIZES[-1]))
    found = judge(law(N, D))
    low, high = found.sizes
    np.testing.assert_array_equal(found.at(np.array([low - 3, high + 2])), found.at(np.array([low, high])))
    assert (found.at(np.linspace(low, high, 50)) >= found.log_loss - 1e-5).all()


def test_noise_costs_about_what_its_best_sizes_cost():
    rng = np.random.default_rng(1)
    true, lost, told = law(N, D), [], []
    for _ in range(12):
        found = judge(true * np.exp(0.004 * rng.normal(size=len(N))), 5)
        C = np.exp(found.log_C)
        lost.append(np.log(law(np.exp(found.x), C / 6 / np.exp(found.x)) / best(C)[1]))
        told.append(found.lost_to_noise())
    assert np.mean(lost) / 4 < np.mean(told) < 4 * np.mean(lost)
    assert judge(true, 5).lost_to_noise() < np.mean(told) / 3
