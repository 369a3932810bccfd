"""What is read off a dataset's laws: as its fit file has it, at any compute and accounting, with the same errors."""

import numpy as np
import pytest
from planted_study import C0, MIDDLE_A, MIDDLE_LN_N, planted_study

from ziplaw.laws.fits.dataset_links import fit_links, split_by_isoflop
from ziplaw.laws.studies.effects.law_readings import ACCOUNTINGS, KINDS, jackknifed, read_dataset


@pytest.fixture(scope="module")
def rows():
    study = planted_study((("v", 1),), scatter=0, scatter_a=0, noise=0.01, seed=5)
    return [row for row in study.runs if row["dataset"] == "ev01"]


@pytest.fixture(scope="module")
def readings(rows):
    return read_dataset(rows, rows[0]["floor"], rows[0]["unigram_entropy"])


def test_every_link_says_what_its_fit_file_says(rows, readings):
    assert not readings.refused
    assert list(readings.by) == list(KINDS)
    fits = fit_links(rows, floor=rows[0]["floor"], unigram=rows[0]["unigram_entropy"])
    for link, document in fits.items():
        split, found = document["split"], readings.by[link]
        assert found.ln_N("6nd", split["C"]) == pytest.approx((split["ln_N"], split["covariance"][0][0]))
        value, covariance = found.exponents
        assert (value[0], covariance[0, 0]) == pytest.approx((split["a"], split["covariance"][1][1]))
        step = np.log(10.0)
        moved = split["covariance"][0][0] + 2 * step * split["covariance"][0][1] + step**2 * split["covariance"][1][1]
        assert found.ln_N("6nd", 10 * split["C"]) == pytest.approx((split["ln_N"] + step * split["a"], moved))
    split = split_by_isoflop(rows)["split"]
    assert readings.by["isoflop"].ln_N("6nd", split["C"]) == pytest.approx((split["ln_N"], split["covariance"][0][0]))


def test_the_planted_split_is_read(readings):
    for kind in ("bounded", "isoflop"):
        value, variance = readings.by[kind].ln_N("6nd", C0)
        assert abs(value - MIDDLE_LN_N) < 4 * np.sqrt(variance) + 0.02
    (a, *_), covariance = readings.by["bounded"].exponents
    assert abs(a - MIDDLE_A) < 4 * np.sqrt(covariance[0, 0])


def test_the_best_size_of_all_flops_has_the_least_index(readings):
    C = 4e10
    for link in ("identity", "bounded"):
        found = readings.by[link]
        A, B, alpha, beta = (float(v) for v in found.form.power_terms(found.laws[0]))
        x = np.linspace(4, 12, 80_001)
        N = np.exp(x)
        index = A / N**alpha + B / (C / readings.ladder.per_token(N)) ** beta
        # the elasticity is a smoothed one, so that of the broken line of costs may be a little off
        assert found.ln_N("all", C)[0] == pytest.approx(x[index.argmin()], abs=0.12)
    both = [readings.by[kind].ln_N("all", C) for kind in ("bounded", "isoflop")]
    assert abs(both[0][0] - both[1][0]) < 3 * np.sqrt(both[0][1] + both[1][1]) + 0.05


def test_exponents_of_links_are_of_one_kind(readings):
    """Twice as steep an index under half as steep a link is the same law."""
    power, identity = readings.by["power"], readings.by["identity"]
    k = power.laws[0, power.form.parameters.index("k")]
    assert power.exponents[0][1] == pytest.approx(k * power.form.power_terms(power.laws[0])[2])
    assert identity.exponents[0][1] == pytest.approx(identity.laws[0, 3])
    assert 0.5 < power.exponents[0][1] / identity.exponents[0][1] < 2
    assert len(readings.by["isoflop"].exponents[0]) == 1


def test_the_jackknife_by_hand():
    values = np.array([[1.0, 2.0], [0.9, 2.2], [1.2, 1.9], [1.0, 2.3]])
    estimate, covariance = jackknifed(values)
    off = values[1:] - values[1:].mean(axis=0)
    np.testing.assert_allclose(estimate, values[0])
    np.testing.assert_allclose(covariance, 2 / 3 * off.T @ off)


def test_what_cannot_be_read_says_why(rows):
    two = [row for row in rows if row["model"] in ("h6", "h8")]
    found = read_dataset(two, rows[0]["floor"], rows[0]["unigram_entropy"])
    assert not found.by
    assert set(found.refused) == set(KINDS)
    assert all(found.refused.values())
    assert set(ACCOUNTINGS) == {"6nd", "all"}
