"""Exponents of decay: planted power laws are found within their intervals, others are said to be none."""

import numpy as np
import pytest

from ziplaw.corpora.measures.block_entropies import Estimate
from ziplaw.corpora.measures.decays import Decay, correlation_decay, entropy_decay, predicted_exponent
from ziplaw.corpora.measures.lagged_correlations import Correlation

ORDERS = np.arange(1, 6)
LAGS = np.array([1, 2, 3, 4, 6, 8, 12, 16])


def entropies(values, error=1e-4, coverage=1.0):
    return [Estimate(value, error, 0.0, coverage) for value in values]


def sizes(values):
    return [Correlation(int(lag), value, value / 100) for lag, value in zip(LAGS, values)]


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.5])
def test_a_planted_gamma(gamma):
    noise = np.random.default_rng(0).normal(0, 1e-4, 5)
    found = entropy_decay(entropies(1.2 + 2.0 * ORDERS**-gamma + noise))
    assert found.low < gamma < found.high
    assert found.exponent == pytest.approx(gamma, rel=0.1)
    assert found.reason is None
    assert found.used == (1, 2, 3, 4, 5)


def test_gamma_covers_at_its_level():
    rng, inside = np.random.default_rng(1), 0
    for _ in range(60):
        found = entropy_decay(entropies(1.0 + 2.0 / ORDERS + rng.normal(0, 3e-3, 5), 3e-3))
        inside += (found.low is None or found.low < 1) and (found.high is None or found.high > 1)
    assert inside >= 54


def test_a_decay_that_is_exponential_is_no_power_law():
    found = entropy_decay(entropies(1.0 + 2 * np.exp(-0.9 * ORDERS)))
    assert found.reason == "an exponential decay fits as well"
    assert correlation_decay(sizes(np.exp(-0.2 * LAGS))).reason == "an exponential decay fits as well"


def test_too_few_contexts_are_fitted_but_not_told():
    poor = entropies(1.2 + 2 / ORDERS)[:2] + entropies(1.2 + 2 / ORDERS, coverage=0.5)[2:]
    found = entropy_decay(poor)
    assert (found.used, found.low, found.high) == ((1, 2, 3), None, None)
    assert found.exponent == pytest.approx(1, rel=1e-3)
    assert found.reason == "contexts up to 2 tokens are covered, 4 are needed"


def test_entropies_that_do_not_fall():
    found = entropy_decay(entropies(np.full(5, 2.0)))
    assert found.reason == "the interval of gamma has an open end"


@pytest.mark.parametrize("beta", [0.5, 1.5])
def test_a_planted_beta(beta):
    noise = np.exp(np.random.default_rng(3).normal(0, 0.03, len(LAGS)))
    found = correlation_decay(sizes(0.1 * LAGS**-beta * noise))
    assert found.low < beta < found.high
    assert found.reason is None
    slope = np.polyfit(np.log(LAGS), np.log(0.1 * LAGS**-beta * noise), 1)[0]
    assert found.exponent == pytest.approx(-slope, rel=1e-12)


def test_short_reaches_and_rising_correlations():
    assert "a factor of 8 is needed" in correlation_decay(sizes(1.0 / LAGS)[:5]).reason
    few = correlation_decay(sizes(1.0 / LAGS)[:2])
    assert (few.exponent, few.reason) == (None, "2 distances are above the noise, 5 are needed")
    assert correlation_decay(sizes(1.0 + 0.01 * np.sin(LAGS * 7.0))).reason is not None


def test_the_exponent_of_both():
    gamma, beta = Decay(0.4, 0.3, 0.5, (1,), None), Decay(0.8, 0.6, 1.0, (1,), None)
    assert predicted_exponent(gamma, beta) == Decay(0.25, 0.3 / 2, 0.5 / 1.2, (), None)
    assert predicted_exponent(Decay(0.4, None, None, (1,), "no"), beta).reason == "no"
    assert predicted_exponent(gamma, Decay(None, None, None, (), "none")).exponent is None
    assert predicted_exponent(gamma, Decay(-0.1, -0.2, 0.0, (), "the interval of beta reaches 0")).exponent is None
