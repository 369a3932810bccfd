"""The mixture law: a planted one comes back, held-out ranks, intervals, odd tables, refusals."""

import numpy as np
import planted_outcomes as planted
import pytest
from tables_of_laws import table

from ziplaw.errors import FitError
from ziplaw.laws.outcomes.mixtures import check_weights, fit_mixtures, linear_prediction, rank_correlation

W, LOSSES = planted.mixture_table()


@pytest.fixture(scope="module")
def law():
    return fit_mixtures(W, LOSSES, names="abcde", domains=["one", "two"])


def test_a_planted_law_comes_back(law):
    assert law.converged.all()
    effects = planted.U - (planted.U @ W.mean(axis=0))[:, None]
    np.testing.assert_allclose(law.effects(), effects, atol=0.25)
    np.testing.assert_allclose(law.parameters["c"], planted.C, atol=0.1)
    fresh, truth = planted.mixture_table(60, noise=0.0, seed=9)
    np.testing.assert_allclose(law.predict(fresh), truth, rtol=0.01)
    assert (rank_correlation(law.predict(fresh), truth) > rank_correlation(linear_prediction(law, fresh), truth)).all()


def test_effects_are_centred_at_the_average_mixture(law):
    np.testing.assert_allclose(law.effects() @ law.average, 0, atol=1e-9)
    p = law.parameters
    np.testing.assert_allclose(p["c"] + p["k"] * np.exp(law.weights[:3] @ p["t"].T), law.predict(law.weights[:3]))


def test_intervals_hold_new_runs(law):
    fresh, measured = planted.mixture_table(100, seed=4)
    found = law.outcome(fresh)
    inside = (found.interval[..., 0] <= measured) & (measured <= found.interval[..., 1])
    assert 0.88 <= inside.mean() <= 1.0
    ends = law.effect_intervals()
    assert ((ends[..., 0] < law.effects()) & (law.effects() < ends[..., 1])).mean() > 0.8


def test_a_weight_that_is_always_zero_changes_nothing():
    wide = fit_mixtures(np.c_[W, np.zeros(len(W))], LOSSES)
    np.testing.assert_allclose(wide.predict(np.c_[W, np.zeros(len(W))]), fit_mixtures(W, LOSSES).predict(W), rtol=1e-3)


def test_rounded_weights_are_divided_by_their_sum():
    shares, names = check_weights([[0.331, 0.33, 0.335], [0.2, 0.3, 0.5]])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert names == ("weight 1", "weight 2", "weight 3")


@pytest.mark.parametrize(("weights", "words"), [
    (W * 100, "row 1 sum to 100"),
    (W[:, :4], "must sum to 1"),
    (W - 0.2, "a weight is from 0 to 1"),
    (np.ones((120, 1)), "the only weight"),
    (np.repeat(W[:1], 120, axis=0), "same mixture"),
    (np.empty((0, 3)), "shape"),
    (np.full_like(W, np.nan), "is nan in row 1"),
])  # fmt: skip
def test_what_is_no_mixture(weights, words):
    with pytest.raises(FitError, match=words) as found:
        fit_mixtures(weights, LOSSES)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(("rows", "losses", "words"), [
    (slice(0, 12), LOSSES[:12], "too few"),
    (slice(None), np.full_like(LOSSES, 2.0), "same in every run"),
    (slice(None), -LOSSES, "must be above 0"),
    (slice(None), LOSSES[:50], "fit together"),
])  # fmt: skip
def test_refusals(rows, losses, words):
    with pytest.raises(FitError, match=words):
        fit_mixtures(W[rows], losses)


def test_ranks_of_a_constant_are_none():
    assert np.isnan(rank_correlation(np.ones((5, 1)), np.arange(5.0)[:, None]))[0]


def test_published_mixtures_are_ranked():
    """Fitted to 512 mixtures at 1M parameters: ranks of 256 further ones, and of 256 at 60M, on Pile-CC."""
    rows = table("mixtures.csv")
    names = [name for name in rows[0] if name.startswith("w_")]
    scale = np.array([row["scale"] for row in rows])
    weights = np.array([[float(row[name]) for name in names] for row in rows])
    losses = np.array([[float(row["loss_pile_cc"])] for row in rows])
    found = fit_mixtures(weights[scale == "1M-1B"], losses[scale == "1M-1B"])

    def rank(name):
        return rank_correlation(found.predict(weights[scale == name]), losses[scale == name])[0]

    assert rank("1M-1B-test") >= 0.95
    assert rank("60M-test") >= 0.9
