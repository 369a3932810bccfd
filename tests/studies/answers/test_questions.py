"""Questions written down beforehand: each verdict by its rule, on the half that it is asked of."""

import math

import pytest
from planted_study import planted_study

from ziplaw.studies.answers import questions
from ziplaw.studies.answers.questions import COLUMNS, rows
from ziplaw.studies.measured import Study

LINK = "bounded"


@pytest.fixture(scope="module")
def table():
    """A study whose best N moves with what lies beyond a bigram alone, .4 per unit of its logarithm."""
    study = planted_study((("v", 9), ("f", 9)), effects={"sentence_length": 0.08}, scatter=0.03, seed=2)
    with pytest.MonkeyPatch.context() as patch:
        # the invented fits choose this link; no law of worth can be told of them
        patch.setattr(questions, "worth_rows", lambda study: WORTH)
        return rows(with_G(study))


WORTH = [
    {"main": True, "half": "confirmatory", "trained_on": "exploratory", "rule": rule, "compute": "6nd", "n": 18,
     "link": None, "judge": "valley", "against_constant": -saved, "against_constant_lo": -saved - 0.01,
     "against_constant_hi": -saved + 0.01}
    for rule, saved in (("H", 0.002), ("beyond_bigram", 0.03), ("floor", 0.03))
]  # fmt: skip


def with_G(study):
    known = {
        name: {**values, "beyond_bigram": math.exp(0.2 * (values["sentence_length"] - 8))}
        for name, values in study.covariates.items()
    }
    return Study(study.design, study.runs, study.fits, known)


def asked(table, question, half="confirmatory"):
    return [row for row in table if (row["question"], row["half"]) == (question, half)]


def test_what_was_planted_is_answered(table):
    assert all(tuple(row) == COLUMNS for row in table)
    (two,) = asked(table, "2")
    assert (two["verdict"], two["kind"]) == ("yes", LINK)
    assert two["low"] < 0.4 < two["high"]
    assert two["p_holm"] <= 0.002
    assert two["rank_correlation"] >= 0.8
    assert {row["kind"] for row in asked(table, "2b")} == {"identity", "power", "bounded", "free", "isoflop"}
    assert all((row["verdict"] == "yes") == (abs(row["z"]) <= 1.96) for row in asked(table, "2b"))


def test_H_has_nothing_of_its_own(table):
    (three, floor, unigram) = asked(table, "3")
    assert three["verdict"] in ("no", "undecided")
    assert three["p_value"] > 0.01
    assert floor["verdict"] is unigram["verdict"] is None
    assert len(asked(table, "3", "both")) == 3


def test_H_itself_is_judged_by_p_and_by_smallness(table):
    for half in ("exploratory", "confirmatory", "both"):
        (one,), (depends,) = asked(table, "1", half), asked(table, "1b", half)
        if one["p_holm"] > 0.05:
            small = one["low"] > -math.log(1.15)
            assert one["verdict"] == ("no" if small and not one["contradicted_by"] else "undecided")
            assert depends["verdict"] in ("no", "undecided")


def test_the_planted_covariate_is_the_better_one_and_pays(table):
    four = asked(table, "4")
    assert [row["verdict"] for row in four] == ["yes", "yes"]
    assert all(row["high"] < 0 for row in four)
    five = {row["about"]: row["verdict"] for row in asked(table, "5")}
    assert five == {"a law in H pays (6nd)": "not shown", "a law in beyond_bigram pays (6nd)": "yes"}


def test_without_conditional_entropies_nothing_is_asked():
    assert rows(planted_study((("v", 5),), seed=1)) == []


def test_an_answer_that_another_case_contradicts_is_undecided():
    assert questions._judged("yes", "isoflop 6nd middle all") == {
        "verdict": "undecided", "contradicted_by": "isoflop 6nd middle all",
    }  # fmt: skip
    assert questions._judged("no", "") == {"verdict": "no", "contradicted_by": None}
    assert questions._judged("undecided", "power 6nd low all")["contradicted_by"] is None
