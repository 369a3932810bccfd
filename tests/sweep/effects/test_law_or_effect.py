"""Which files a plan takes for its --law."""

import pytest
from laws_in_H import planted_regression

from ziplaw.base.documents import write_json
from ziplaw.errors import FitError
from ziplaw.sweep.effects.covariate_of_text import BEYOND_BIGRAM
from ziplaw.sweep.effects.law_or_effect import is_effect, law_moving_priors, read_law_or_effect, shipped_effect
from ziplaw.sweep.reference_law import read_law


def test_laws_in_H_are_read_as_ever(tmp_path):
    assert read_law_or_effect() == read_law()
    write_json(tmp_path / "law.json", planted_regression(), kind="regression")
    assert read_law_or_effect(tmp_path / "law.json") == read_law(tmp_path / "law.json")
    assert not is_effect(read_law())


def test_an_effect_is_read_and_a_later_one_refused(tmp_path):
    effect = {
        "version": 1,
        "covariate": "x",
        "scale": "log",
        "split": {"link": "power"},
        "fitted_on": {"range": [0, 1]},
    }
    write_json(tmp_path / "effect.json", effect, kind="effect")
    assert is_effect(read_law_or_effect(tmp_path / "effect.json"))
    write_json(tmp_path / "later.json", effect | {"version": 2}, kind="effect")
    with pytest.raises(FitError, match=r"later.json is of version 2 of effects"):
        read_law_or_effect(tmp_path / "later.json")


def test_what_ships_is_of_the_covariate_that_text_has():
    found = shipped_effect()
    assert is_effect(found)
    assert (found["covariate"], found["scale"]) == (BEYOND_BIGRAM, "log")
    line = found["lines"][found["split"]["link"]]["ln_N"]
    assert 0 < line["slope_ci"][0] < line["slope"]


def test_priors_are_moved_by_the_study_s_effect_of_H():
    law, own, effect = law_moving_priors(), read_law(), shipped_effect("H")
    assert law["split"] == effect["split"]
    assert law["law"] == own["law"]
    assert law["H_of"] == own["H_of"]
    assert law["fitted_on"]["n_datasets"] > own["fitted_on"]["n_datasets"]
    assert law["fitted_on"]["H"] == effect["fitted_on"]["range"]
