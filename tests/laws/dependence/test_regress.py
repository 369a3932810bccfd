"""regression.json: two-stage lines, the law in H, what is left out, and what happens without data."""

import json

import pytest
from laws_in_H import planted_regression, planted_sweep, score

from ziplaw.base.documents import plain
from ziplaw.errors import FitError
from ziplaw.laws.dependence.regress import evidence, regress
from ziplaw.laws.plans.split_at_H import prediction


@pytest.fixture
def planted():
    return planted_sweep()


@pytest.fixture
def document():
    return planted_regression()


def test_planted_law_is_found(document):
    assert document["n_datasets"] == 5
    assert document["variant"] == "floor"
    assert document["two_stage"]["label"].startswith("two-stage OLS, ignores first-stage error, anti-conservative")
    assert set(document["two_stage"]["parameters"]) == {"E", "A", "B", "alpha", "beta", "ln_A", "ln_B", "a"}
    lines = document["law"]["lines"]
    for name, slope in (("ln_E", -5.0), ("alpha", -3.0), ("beta", -1.0)):
        low, high = lines[name]["slope_ci"]
        assert low - 1e-6 <= slope <= high + 1e-6, name
    assert document["joint_test"]["p_permutation"] <= 3 / 120
    assert document["conclusion"].startswith("the exponents depend on H")
    # alpha = .5 - 3 h meets beta = .6 - h at h = -.05, H = .30; there a is one half and rises, for alpha falls faster
    cross = document["crossings"]["alpha_equals_beta"]
    assert cross["H"] == pytest.approx(0.30, abs=0.03)
    assert cross["interval"][0] < 0.30 < cross["interval"][1]
    assert cross["in_range"]
    assert cross["slope_of_a"] > 0
    json.dumps(plain(document), allow_nan=False)


def test_too_few_datasets_give_no_numbers(planted):
    rows, fits = planted
    for kept in ([], fits[:1], fits[:2]):
        found = regress(rows, kept)
        assert found["law"] is found["two_stage"] is found["joint_test"] is found["crossings"] is None
        assert "not enough datasets" in found["conclusion"]
        assert evidence(rows, kept) == (None, None)
        with pytest.raises(FitError, match="holds no law"):
            prediction(found, 0.3, 1e15)


def test_same_H_three_times_is_not_three_datasets(planted):
    rows, fits = planted
    same = [fit | {"H": 0.3} for fit in fits]
    assert "1 different values of H" in regress(rows, same)["conclusion"]


def test_left_out_datasets_are_counted_with_their_reason(planted):
    rows, fits = planted
    bad = fits[1] | {"reportable": False, "reason": "3 of 36 cells scale"}
    lost = json.loads(json.dumps(plain(fits[2])))
    lost["variants"]["floor"]["flags"] = ["alpha at its bound"]
    found = regress(rows, [fits[0], bad, lost, *fits[3:]], bootstrap=0)
    assert found["n_datasets"] == 3
    assert [(e["dataset"], e["reason"].split(":")[0]) for e in found["left_out"]] == [
        ("d1", "not reportable"),
        ("d2", "its law is not identified"),
    ]
    assert "2 of 5 datasets left out" in found["conclusion"]


def test_scores_must_be_those_of_the_fits(planted):
    rows, fits = planted
    scores = [score(fit["dataset"], H=fit["H"]) for fit in fits]
    assert regress(rows, fits, scores=scores, bootstrap=0)["H_of"]["window"] == 256
    assert regress(rows, fits, bootstrap=0)["H_of"] is None
    with pytest.raises(FitError, match="no score of d4"):
        regress(rows, fits, scores=scores[:4])
    with pytest.raises(FitError, match=r"H of d4 is 0\.9 in its score and 0\.48 in its fit"):
        regress(rows, fits, scores=[*scores[:4], scores[4] | {"H": 0.9}])
