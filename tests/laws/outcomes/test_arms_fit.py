"""Many fits of two arms side by side: planted laws, models that share what they say, one arm as the additive fit."""

from itertools import pairwise

import numpy as np
import pytest
from designs import LAW, grid

import ziplaw
from ziplaw.laws.forms.chinchilla import additive
from ziplaw.laws.outcomes.arms_fit import SHARED, cells_of, covariance, fit_model, sharing, solve


def two_arms(s=1.2, t=1.25, noise=0.0, seed=0):
    N, D = grid(5, 5)
    rng = np.random.default_rng(seed)
    first, second = (np.exp(noise * rng.standard_normal(len(N))) for _ in range(2))
    return (N, D, additive(LAW, N, D) * first), (N, D, additive(LAW, s * N, t * D) * second)


@pytest.mark.parametrize("ladder", [False, True])
def test_models_share_what_they_say(ladder):
    free = {"own": 6, "exponents": 5, "factor": 4, "equal": 3} if ladder else dict(zip(SHARED, (10, 8, 7, 5)))
    for model, p in free.items():
        S = sharing(model, 2, ladder)
        assert S.shape == (2, 5, p)
        # every local unknown is one of theta, and every one of theta is used
        assert (S.sum(axis=2) == 1).all()
        assert (S.sum(axis=(0, 1)) > 0).all()
        same = (S[0] == S[1]).all(axis=1)
        assert set(np.flatnonzero(same)) == set(SHARED[model])


def test_rows_with_one_N_and_D_are_pairs():
    N, D = grid(3, 3)
    base, arm = (N, D, N), (N[::-1][:7] * 1.0004, D[::-1][:7], D[::-1][:7])
    cells = cells_of([base, arm], ladder=False)
    assert (cells.n_pairs, cells.n) == (7, 16)
    for column in (cells.x, cells.y):
        assert column[0, :7] == pytest.approx(column[1, :7], abs=1e-3)
    assert (cells.w[1] == [1.0] * 7 + [0.0] * 2).all()
    assert cells_of([base, (N * 1.01, D, N)], ladder=False).n_pairs == 0


def test_planted_laws_are_found_by_the_model_that_holds_them():
    cells = cells_of(two_arms(), ladder=False)
    found = fit_model(cells, "factor")
    assert found.rss[0] < 1e-12
    E, alpha, beta = LAW[0], LAW[3], LAW[4]
    assert found.local[0, :, 0] == pytest.approx(np.log(E), rel=1e-3)
    assert found.local[0, :, 3:] == pytest.approx(np.array([[alpha, beta]] * 2), rel=1e-3)
    assert fit_model(cells, "equal").rss[0] > 1e-4


def test_models_are_nested():
    cells = cells_of(two_arms(noise=0.01), ladder=False)
    rss = [fit_model(cells, model).rss[0] for model in SHARED]
    assert all(less <= more * (1 + 1e-6) for less, more in pairwise(rss))


def test_one_arm_alone_is_the_least_squares_fit_of_the_additive_law():
    base, arm = two_arms(noise=0.005)
    cells = cells_of([base, arm], ladder=False)
    local = fit_model(cells, "own").local[0, 0]
    expected = ziplaw.fit(*base, objective="log-mse")
    E, log_A, log_B, alpha, beta = local
    A, B = np.exp(log_A + alpha * cells.centre[0]), np.exp(log_B + beta * cells.centre[1])
    assert [np.exp(E), A, B, alpha, beta] == pytest.approx(expected.parameters, rel=1e-3)


def test_a_ladder_has_a_law_of_C():
    N = np.geomspace(5e7, 5e9, 6)
    D = 20 * N
    C = 6 * N * D
    loss = [1.8 + 40.0 / (m * C / 1e15) ** 0.15 for m in (1.0, 1.5)]
    cells = cells_of([(N, D, loss[0]), (N, D, loss[1])], ladder=True)
    found = fit_model(cells, "factor")
    assert found.rss[0] < 1e-12
    assert found.local[0, 0, 3] == pytest.approx(0.15, rel=1e-3)
    base, arm = found.local[0]
    assert np.exp((base[1] - arm[1]) / base[3]) == pytest.approx(1.5, rel=1e-3)


def test_weights_of_resamples_count_rows():
    cells = cells_of(two_arms(noise=0.01), ladder=False)
    start = fit_model(cells, "own").theta
    w = np.ones((2, *cells.w.shape))
    w[1, :, 0] = 0.0
    both = solve(cells, "own", np.repeat(start, 2, axis=0), w=w)
    tables = [tuple(column[1:] for column in table) for table in two_arms(noise=0.01)]
    without = fit_model(cells_of(tables, ladder=False), "own")
    assert both.rss == pytest.approx([fit_model(cells, "own").rss[0], without.rss[0]], rel=1e-4)


def test_the_covariance_is_that_of_simulated_tables():
    found, thetas = None, []
    for seed in range(25):
        cells = cells_of(two_arms(noise=0.004, seed=seed), ladder=False)
        found = fit_model(cells, "factor")
        thetas.append(found.theta[0])
    deviations = np.sqrt(np.diag(covariance(cells, "factor", found)))
    ratio = np.std(thetas, axis=0) / deviations
    assert (0.5 < ratio).all()
    assert (ratio < 1.8).all()
