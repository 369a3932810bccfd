"""The law in H: one law at any centre, its blend with published constants, damaged ones refused."""

import numpy as np
import pytest
from laws_in_H import planted_regression

from ziplaw.errors import FitError
from ziplaw.laws.dependence import law_in_H
from ziplaw.laws.forms.chinchilla import CHINCHILLA
from ziplaw.laws.plans.split_at_H import prediction


@pytest.fixture
def document():
    return planted_regression()


def test_lines_at_N_1_and_at_the_centre_are_one_law(document):
    law = document["law"]
    for H in (0.2, 0.33, 0.5):
        at = law_in_H.parameters_at(law, H)
        lines = [law["lines"][name]["intercept"] + law["lines"][name]["slope"] * H for name in law_in_H.LINES]
        assert at.tolist() == pytest.approx([*np.exp(lines[:3]), *lines[3:]], rel=1e-9)
    c = law["centre"]
    middle = np.array(law["coefficients"])[:, 0]
    A, alpha = law_in_H.parameters_at(law, c["H"])[[1, 3]]
    assert A * np.exp(-alpha * c["ln_N"]) == pytest.approx(np.exp(middle[1]))


def test_blend_goes_from_chinchilla_to_the_law(document):
    at = law_in_H.parameters_at(document["law"], 0.35)
    assert law_in_H.blend(at, 0) == pytest.approx(CHINCHILLA.array)
    assert law_in_H.blend(at, 1) == pytest.approx(at)
    assert law_in_H.blend(at, 0.25) == pytest.approx(0.75 * CHINCHILLA.array + 0.25 * at)
    none = prediction(document, 0.35, 1e20, epsilon=0)
    assert none["N"] == pytest.approx(none["chinchilla"]["published"]["N"])
    assert none["N_interval"][0] == pytest.approx(none["N"])
    with pytest.raises(FitError, match=r"epsilon is 1\.5"):
        law_in_H.blend(at, 1.5)


def test_damaged_laws_are_refused(document):
    for change in ({"coefficients": [[1, 2]]}, {"df": 0}, {"centre": {}}, {"covariance": "x"}):
        with pytest.raises(FitError, match="law"):
            law_in_H.parameters_at(document["law"] | change, 0.3)
