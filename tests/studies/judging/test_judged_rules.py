"""Every rule on every grammar of a planted study."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.studies.judging.judged_rules import judged_rules, rules


@pytest.fixture(scope="module")
def rows():
    return judged_rules(planted_study((("v", 6),), effects={"H": 8.0}, scatter=0.02, noise=0.002), "bounded")


def some(rows, **wanted):
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def test_rules_name_each_covariate_once_and_H_first():
    names = [rule.name for rule in rules(["floor", "H", "floor", "unigram_entropy"])]
    assert names[:4] == ["20:1", "constant", "pooled", "H"]
    assert len(names) == len(set(names))
    assert {"floor", "H+floor", "pilot+unigram_entropy", "own fit"} <= set(names)
    assert "pilot+unigram_entropy" not in [rule.name for rule in rules(["H"])]


def test_each_row_spends_its_compute(rows):
    for row in some(rows, compute="6ND", rule="H"):
        assert row["tokens_per_parameter"] == pytest.approx(row["C"] / 6 / row["N"] ** 2)
    ratios = [row["tokens_per_parameter"] for row in some(rows, rule="20:1")]
    np.testing.assert_allclose(ratios, 20, rtol=1e-6)


def test_nothing_is_gained_beyond_the_best(rows):
    judged = some(rows, judge="valley")
    assert min(row["lost"] for row in judged) > -1e-4
    assert all(row["compute_factor"] >= 1 - 1e-9 for row in judged if "compute_factor" in row)


def test_the_law_in_H_beats_the_constant_where_H_moves_the_split(rows):
    lost = {rule: np.mean([row["lost"] for row in some(rows, rule=rule, compute="6ND", sizes=4, link="bounded",
                                                       trained_on="exploratory")])
            for rule in ("H", "constant", "own fit")}  # fmt: skip
    assert lost["H"] < lost["constant"] / 2


def test_halves_are_kept_apart(rows):
    assert {(row["half"], row["trained_on"]) for row in rows if "trained_on" in row} == {
        ("exploratory", "others"), ("confirmatory", "others"), ("confirmatory", "exploratory")
    }  # fmt: skip
    study = planted_study((("v", 6),), effects={"H": 8.0}, scatter=0.02, noise=0.002)
    alone = judged_rules(study.half("exploratory"), "bounded")
    mine = some(rows, half="exploratory", compute="6ND", rule="constant", link="bounded", trained_on="others")
    again = some(alone, compute="6ND", rule="constant", link="bounded", trained_on="others")
    assert [row["N"] for row in mine] == [row["N"] for row in again]
    assert len(mine) == 12
