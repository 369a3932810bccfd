"""The best split on H: planted slopes come back by every link, in words, and what cannot be asked is said."""

import json

import numpy as np
import pytest
from splits_in_H import C, sweep_of_splits

from ziplaw.base.documents import plain
from ziplaw.laws.dependence.splits.split_on_H import split_on_H


def test_a_planted_slope_comes_back_by_every_link():
    split, message = split_on_H(*sweep_of_splits(6, slope=8.0, seed=1))
    assert message == ""
    assert pytest.approx(C) == split["C"]
    assert split["link"] == "bounded"
    assert list(split["by"]) == ["identity", "power", "bounded", "free", "isoflop"]
    for entry in split["by"].values():
        line = entry["lines"]["ln_N"]
        low, high = line["slope_ci"]
        assert low < 8.0 < high
        assert line["per_tenth"] == pytest.approx(np.exp(0.1 * line["slope"]))
        assert line["p_permutation"] <= 0.05
        assert np.shape(entry["coefficients"]) == (2, 2)
        assert np.shape(entry["covariance"]) == (4, 4)
        assert np.shape(entry["scatter"]) == (2, 2)
        assert entry["df"] == 4
    assert split["conclusion"].startswith("the best N at a given compute rises with H: x")
    assert split["disagreement"]["signs_agree"]
    json.dumps(plain(split), allow_nan=False)


def test_a_flat_sweep_shows_nothing_and_says_that_it_excludes_nothing():
    split, _ = split_on_H(*sweep_of_splits(6, slope=0.0, scatter=0.3, seed=2))
    assert "is not shown; it is not excluded either" in split["conclusion"]


def test_the_exponent_has_a_line_of_its_own():
    split, _ = split_on_H(*sweep_of_splits(8, slope=0.0, slope_a=-1.5, seed=3, error_a=0.01))
    line = split["by"]["bounded"]["lines"]["a"]
    assert line["slope"] == pytest.approx(-1.5, abs=0.4)
    assert line["per_tenth"] == pytest.approx(0.1 * line["slope"])
    primary = split["multiplicity"]["primary"]
    assert primary["a"]["p_holm"] == pytest.approx(2 * primary["a"]["p_permutation"])
    assert primary["ln_N"]["p_holm"] >= primary["ln_N"]["p_permutation"]


def test_fits_from_before_links_ask_to_be_fitted_again():
    rows, fits = sweep_of_splits(6)
    old = [{key: value for key, value in fit.items() if key != "links"} for fit in fits]
    split, message = split_on_H(rows, old)
    assert split is None
    assert "the fits of d0, d1, d2, d3, d4, d5 hold no splits: fit again" in message
    split, _ = split_on_H(rows, old[:1] + fits[1:])
    assert split["fits_without_splits"] == ["d0"]
    assert split["by"]["bounded"]["n_datasets"] == 5
    assert "d0 hold no splits: fit again" in split["conclusion"]


@pytest.mark.parametrize(("kept", "H"), [(2, None), (4, [0.4, 0.4, 0.4, 0.4]), (0, None)])
def test_too_few_datasets_or_one_H_is_no_line(kept, H):
    rows, fits = sweep_of_splits(4, H=H)
    split, message = split_on_H(rows, fits[:kept])
    assert split is None
    assert "3 are needed" in message


def test_a_link_that_most_datasets_lack_is_left_out_and_named():
    rows, fits = sweep_of_splits(6)
    for fit in fits[:4]:
        fit["links"]["free"] |= {"converged": False, "message": "stopped after 200 steps"}
    fits[0]["links"]["power"]["split"]["identified"] = False
    for fit in fits:
        fit["isoflop"] = {"split": None, "note": "minima at the edge of every budget"}
    split, _ = split_on_H(rows, fits)
    assert set(split["by"]) == {"identity", "power", "bounded"}
    reasons = {entry["kind"]: entry["reason"] for entry in split["left_out"]}
    assert reasons["free"] == "identified in 2 of 6 datasets only (not converged: stopped after 200 steps)"
    assert reasons["isoflop"] == "identified in 0 of 6 datasets only (minima at the edge of every budget)"
    assert split["by"]["power"]["n_datasets"] == 5
    assert split["by"]["power"]["left_out"] == [{"dataset": "d0", "reason": "its split is not identified"}]
    assert "free" not in split["choice"]


def test_datasets_without_reportable_exponents_or_without_H():
    rows, fits = sweep_of_splits(5)
    fits[2] |= {"reportable": False}
    fits[4] |= {"H": None}
    split, _ = split_on_H(rows, fits)
    assert [entry["dataset"] for entry in split["datasets"]] == ["d0", "d1", "d2", "d3"]


def test_own_covariates_stand_beside_the_usual_ones():
    rows, fits = sweep_of_splits(6)
    own = {"n_productions": {f"d{k}": 400 + 10 * (k % 3) + k for k in range(6)}, "half": {"d0": 1.0}}
    split, _ = split_on_H(rows, fits, covariates=own)
    entry = split["by"]["bounded"]
    named = [row["covariate"] for row in entry["covariates"]]
    assert named == ["H", "floor", "unigram_entropy", "n_productions", "all rivals", "none"]
    assert entry["skipped_covariates"] == {
        "vocab_size": "takes 1 values over 6 datasets",
        "half": "missing in 5 of 6 datasets",
    }
    assert split["multiplicity"]["n_secondary"] > 2 * len(split["by"]) - 2
