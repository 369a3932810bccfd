"""Quantities of laws as columns: those of the readings, and the additive law's of reportable datasets."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.laws.studies.effects.law_readings import KINDS
from ziplaw.studies.readings.measured_laws import ADDITIVE, measured_laws
from ziplaw.studies.readings.parts import readings_of


@pytest.fixture(scope="module")
def found():
    study = planted_study((("v", 3),), fitted=True, links=("identity",), seed=1).half("exploratory")
    return study, {(one.quantity, one.kind): one for one in measured_laws(study, readings_of(study))}


def test_every_quantity_by_every_kind_that_has_it(found):
    _, told = found
    wanted = {(quantity, kind) for quantity in ("ln_N", "a", "alpha", "beta") for kind in KINDS}
    wanted -= {("alpha", "isoflop"), ("beta", "isoflop")}
    assert set(told) == wanted | {(quantity, ADDITIVE) for quantity in ("a", "alpha", "beta")}
    for one in told.values():
        assert len(one.names) == len(one.y) == len(one.variance)
        assert (one.variance > 0).all()


def test_the_additive_laws_exponent_has_the_delta_methods_error(found):
    study, told = found
    one, fit = told["a", ADDITIVE], study.fits[0]["variants"]["floor"]
    alpha, beta = fit["parameters"]["alpha"], fit["parameters"]["beta"]
    assert one.y[0] == pytest.approx(beta / (alpha + beta))
    S = np.array(fit["covariance"], dtype=float)[3:, 3:]
    draws = np.random.default_rng(1).multivariate_normal([alpha, beta], S / 100, 20_000)
    assert one.variance[0] == pytest.approx(100 * (draws[:, 1] / draws.sum(axis=1)).var(), rel=0.05)


def test_a_part_is_of_these_datasets(found):
    _, told = found
    part = told["ln_N", "bounded"].of({"ev02"})
    assert part.names == ("ev02",)
    assert part.y[0] == told["ln_N", "bounded"].y[1]
