"""What carries the move of the split: the planted covariate, also where H goes with it."""

import math

import pytest
from planted_study import planted_study

from ziplaw.studies.answers.split_given import COLUMNS, rows
from ziplaw.studies.measured import Study


@pytest.fixture(scope="module")
def table():
    study = planted_study((("v", 9), ("f", 9), ("h", 6)), effects={"unigram_entropy": 0.9}, scatter=0.03, seed=1)
    return rows(study.half("exploratory"))


def one(table, **wanted):
    return [row for row in table if all(row[key] == value for key, value in wanted.items())]


def test_the_unigram_entropy_carries_what_it_was_given(table):
    told = one(table, family="all", accounting="6nd", kind="bounded")
    assert {row["carried_by"] for row in told} == {"unigram_entropy"}
    given = {(row["covariate"], row["given"]): row for row in told}
    assert given["H", "unigram_entropy"]["p_permutation"] > 0.01
    assert given["H", "floor"]["p_permutation"] <= 0.01, "without the one that carries it H goes with the split"
    mine = given["unigram_entropy", "others"]
    assert mine["slope_low"] < 0.9 < mine["slope_high"]
    assert mine["p_holm"] <= 0.01
    assert set(mine) == set(COLUMNS)
    assert all(row["p_holm"] is None for (_, others), row in given.items() if others in ("H", "floor", "all"))
    assert ("floor", "all") in given


def test_at_one_H_it_still_moves(table):
    told = one(table, family="H", accounting="6nd", kind="bounded")
    assert {row["covariate"] for row in told} == {"unigram_entropy", "floor"}
    mine = next(row for row in told if (row["covariate"], row["given"]) == ("unigram_entropy", "floor"))
    assert mine["slope_low"] < 0.9 < mine["slope_high"]


def test_what_lies_beyond_a_bigram_is_a_fourth_candidate():
    study = planted_study((("v", 9), ("f", 9)), effects={"sentence_length": 0.08}, scatter=0.03, seed=2)
    study = study.half("exploratory")
    known = {name: {**v, "beyond_bigram": math.exp(0.2 * (v["sentence_length"] - 8))}
             for name, v in study.covariates.items()}  # fmt: skip
    told = one(rows(Study(study.design, study.runs, study.fits, known)), family="all", accounting="6nd", kind="bounded")
    given = {(row["covariate"], row["given"]): row for row in told}
    assert {row["carried_by"] for row in told} == {"beyond_bigram"}
    mine = given["beyond_bigram", "others"]
    assert mine["slope_low"] < 0.4 < mine["slope_high"]
    assert ("H", "beyond_bigram") in given
    assert ("beyond_bigram", "unigram_entropy and floor") in given


def test_every_part_has_both_accountings(table):
    assert {(row["family"], row["accounting"]) for row in table} == {
        (family, accounting) for family in ("all", "varied", "vocabulary", "H") for accounting in ("6nd", "all")
    }
