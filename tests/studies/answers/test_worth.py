"""A law in H that matters shows its worth; one that does not shows none."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.studies.answers import worth

FAMILIES = (("v", 9),)


def found_of(effects):
    study = planted_study(
        FAMILIES, effects=effects, scatter=0.02, noise=0.01, fitted=True, bootstrap=10, links=("identity", "bounded")
    )
    return worth.rows(study)


@pytest.fixture(scope="module")
def with_effect():
    return found_of({"H": 9.0})


@pytest.fixture(scope="module")
def without():
    return found_of({})


def honest(rows, rule, counted="6ND"):
    """The row of the confirmatory half by rules made from the exploratory one."""
    (row,) = [r for r in rows if r["main"] and r["rule"] == rule and r["trained_on"] == "exploratory"
              and r["compute"] == counted]  # fmt: skip
    return row


@pytest.mark.parametrize("counted", ["6ND", "all"])
def test_a_law_in_H_that_matters_is_worth_what_the_constant_loses(with_effect, counted):
    H, constant, own = (honest(with_effect, rule, counted) for rule in ("H", "constant", "own fit"))
    assert H["against_constant_hi"] < 0
    assert H["lost"] < constant["lost"] / 3
    assert 1 <= H["factor"] < constant["factor"]
    assert constant["against_H"] == pytest.approx(-H["against_constant"])
    assert own["lost"] <= H["lost"] + 5e-4


def test_where_nothing_moves_with_H_it_is_worth_nothing(without):
    H, constant = honest(without, "H"), honest(without, "constant")
    assert H["against_constant_hi"] > 0
    assert abs(H["against_constant"]) < 2e-3
    assert constant["n"] == H["n"] == 9
    start = "confirmatory half, rules made from the exploratory half, C of 6 N D"
    (said,) = [line for line in worth.conclusions(without) if line.startswith(start)]
    assert "worth nothing that can be shown" in said


def test_its_worth_is_said(with_effect):
    said = [line for line in worth.conclusions(with_effect) if "rules made from the exploratory half" in line]
    assert len(said) == 2
    assert all("the law in H saves +" in line for line in said)


def test_noise_is_told_beside(with_effect):
    main = [r for r in with_effect if r["main"]]
    noise, other = ({r["half"]: r for r in main if r["rule"] == rule} for rule in ("noise", "other seed"))
    assert set(noise) == set(other) == {"exploratory", "confirmatory"}
    assert 0 < noise["confirmatory"]["lost"] < 5e-3
    assert "against_H" not in noise["confirmatory"]


def test_links_are_chosen_on_the_exploratory_half():
    study = planted_study((("v", 3),))
    assert worth.chosen_link(study) == worth.chosen_link(study.half("exploratory")) == "bounded"
    assert worth.chosen_link(study.half("confirmatory")) == "bounded"


def test_groups_tell_one_thing_put_otherwise(with_effect):
    ways = {(r["compute"], r["sizes"], r["judge"], r["link"]) for r in with_effect if r["link"]}
    assert ("6ND", 5, "valley", "bounded") in ways
    assert ("6ND", 4, "bounded", "bounded") in ways
    assert ("all", 6, "valley", "isoflop") in ways
    assert np.isfinite([r["lost"] for r in with_effect]).all()
