"""Kaplan et al.'s joint law, recovered from planted constants; its split follows from the index alone."""

import numpy as np
import pytest
from tables_of_laws import grid

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan
from ziplaw.laws.forms.allocation import split
from ziplaw.laws.forms.coupled import COUPLED, JOINT


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_constants_are_found(noise):
    N, D = grid(6, 6)
    bump = np.exp(noise * np.random.default_rng(0).normal(size=N.size))
    tolerance = {"rel": 1e-4 if noise == 0 else 0.3}
    joint = fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D) * bump)
    assert joint.converged
    assert joint.estimates["alpha_N"] == pytest.approx(0.076, **tolerance)
    assert joint.estimates["alpha_D"] == pytest.approx(0.103, **tolerance)


def test_coupled_form_finds_its_floor():
    N, D = grid(5, 5)
    found = fit_law("kaplan-coupled", {"N": N, "D": D}, 0.5 + kaplan.joint_loss(N, D))
    assert found.estimates["E"] == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("C", [1e17, 1e21, np.array([1e18, 1e20])])
def test_split_is_the_lowest_loss_at_its_compute(C):
    k = kaplan.KAPLAN
    constants = [k.joint_N_c, k.joint_D_c, k.joint_alpha_N, k.joint_alpha_D]
    N, D = split(constants, C, JOINT)
    np.testing.assert_allclose(6 * N * D, C)
    at = kaplan.joint_loss(N, D)
    for off in (0.99, 1.01):
        assert (kaplan.joint_loss(N * off, D / off) > at).all()
    # a floor moves no line of equal loss
    np.testing.assert_array_equal(split([*constants, 0.7], C, COUPLED), (N, D))
