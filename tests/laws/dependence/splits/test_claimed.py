"""Verdicts about the best split follow from the p-values by the stated rule."""

import pytest
from splits_in_H import sweep_of_splits

from ziplaw.laws.dependence.claims import claims
from ziplaw.laws.dependence.regress import regress
from ziplaw.laws.dependence.splits.claimed import STATEMENTS, claims_about_splits
from ziplaw.laws.dependence.splits.split_on_H import split_on_H


def judged(*arguments, **options):
    split, message = split_on_H(*sweep_of_splits(*arguments, **options))
    return {row["claim"]: row for row in claims_about_splits(split, message, 0.05)}


def test_a_plain_rise_is_not_the_papers_fall():
    found = judged(6, 9.0, seed=1)
    assert found["best_N_depends_on_H"]["verdict"] == "supported"
    assert "none the opposite" in found["best_N_depends_on_H"]["why"]
    assert found["best_N_falls"]["verdict"] == "not supported"
    assert found["best_N_falls"]["why"].startswith("it rises: N_opt x")
    assert found["a_depends_on_H"]["verdict"] == "undecided"
    for kind in ("identity", "power", "bounded", "free", "isoflop"):
        assert found[f"best_N_by_{kind}"]["verdict"] == "supported"
    assert found["best_N_by_bounded"]["why"].endswith("the chosen link")
    assert list(found) == list(STATEMENTS)


def test_a_plain_fall_is_the_papers():
    found = judged(6, -9.0, seed=1)
    assert found["best_N_falls"]["verdict"] == "supported"
    assert found["best_N_falls"]["estimate"] < 0


def test_noise_is_undecided():
    found = judged(6, 0.0, scatter=0.3, seed=2)
    assert {row["verdict"] for claim, row in found.items() if "_by_" not in claim} == {"undecided"}
    assert "not shown beyond chance" in found["best_N_falls"]["why"]


def test_a_link_that_says_the_opposite_leaves_it_undecided():
    found = judged(6, 9.0, seed=1, bias={"isoflop": -20.0})
    assert found["best_N_depends_on_H"]["verdict"] == found["best_N_falls"]["verdict"] == "undecided"
    assert "but the opposite by isoFLOP, without a law" in found["best_N_depends_on_H"]["why"]


def test_four_datasets_are_too_few_for_two_tests():
    found = judged(4, 9.0, seed=1)
    assert found["best_N_depends_on_H"]["verdict"] == "undecided"
    assert "4 datasets are too few (smallest possible p of two tests 0.083)" in found["best_N_depends_on_H"]["why"]


def test_what_is_left_out_says_why():
    rows, fits = sweep_of_splits(6)
    for fit in fits:
        fit["isoflop"] = {"split": None, "note": "one budget"}
    split, message = split_on_H(rows, fits)
    row = claims_about_splits(split, message, 0.05)[-1]
    assert (row["claim"], row["verdict"], row["estimate"]) == ("best_N_by_isoflop", "undecided", None)
    assert row["why"] == "identified in 0 of 6 datasets only (one budget)"


def test_no_split_is_undecided_for_one_reason_and_comes_first():
    document = regress([], [])
    assert document["split"] is None
    rows = claims(document)
    assert [row["claim"] for row in rows][: len(STATEMENTS)] == list(STATEMENTS)
    assert {row["verdict"] for row in rows} == {"undecided"}
    assert len({row["why"] for row in rows}) == 1
    assert "no split on H" in rows[0]["why"]


@pytest.mark.parametrize("seed", range(3))
def test_every_row_has_its_numbers(seed):
    for row in judged(6, 4.0, seed=seed).values():
        assert row["low"] < row["estimate"] < row["high"]
        assert 0 < row["p_value"] <= 1


def test_a_rival_that_foretells_better_is_named_in_the_reason():
    rows, fits = sweep_of_splits(6, 9.0, seed=1)
    split, _ = split_on_H(rows, fits)
    split["rivals"]["better"] = ["unigram_entropy"]
    row = claims_about_splits(split, "", 0.05)[0]
    assert row["why"].endswith("; unigram_entropy foretells a dataset left out better than H")
