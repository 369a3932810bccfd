"""Predictions of a law in H: the split with bands, beside other laws, how far out, and refusals."""

import math
from importlib.resources import files

import pytest
from laws_in_H import planted_regression, score

from ziplaw.base.documents import read_json
from ziplaw.errors import FitError
from ziplaw.laws.dependence import law_in_H
from ziplaw.laws.dependence.measure_of_H import measure_of
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.plans.split_at_H import prediction


@pytest.fixture
def document():
    return planted_regression()


def test_prediction(document):
    found = prediction(document, 0.35, 1e12)
    N, D, loss = optimal_split(law_in_H.parameters_at(document["law"], 0.35), 1e12)
    assert [found["N"], found["D"], found["loss"]] == pytest.approx([N, D, loss])
    assert 6 * found["N"] * found["D"] == pytest.approx(1e12)
    for name in ("N", "D", "loss"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    low, high = found["a_interval"]
    assert 0 <= low < found["a"] < high <= 1
    with pytest.raises(FitError, match=r"the split is not identified.*measure datasets like yours nearer to C = 1e.21"):
        prediction(document, 0.6, 1e21)
    far = prediction(document, 0.6, 1e21, check=False)
    assert far["refused"]
    assert found["refused"] == []
    on = document["fitted_on"]
    assert far["extrapolation"]["C_decades"] == pytest.approx(math.log10(1e21 / on["C"][1]))
    assert far["extrapolation"]["H_distance"] == pytest.approx(0.6 - on["H"][1])
    assert "orders of magnitude outside" in far["warnings"][0]
    # no parameters or no tokens are no plan
    with pytest.raises(FitError, match=r"which means nothing; .* orders of magnitude outside"):
        prediction(document, 0.9, 1e21, check=False)
    near = prediction(document, 0.35, on["C"][1])
    assert near["extrapolation"]["in_range"]
    assert not any("extrapolation" in text for text in near["warnings"])
    # bands widen away from the measured C
    assert math.log(far["N_interval"][1] / far["N_interval"][0]) > math.log(
        near["N_interval"][1] / near["N_interval"][0]
    )


def test_mean_law_beside_the_law_in_H(document):
    mean = document["law_without_H"]
    assert mean["df"] == document["law"]["df"] + 1
    laws = [law_in_H.parameters_at(mean, H) for H in (0.2, 0.4)]
    assert (laws[0] == laws[1]).all()
    exponents = [d["parameters"]["alpha"] for d in document["datasets"]]
    assert min(exponents) < laws[0][3] < max(exponents)
    found = prediction(document, 0.35, 1e12)["without_H"]
    low, high = found["N_interval"]
    assert low < found["N"] < high
    older = {key: value for key, value in document.items() if key != "law_without_H"}
    assert prediction(older, 0.35, 1e12)["without_H"] is None


@pytest.mark.parametrize("H", [0, -0.1, 2.0, "x", float("nan")])
def test_impossible_H(document, H):
    with pytest.raises(FitError, match="H is"):
        prediction(document, H, 1e15)


def reference():
    return read_json(files("ziplaw.sweep") / "reference_law.json", "regression")


def test_the_reference_law_gives_what_the_docs_say():
    law = reference()
    assert law["H_of"] == measure_of([score()])
    for H in (0.35, 0.38, 0.41, 0.44, 0.47):
        for C in (1e9, 1e10, 1e12, 1e15, 1e21):
            with pytest.raises(FitError, match="the split is not identified"):
                prediction(law, H, C)
