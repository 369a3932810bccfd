"""The table of moves has the planted factor, by every kind, and each row what its columns say."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.laws.studies.effects.law_readings import KINDS
from ziplaw.studies.answers.split_moves import COLUMNS, rows


@pytest.fixture(scope="module")
def table():
    study = planted_study((("v", 4), ("f", 5), ("h", 1)), effects={"H": 6.0}, effects_a={"H": 1.0}, seed=3)
    return rows(study.half("exploratory"))


def where(table, **wanted):
    return [row for row in table if all(row[key] == value for key, value in wanted.items())]


def test_every_kind_finds_the_planted_move(table):
    told = where(table, family="all", accounting="6nd", compute="middle", quantity="N", covariate="H")
    assert [row["kind"] for row in told] == list(KINDS)
    for row in told:
        assert tuple(row) == COLUMNS
        assert row["n"] == 10
        assert row["per"] == 0.1
        assert row["p_permutation"] <= 0.01
        assert row["rank_correlation"] > 0.7
        assert row["factor_low"] < row["factor"] < row["factor_high"]
        assert row["factor"] == pytest.approx(np.exp(0.1 * row["slope"]))
        assert 1.4 < row["factor"] < 2.4, row["kind"]
    bounded = next(row for row in told if row["kind"] == "bounded")
    assert bounded["factor_low"] < np.exp(0.6) < bounded["factor_high"]


def test_tokens_per_parameter_fall_by_the_square_at_6nd(table):
    N, ratio = (where(table, family="all", accounting="6nd", compute="low", kind="free", quantity=quantity,
                      covariate="H")[0] for quantity in ("N", "tokens_per_parameter"))  # fmt: skip
    assert ratio["factor"] == pytest.approx(N["factor"] ** -2)
    assert ratio["factor_low"] == pytest.approx(N["factor_high"] ** -2)
    assert ratio["p_permutation"] == N["p_permutation"]
    assert ratio["rank_correlation"] == -N["rank_correlation"]


def test_exponents_have_slopes_and_no_factor(table):
    told = where(table, family="all", quantity="alpha", covariate="H")
    assert [row["kind"] for row in told] == ["identity", "power", "bounded", "free"]
    for row in told:
        assert row["slope_low"] < row["slope"] < row["slope_high"]
        assert row["factor"] is row["C"] is row["compute"] is None
    a = where(table, family="all", quantity="a", covariate="H", kind="bounded")[0]
    # 1 was planted; how often intervals hold the truth is the matter of test_covariate_effect
    assert 0.6 < a["slope"] < 1.4
    assert a["p_permutation"] <= 0.01


def test_all_flops_are_told_at_larger_computes(table):
    six, every = (where(table, family="all", accounting=name, compute="middle", kind="bounded", covariate="H")
                  for name in ("6nd", "all"))  # fmt: skip
    assert every[0]["C"] > six[0]["C"]
    assert {row["quantity"] for row in every} == {"N", "tokens_per_parameter"}
    assert every[0]["factor"] > 1 > every[1]["factor"]


def test_rivals_are_told_per_standard_deviation_and_what_stands_still_is_not(table):
    told = where(table, family="vocabulary", accounting="6nd", kind="bounded", quantity="N")
    assert [row["covariate"] for row in told] == ["H", "unigram_entropy", "floor", "productions", "sentence_length"]
    assert {row["half"] for row in table} == {"exploratory"}
    assert not where(table, family="H", covariate="H")
    assert where(table, family="all", covariate="vocab_size")
    assert {row["compute"] for row in told} == {"middle"}
    assert {row["compute"] for row in where(table, family="all", covariate="floor", quantity="N")} == {
        "low",
        "middle",
        "high",
    }
