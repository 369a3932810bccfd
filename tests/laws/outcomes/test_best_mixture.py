"""The best mixture: the optimum of a convex problem within limits, and gains that are or are not real."""

import numpy as np
import planted_outcomes as planted
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.outcomes.best_mixture import best_mixture
from ziplaw.laws.outcomes.mixtures import fit_mixtures


@pytest.fixture(scope="module")
def law():
    return fit_mixtures(*planted.mixture_table(), names="abcde", domains=["one", "two"])


def test_no_mixture_nearby_or_at_random_is_better(law):
    best = best_mixture(law)
    assert best.weights.sum() == pytest.approx(1)
    assert (best.weights >= 0).all()
    random = np.random.default_rng(0)
    others = np.concatenate([
        random.dirichlet(np.ones(5), size=3000),
        0.98 * best.weights + 0.02 * random.dirichlet(np.ones(5), size=3000),
    ])  # fmt: skip
    allowed = (others <= law.weights.max(axis=0)).all(axis=1)
    assert law.predict(others[allowed]).mean(axis=1).min() >= best.loss - 1e-6


def test_a_target_and_limits_are_kept(law):
    best = best_mixture(law, [1, 0], low=[0.1, 0, 0, 0.05, 0], high=[0.4, 1, 1, 1, 1])
    assert best.weights[0] == pytest.approx(0.4, abs=1e-6)
    assert best.weights[3] >= 0.05 - 1e-9


def test_gains_are_real_over_a_bad_mixture_and_not_over_itself(law):
    best = best_mixture(law)
    poor = best_mixture(law, reference=[0, 0, 0, 1, 0])
    assert poor.is_real
    assert poor.interval[0] < poor.gain < poor.interval[1]
    same = best_mixture(law, reference=best.weights)
    assert not same.is_real
    assert same.gain <= 1e-9


def test_far_mixtures_are_told(law):
    near = best_mixture(law, low=law.average - 0.05, high=law.average + 0.05)
    assert not near.extrapolates
    narrow = fit_mixtures(0.9 * law.average + 0.1 * law.weights, law.losses, names="abcde", domains=["one", "two"])
    assert best_mixture(narrow, high=1.0).extrapolates


@pytest.mark.parametrize(("given", "words"), [
    ({"target": [0, 0]}, "target"),
    ({"target": [1, 2, 3]}, "target"),
    ({"low": 0.3}, "1 must lie between"),
    ({"high": 0.1}, "1 must lie between"),
    ({"low": 0.9, "high": 0.5}, "in order"),
])  # fmt: skip
def test_refusals(law, given, words):
    with pytest.raises(FitError, match=words):
        best_mixture(law, **given)
