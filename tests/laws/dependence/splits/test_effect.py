"""The effect of a covariate: slopes that were planted, and documents that are refused."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.base.documents import read_json, write_json
from ziplaw.errors import FitError, ZiplawError
from ziplaw.laws.dependence.splits.effect import check_effect, effect_document
from ziplaw.laws.plans.evidence.effect_of_H import measured_slopes

STUDY = planted_study((("v", 10),), effects={"floor": 0.8}, effects_a={"floor": 0.05}, scatter=0.02, error=0.05)
FLOORS = {name: known["floor"] for name, known in STUDY.covariates.items()}


def of(values, **given):
    return effect_document(STUDY.fits, values, "floor", "bounded", C_range=(1e8, 1e11), **given)


def test_planted_slopes_come_back():
    found = of(FLOORS)
    slope, (low, high) = found["lines"]["bounded"]["ln_N"]["slope"], found["lines"]["bounded"]["ln_N"]["slope_ci"]
    assert low < 0.8 < high
    assert slope == pytest.approx(0.8, abs=0.1)
    assert found["lines"]["isoflop"]["a"]["slope"] == pytest.approx(0.05, abs=0.02)
    assert found["fitted_on"] == {
        "n_datasets": 20, "range": [min(FLOORS.values()), max(FLOORS.values())], "C": [1e8, 1e11]
    }  # fmt: skip
    assert list(found["split"]["by"]["power"]["centre"]) == ["floor"]
    b, V, _, link = measured_slopes(found["split"], 1e20)
    assert (b[0], link) == (slope, "bounded")
    assert V[0, 0] > 0


def test_a_logarithm_leaves_out_what_has_none():
    values = dict(FLOORS) | {"ev01": 0.0, "ev02": None}
    found = of({name: v and np.exp(v) for name, v in values.items()}, scale="log")
    assert found["fitted_on"]["n_datasets"] == 18
    assert found["lines"]["bounded"]["ln_N"]["slope"] == pytest.approx(0.8, abs=0.1)


def test_what_tells_nothing_is_refused():
    with pytest.raises(FitError, match="no effect of floor by the bounded link: fewer than 3 datasets"):
        of(dict.fromkeys(FLOORS, 1.0))
    with pytest.raises(FitError, match="no effect of floor"):
        of({})
    with pytest.raises(FitError, match="must be linear or log"):
        of(FLOORS, scale="cube")


def test_a_file_is_read_or_refused_and_never_taken_for_a_law_in_H(tmp_path):
    write_json(tmp_path / "effect.json", of(FLOORS), kind="effect")
    again = read_json(tmp_path / "effect.json", "effect")
    check_effect(again, "effect.json")
    with pytest.raises(ZiplawError, match="is a 'ziplaw/effect' file, not ziplaw/regression"):
        read_json(tmp_path / "effect.json", "regression")
    with pytest.raises(FitError, match="is of version 2 of effects, this ziplaw reads 1: update"):
        check_effect(again | {"version": 2}, "effect.json")
    with pytest.raises(FitError, match="it lacks covariate, split"):
        check_effect(again | {"covariate": None, "split": {}}, "effect.json")
