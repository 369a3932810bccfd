"""Best sizes of several datasets at computes that only the design decides."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.laws.studies.effects.best_sizes import best_sizes, computes
from ziplaw.studies.readings.parts import readings_of


@pytest.fixture(scope="module")
def study():
    return planted_study((("v", 3),), effects={"H": 6.0}, seed=2).half("exploratory")


def test_computes_are_round_and_blind_to_losses(study):
    told = computes(study.runs, "6nd")
    logs = np.log([6.0 * row["N"] * row["D"] for row in study.runs])
    for name, share in (("low", 0.2), ("middle", 0.5), ("high", 0.8)):
        assert float(f"{told[name]:.0e}") == told[name]
        assert told[name] == pytest.approx(np.exp(np.quantile(logs, share)), rel=0.34)
    changed = [{**row, "loss": 1.0} for row in study.runs]
    assert computes(changed, "all") == computes(study.runs, "all")
    assert computes(study.runs, "all")["middle"] > told["middle"]


def test_tokens_per_parameter_follow_from_the_size(study):
    readings, C = readings_of(study), 9e9
    found = best_sizes(readings, "bounded", "6nd", C)
    assert found.names == study.datasets
    np.testing.assert_allclose(found.ln_ratio, np.log(C / 6) - 2 * found.ln_N)
    np.testing.assert_allclose(found.variance_ratio, 4 * found.variance)
    C = 4e10
    found = best_sizes(readings, "bounded", "all", C)
    for name, x, ratio in zip(found.names, found.ln_N, found.ln_ratio):
        tokens = C / float(readings[name].ladder.per_token(np.exp(x)))
        assert ratio == pytest.approx(np.log(tokens) - x)
    # of all FLOPs a parameter costs less than its share: the head costs as well
    assert (found.variance_ratio < 4 * found.variance).all()
    assert (found.variance_ratio > found.variance).all()


def test_sizes_beyond_those_measured_are_marked(study):
    readings = readings_of(study)
    assert not best_sizes(readings, "bounded", "6nd", 9e9).outside.any()
    assert best_sizes(readings, "bounded", "6nd", 1e15).outside.all()


def test_datasets_without_a_reading_are_left_out(study):
    readings = readings_of(study)
    lost = {**readings, study.datasets[0]: type(readings[study.datasets[0]])({}, {}, (1.0, 2.0), None)}
    assert best_sizes(lost, "free", "6nd", 9e9).names == study.datasets[1:]
