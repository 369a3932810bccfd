"""A mixture law as plain numbers: errors beside a linear peer's, tests of another scale, the best mixture."""

import json

import numpy as np
import planted_outcomes as planted
import pytest

from ziplaw.base.documents import plain
from ziplaw.laws.outcomes.mixtures import fit_mixtures
from ziplaw.laws.outcomes.mixtures_document import mixtures_document, mixtures_test, rank_interval


@pytest.fixture(scope="module")
def law():
    return fit_mixtures(*planted.mixture_table(), names="abcde", domains=["one", "two"])


def test_the_document_is_whole(law):
    found = mixtures_document(law, points=[[0.2] * 5], target={"one": 1.0}, high={"a": 0.3}, draws=100)
    found = json.loads(json.dumps(plain(found)))
    assert set(found["domains"]) == {"one", "two"}
    assert found["holdout"]["domains"]["one"]["rank"] > 0.95
    assert found["best"]["weights"]["a"] == pytest.approx(0.3, abs=1e-6)
    assert found["best"]["over"]["average"]["real"]
    effect = found["domains"]["one"]["effects"]["a"]
    assert effect["interval"][0] < effect["t"] < effect["interval"][1] < 0
    assert len(found["predictions"]) == 1
    assert found["tests"] == []


def test_the_same_scale_and_another(law):
    weights, losses = planted.mixture_table(80, seed=5)
    same = mixtures_test(law, weights, losses, draws=100)
    assert not same["other_scale"]
    assert same["mean_rank"] > 0.97
    assert same["mean_rank"] > same["mean_rank_linear"]
    assert same["favourite"]["place"] <= 5
    other = mixtures_test(law, weights, 0.6 * losses, draws=100)
    assert other["other_scale"]
    assert other["mean_rank"] == pytest.approx(same["mean_rank"])
    assert other["domains"]["one"]["mean_log_error"] == pytest.approx(-np.log(0.6), abs=0.01)


def test_what_is_said_of_a_domain_that_was_never_used():
    weights, losses = planted.mixture_table()
    wide = fit_mixtures(np.c_[weights, np.zeros(len(weights))], losses, names="abcdef")
    found = mixtures_document(wide, draws=100)
    assert any(text.startswith("f: 0 in every run") for text in found["warnings"])
    assert "f" not in found["domains"]["loss 1"]["effects"]
    assert found["best"]["weights"]["f"] == 0


def test_what_is_said_of_two_scales_in_one_fit():
    weights, losses = planted.mixture_table()
    mixed = np.where(np.arange(120)[:, None] % 2 == 0, losses, 0.5 * losses)
    assert any(
        "several scales" in text for text in mixtures_document(fit_mixtures(weights, mixed), draws=100)["warnings"]
    )


def test_the_interval_of_a_rank_correlation_holds_what_it_estimates():
    random, inside = np.random.default_rng(0), 0
    from scipy.stats import rankdata

    # a normal pair of correlation r has the rank correlation 6/pi asin(r/2)
    truth = 6 / np.pi * np.arcsin(0.9 / 2)
    for _ in range(300):
        x = random.normal(size=60)
        y = 0.9 * x + np.sqrt(1 - 0.81) * random.normal(size=60)
        low, high = rank_interval(np.corrcoef(rankdata(x), rankdata(y))[0, 1], 60, 0.95)
        inside += low <= truth <= high
    assert 270 <= inside <= 297


def test_ranks_that_are_not_known_have_no_interval():
    assert np.isnan(rank_interval(np.nan, 50, 0.95)).all()
    assert np.isnan(rank_interval(0.9, 3, 0.95)).all()
