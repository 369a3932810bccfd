"""The covariate that was planted foretells best, in each half and from one half to the other."""

import pytest
from planted_study import planted_study

from ziplaw.studies.answers.covariate_worth import BY_EXPLORATORY, COLUMNS, rows


@pytest.fixture(scope="module")
def table():
    return rows(planted_study((("v", 7), ("f", 7)), effects={"unigram_entropy": 0.9}, scatter=0.03, seed=2))


def group(table, **wanted):
    told = [row for row in table if all(row[key] == value for key, value in wanted.items())]
    return {row["covariates"]: row for row in told}


@pytest.mark.parametrize("judged", ["exploratory", "confirmatory", BY_EXPLORATORY])
def test_the_planted_one_is_better_than_H_and_none(table, judged):
    told = group(table, judged=judged, family="all", quantity="ln_N", kind="bounded")
    mine = told["unigram_entropy"]
    assert mine["less_none_high"] < 0
    assert mine["less_H_high"] < 0
    assert mine["less_H_low"] < mine["less_H"] == pytest.approx(mine["error"] - told["H"]["error"])
    assert "unigram_entropy" in next(name for name, row in told.items() if row["best"])
    assert told["none"]["of_none"] == 1
    assert told["none"]["less_none"] is None
    assert sum(row["best"] for row in told.values()) == 1
    assert "unigram_entropy + floor" in told


def test_columns_and_groups(table):
    assert all(tuple(row) == COLUMNS for row in table)
    assert {row["quantity"] for row in table} == {"ln_N", "a", "alpha", "beta"}
    one_vocabulary = group(table, judged="exploratory", family="vocabulary", quantity="ln_N", kind="free")
    assert "vocab_size" not in one_vocabulary, "it stands still"
    assert one_vocabulary["none"]["n"] == 7


def test_one_half_alone_is_judged_by_itself():
    study = planted_study((("v", 6),), seed=3).half("exploratory")
    assert {row["judged"] for row in rows(study)} == {"exploratory"}
