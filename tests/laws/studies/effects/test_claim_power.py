"""Simulated verdicts: nothing is supported beyond the level without an effect, large effects are found."""

from dataclasses import replace

import numpy as np
import pytest

from ziplaw.laws.studies.effects.claim_power import ENOUGH, Planted, _lines, claim_power, split_power
from ziplaw.laws.studies.effects.equivalence import EXPONENT, OVER

H = np.linspace(0.28, 0.5, 40)
PLANTED = Planted(
    H, np.arange(40) % 2 == 0, (H > 0.38) & (H < 0.4),
    np.tile(np.diag(np.square([0.0, 0.02, 0.02, 0.01, 0.01])), (3, 1, 1)),
    np.diag(np.square([0.3, 0.1, 0.1, 0.02, 0.02])), np.array([0.0, -1.0, -1.0, 0.8, 0.7]), 25, 8.0, 13.0,
)  # fmt: skip


def test_nothing_is_seldom_supported():
    # exponents cross where alpha - beta is 0, .1 above it here: nowhere
    found = claim_power(PLANTED, np.zeros(5), draws=800)
    for claim in ("A_falls", "B_falls", "alpha_falls", "beta_falls", "E_rises"):
        assert found[claim][0] <= 0.045, claim
    assert 0.02 <= found["exponents_depend_on_H"][0] <= 0.085
    assert found["exponents_depend_on_H"][1] > 0.9, "so little scatter knows that it is small"
    assert found["alpha_equals_beta_near_0.27"][1] > 0.9
    assert found["survives_fixed_vocabulary"][1] > 0.8
    assert found["E_monotone"][1] > 0.99, "floors are known and do as they like"


def test_the_smallest_effect_is_seldom_called_none():
    slopes = np.array([0, 0, 0, -EXPONENT, -EXPONENT]) / OVER
    found = claim_power(replace(PLANTED, scatter=9 * PLANTED.scatter), slopes, draws=800)
    for claim in ("alpha_falls", "beta_falls"):
        assert found[claim][1] <= 0.045
        assert found[claim][0] > 0.5


def test_large_effects_are_found_whichever_way():
    for sign, column in ((-1, 0), (1, 1)):
        found = claim_power(PLANTED, np.array([0, 0, 0, sign * 2.0, sign * 2.0]), draws=200)
        for claim in ("alpha_falls", "beta_falls", "A_falls"):
            assert found[claim][column] > 0.95
        assert found["exponents_depend_on_H"][0] > 0.99
    assert found[ENOUGH][0] + found[ENOUGH][1] == pytest.approx(1)


def test_more_scatter_decides_less():
    wide = replace(PLANTED, scatter=400 * PLANTED.scatter)
    slopes = np.array([0, 0, 0, -1.0, -1.0])
    assert (
        claim_power(wide, slopes, draws=300)["alpha_falls"][0]
        < claim_power(PLANTED, slopes, draws=300)["alpha_falls"][0]
    )


def test_equal_weights_are_plain_least_squares():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(4, 25, 5))
    h = np.tile(H[:25] - H[:25].mean(), (4, 1))
    found = _lines(h, y, np.zeros((4, 25, 5, 5)), np.eye(5))
    for i in range(5):
        line, covariance = np.polyfit(h[0], y[0, :, i], 1, cov=True)
        assert found.slope[0, i] == pytest.approx(line[0])
        assert found.value[0, i] == pytest.approx(line[1])
        assert found.slope_error[0, i] == pytest.approx(np.sqrt(covariance[0, 0]))


def test_power_of_the_split():
    found = split_power(H, np.full(5, 0.01), 0.1, {"none": 0.0, "fall": -0.5}, 0.14, draws=800)
    shown, small, falls, not_falls = found["none"]
    assert 0.02 <= shown <= 0.085
    assert falls <= 0.05
    assert not_falls > small
    assert found["fall"][2] > 0.9
    assert found["fall"][3] <= 0.01
