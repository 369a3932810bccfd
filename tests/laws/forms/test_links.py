"""Links: what each does to the index, their derivatives, and that no link moves the split."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.forms import links
from ziplaw.laws.forms.allocation import exponents, near_best, split
from ziplaw.laws.forms.catalogue import LINKS
from ziplaw.laws.forms.chinchilla import ADDITIVE, additive
from ziplaw.laws.forms.coupled import JOINT
from ziplaw.laws.forms.steps import STEPS

INDEX = [400.0, 900.0, 0.34, 0.31]
LAWS = {
    "identity": [1.7, *INDEX],
    "power": [1.7, *INDEX, 0.8],
    "bounded": [1.7, *INDEX, 1.3, 9.0],
    "free": [1.7, *INDEX, 1.2, 0.5, 0.8, 1.0, 1.1, 0.9],
}
N, D = np.geomspace(1e6, 1e10, 9), np.geomspace(1e8, 1e12, 9)


@pytest.mark.parametrize("link", LINKS)
def test_loss_at_natural_parameters_is_that_of_theta(link):
    """One law from its natural parameters, and a stack of laws, as the form gives it from theta."""
    form, centre = links.linked(link), {"N": 18.0, "D": 23.0}
    theta = np.array([0.3, -0.8, -0.6, -1.1, -1.2, *[0.1, 2.0, -0.1, 0.2, 0.1, 0.0]][: len(form.parameters)])
    natural = np.array(form.natural(theta, centre))
    expected = np.exp(form.log_loss(theta, {"N": N, "D": D}, centre))
    np.testing.assert_allclose(form.loss_at(natural, N, D), expected, rtol=1e-10)
    stack = form.loss_at(np.array([natural, natural]), N, D)
    np.testing.assert_allclose(stack, [expected, expected], rtol=1e-10)


def test_the_identity_is_the_additive_law():
    np.testing.assert_allclose(ADDITIVE.loss_at(LAWS["identity"], N, D), additive(LAWS["identity"], N, D), rtol=1e-12)


@pytest.mark.parametrize("link", LINKS)
def test_the_loss_rises_with_the_index_and_its_slopes_are_right(link):
    form = links.linked(link)
    natural = np.array(LAWS[link])
    values = [natural[form.parameters.index(name)] for name in form.link.parameters]
    z = np.linspace(-4, 4, 200)
    curve = form.link.curve(z, values)
    assert (np.diff(curve) > 0).all()
    slope, parts = form.link.slopes(z, values)
    np.testing.assert_allclose((form.link.curve(z + 1e-6, values) - curve) / 1e-6, slope, rtol=1e-4, atol=1e-6)
    for i, part in enumerate(parts):
        moved = [value * np.exp(1e-6 * (i == j)) for j, value in enumerate(values)]
        np.testing.assert_allclose((form.link.curve(z, moved) - curve) / 1e-6, part, rtol=1e-4, atol=1e-6)


def test_the_bounded_law_keeps_between_its_ends():
    E, U = LAWS["bounded"][0], LAWS["bounded"][6]
    loss = links.BOUNDED.loss_at(LAWS["bounded"], np.geomspace(1, 1e30, 50), np.geomspace(1, 1e30, 50))
    assert loss[0] == pytest.approx(U, rel=1e-3)
    assert loss[-1] == pytest.approx(E, rel=1e-3)
    assert ((loss >= E) & (loss <= U)).all()


def test_the_spline_is_the_integral_of_its_slope_and_straight_beyond_its_knots():
    knots, slopes = np.array([-1.0, 0.2, 2.0]), np.array([0.5, 2.0, 1.0])
    z = np.linspace(-5, 6, 11001)
    rise, hats = links.rises(z, knots)
    np.testing.assert_allclose(hats @ slopes, np.interp(z, knots, slopes), atol=1e-12)
    np.testing.assert_allclose(np.gradient(rise @ slopes, z)[1:-1], (hats @ slopes)[1:-1], atol=2e-3)
    assert (links.rises(0.0, knots)[0] == 0).all()


@pytest.mark.parametrize("link", LINKS)
def test_the_split_is_that_of_the_index(link):
    form = links.linked(link)
    np.testing.assert_array_equal(split(LAWS[link], 1e20, form), split(LAWS["identity"], 1e20))
    assert exponents(LAWS[link], form)[0] == pytest.approx(0.34 * 0 + 0.31 / 0.65)


@pytest.mark.parametrize("link", LINKS)
def test_near_best_ends_where_the_loss_has_risen_by_the_share(link):
    form, C = links.linked(link), np.array([1e18, 1e21])
    low, high = near_best(LAWS[link], C, 1e-3, form)
    best, _ = split(LAWS[link], C, form)
    assert (low < best).all()
    assert (best < high).all()
    least = form.loss_at(LAWS[link], best, C / 6 / best)
    for end in (low, high):
        np.testing.assert_allclose(form.loss_at(LAWS[link], end, C / 6 / end), least * 1.001, rtol=1e-7)
    stack = near_best(np.array([LAWS[link]] * 2), 1e18, 1e-3, form)
    np.testing.assert_allclose(stack, [[low[0]] * 2, [high[0]] * 2])


def test_a_link_on_another_index():
    """Kaplan's own exponent is the k of the new link; E and U come behind."""
    form = links.with_link(JOINT, "bounded")
    assert form.parameters == (*JOINT.parameters, "E", "U")
    theta, centre = np.log([0.7, 0.4, 0.08, 0.1, 1.5, 8.0]), {"N": 18.0, "D": 23.0}
    columns = {"N": N, "D": D}
    bare = np.exp(JOINT.log_loss(theta[:4], columns, centre))
    np.testing.assert_allclose(np.exp(form.log_loss(theta, columns, centre)), 1.5 + 1 / (1 / 6.5 + 1 / bare))
    assert links.with_link(JOINT, "power") is JOINT
    wider = links.with_link(STEPS, "power")
    assert wider.parameters[-1] == "k"
    starts = np.atleast_2d(wider.starts({"N": N, "S": D}, np.log(bare), {"N": 18.0, "S": 23.0}))
    assert starts.shape[1] == len(wider.low) == len(wider.high) == 5
    with pytest.raises(FitError, match="not kaplan-steps"):
        links.with_link(STEPS, "free")


def test_a_bounded_law_ends_at_both_ends_even_at_infinity():
    curve = links.bounded().curve(np.array([-np.inf, -2000.0, 2000.0, np.inf]), [np.array(v) for v in (1.0, 1.2, 5.0)])
    assert np.exp(curve) == pytest.approx([0.0, 0.0, 4.0, 4.0])
