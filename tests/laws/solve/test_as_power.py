"""Kaplan's laws by the compiled fitter: the optimum is that of the general one, from the same starts."""

import numpy as np
import pytest
from tables_of_laws import grid, planted

from ziplaw.laws.fits.form_fit import fit_form
from ziplaw.laws.forms.coupled import COUPLED, JOINT
from ziplaw.laws.forms.kaplan import joint_loss
from ziplaw.laws.forms.links import POWER, with_link
from ziplaw.laws.solve.as_power import AsPower
from ziplaw.laws.solve.general import minimise


def of_table(form, N, D, loss, delta=1e-3):
    centre = {"N": float(np.log(N).mean()), "D": float(np.log(D).mean())}
    return AsPower(form, {"N": N, "D": D}, np.log(loss), np.ones(len(N)), centre, delta), centre


@pytest.mark.parametrize("form", [JOINT, COUPLED], ids=["kaplan", "kaplan-coupled"])
def test_it_is_the_same_law_in_other_coordinates(form):
    N, D, loss = planted(0.01)
    other, centre = of_table(form, N, D, loss)
    theta = np.array([[20.0, 19.0, np.log(0.08), np.log(0.11), np.log(0.5)], [3.0, 4.0, -1.0, -0.5, 0.2]])
    theta = theta[:, : len(form.parameters)]
    ours = np.array([form.log_loss(row, {"N": N, "D": D}, centre) for row in theta])
    np.testing.assert_allclose(other.problem.log_fitted(other.to(theta)), ours, rtol=1e-12)
    np.testing.assert_allclose(other.of(other.to(theta)), theta, rtol=1e-12)
    linked = POWER.log_loss(other.to(theta)[0], {"N": N, "D": D}, centre)
    np.testing.assert_allclose(linked, ours[0], rtol=1e-12)


@pytest.mark.parametrize("form", [JOINT, COUPLED], ids=["kaplan", "kaplan-coupled"])
def test_no_start_of_the_general_optimiser_ends_lower(form):
    N, D, loss = planted(0.01)
    found = fit_form(form, {"N": N, "D": D}, loss)
    assert found.converged
    z, w = np.log(loss), np.ones(len(N))

    def law(theta):
        return form.log_loss(theta, {"N": N, "D": D}, found.centre)

    starts = np.array(form.starts({"N": N, "D": D}, z, found.centre))[::5]
    lowest = min(minimise(law, start, z, w, 1e-3, form.low, form.high)[1] for start in starts)
    assert found.objective <= lowest * (1 + 1e-6)
    r = found.residuals
    size = np.minimum(np.abs(r), 1e-3)
    assert found.objective == pytest.approx((size * (np.abs(r) - size / 2)).sum(), rel=1e-9)


def test_a_planted_law_is_found_and_its_refits_follow_the_losses():
    N, D = grid(5, 5)
    found = fit_form(JOINT, {"N": N, "D": D}, joint_loss(N, D))
    assert [found.estimates[name] for name in ("alpha_N", "alpha_D")] == pytest.approx([0.076, 0.103], rel=1e-4)
    targets = np.log(joint_loss(N, D)) + np.array([[0.0], [0.01]])
    theta, objective, converged = found.solve(np.repeat(found.theta[None], 2, axis=0), z=targets)
    assert converged.all()
    np.testing.assert_allclose(objective, 0.0, atol=1e-9)
    np.testing.assert_allclose(theta[0], found.theta, rtol=1e-4)
    np.testing.assert_allclose(found.model(theta[1]), targets[1], atol=1e-5)


def test_another_link_on_the_same_index_is_no_power_of_it():
    assert with_link(COUPLED, "bounded").as_power is None
    assert with_link(COUPLED, "power").as_power is not None
