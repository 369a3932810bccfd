"""One Gaussian over (ln N_opt, a): moved along C, shifted, updated, read as a split."""

import numpy as np
import pytest
from scipy import stats

from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit, inflation, moving, normal_quantile


def gaussian(ln_N=20.7, a=0.47, sd=(0.3, 0.1), correlation=-0.2, C=1e20):
    off = correlation * sd[0] * sd[1]
    return GaussianSplit(np.array([ln_N, a]), np.array([[sd[0] ** 2, off], [off, sd[1] ** 2]]), C)


def test_it_is_the_same_knowledge_at_every_C():
    there = gaussian().at(1e22)
    assert there.mean == pytest.approx([20.7 + 0.47 * np.log(100), 0.47])
    back = there.at(1e20)
    assert back.mean == pytest.approx(gaussian().mean)
    assert back.covariance == pytest.approx(gaussian().covariance)
    assert moving(1e20, 1e22) @ moving(1e22, 1e20) == pytest.approx(np.eye(2))


def slow_update(prior, evidence):
    """Products of densities, by precisions: the twin of the gain."""
    seen = evidence.at(prior.C)
    P, Q = np.linalg.inv(prior.covariance), np.linalg.inv(seen.covariance)
    S = np.linalg.inv(P + Q)
    return S @ (P @ prior.mean + Q @ seen.mean), S


def test_an_update_is_the_product_of_two_densities_wherever_they_are_told():
    prior, evidence = gaussian(), gaussian(19.5, 0.35, (0.05, 0.04), 0.6, C=3e18)
    mean, covariance = slow_update(prior, evidence)
    found = prior.updated(evidence)
    assert found.mean == pytest.approx(mean)
    assert found.covariance == pytest.approx(covariance)
    assert found.C == prior.C
    # which is the prior and which the evidence does not matter, nor where either is told
    other = evidence.updated(prior.at(1e25)).at(prior.C)
    assert other.mean == pytest.approx(mean)
    assert other.covariance == pytest.approx(covariance)


def test_exact_evidence_settles_it_and_a_vague_one_changes_nothing():
    exact = GaussianSplit(np.array([21.0, 0.5]), np.zeros((2, 2)))
    found = gaussian().updated(exact)
    assert found.mean == pytest.approx(exact.mean)
    assert found.covariance == pytest.approx(np.zeros((2, 2)), abs=1e-12)
    assert gaussian().updated(gaussian(25.0, 0.1, (1e6, 1e6), 0.0)).mean == pytest.approx(gaussian().mean)


def test_a_split_has_bands_that_belong_together():
    found = gaussian().split(1e21, 0.9)
    assert 6 * found["N"] * found["D"] == pytest.approx(1e21)
    low, high = found["N_interval"]
    assert found["D_interval"] == pytest.approx([1e21 / 6 / high, 1e21 / 6 / low])
    assert found["tokens_per_parameter_interval"] == pytest.approx([1e21 / 6 / high**2, 1e21 / 6 / low**2])
    there = gaussian().at(1e21)
    assert np.log(high / low) == pytest.approx(2 * stats.norm.ppf(0.95) * np.sqrt(there.covariance[0, 0]))
    assert found["a_interval"] == pytest.approx([0.47 - 1.6449 * 0.1, 0.47 + 1.6449 * 0.1], abs=1e-4)
    assert normal_quantile(0.95) == pytest.approx(1.96, abs=1e-3)


def test_few_degrees_of_freedom_widen_to_students_band():
    assert np.sqrt(inflation(3)) * stats.norm.ppf(0.975) == pytest.approx(stats.t.ppf(0.975, 3))
    assert inflation(10_000) == pytest.approx(1, abs=1e-3)


def test_how_far_two_lie_apart():
    one, other = gaussian(20.0, 0.5, (0.3, 0.0), 0.0), gaussian(21.0, 0.5, (0.4, 0.0), 0.0)
    assert one.z_score(other, 1e20) == pytest.approx(2.0)
    exact = GaussianSplit(np.zeros(2), np.zeros((2, 2)))
    assert exact.z_score(exact, 1e20) == 0.0


def test_plain_numbers_and_back():
    found = GaussianSplit.of(gaussian().to_dict())
    assert found.mean == pytest.approx(gaussian().mean)
    assert found.covariance == pytest.approx(gaussian().covariance)
    assert found.C == 1e20
