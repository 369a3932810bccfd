"""The compiled fitter of laws under a link: against its twin, its derivatives, its threads, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from twins import link_solver
from ziplaw import _laws
from ziplaw.errors import FitError
from ziplaw.laws.forms.links import BOUNDED, free_form
from ziplaw.laws.solve.linked import LinkProblem, LinkSettings

N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e4, 1e7, 6), np.geomspace(1e6, 1e9, 6)))
TRUE = [1.2, 60.0, 2500.0, 0.42, 0.5, 1.4, 6.0]
LOSS = BOUNDED.loss_at(TRUE, N, D) * np.exp(0.02 * np.random.default_rng(0).normal(size=N.size))
SETTINGS = {
    "power": {"link": "power"},
    "power, tied": {"link": "power", "tie": True},
    "power over a floor": {"link": "power", "excess_floor": 1.2},
    "power without E": {"link": "power", "fixed_E": 0.0},
    "bounded": {"link": "bounded"},
    "bounded, E and U held": {"link": "bounded", "fixed_E": 1.2, "fixed_U": 6.0},
    "bounded over a floor": {"link": "bounded", "excess_floor": 1.2},
    "bounded, least squares": {"link": "bounded", "objective": "log-mse"},
    "free": {"link": "free"},
    "free at a floor": {"link": "free", "fixed_E": 1.2},
    "free over a floor": {"link": "free", "excess_floor": 1.1},
}


def _problem(loss=LOSS, **settings):
    problem = LinkProblem.of(N, D, loss, np.ones(N.size), LinkSettings(**settings))
    return problem.with_form(free_form([-1.0, -0.4, 0.1, 0.8])) if settings["link"] == "free" else problem


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_compiled_fitter_agrees_with_its_twin(settings):
    """The same starts, with rows resampled: never above the twin by more than its tolerance."""
    problem, rng = _problem(**settings), np.random.default_rng(1)
    first = link_solver.dense_starts(problem, 4)
    weights = rng.multinomial(N.size, np.full(N.size, 1 / N.size), size=len(first)).astype(float)
    theta, value, converged = problem.solve(first, weights=weights)
    _, slow, _ = link_solver.solve(problem, theta, weights=weights)
    assert converged.all()
    np.testing.assert_allclose(value, slow, rtol=1e-6)
    huber = [problem_sum(problem, point, row) for point, row in zip(theta, weights)]
    np.testing.assert_allclose(value, huber, rtol=1e-9)


def problem_sum(problem, theta, weights):
    size = np.abs(problem.residuals(theta[None])[0])
    clipped = np.minimum(size, problem.delta)
    return (weights * clipped * (size - clipped / 2)).sum()


@pytest.mark.parametrize("delta", [np.inf, 0.1])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_derivatives_are_those_of_the_sum(settings, delta):
    """Gradient and Newton matrix by differences; residuals are large, for they stand before the second derivatives."""
    problem = _problem(LOSS * np.exp(np.random.default_rng(4).normal(0, 0.2, N.size) ** 2), **settings)
    theta = problem.held(np.log([0.9, 0.7, 0.4, 0.4, 0.5, 1.3, 8.0, 0.9, 1.2, 0.7][: len(problem.form.parameters)]))
    moving, weights = np.flatnonzero(problem.free), np.linspace(0.5, 2, N.size)

    def derivatives(point):
        return _laws.link_derivatives(
            problem.form.link.name, problem.x, problem.y, problem.z, weights, delta, point, distinct=problem.distinct,
            knots=np.array(problem.form.link.knots), excess=problem.settings.excess_floor is not None,
        )  # fmt: skip

    def value(point):
        size = np.abs(problem.residuals(point[None])[0])
        clipped = np.minimum(size, delta)
        return (weights * clipped * (size - clipped / 2)).sum()

    gradient, newton, irls = derivatives(theta)
    np.testing.assert_array_equal(newton, newton.T)
    assert (np.linalg.eigvalsh(irls[np.ix_(moving, moving)]) > -1e-9).all()
    for i in moving:
        step = np.zeros(len(theta))
        step[i] = 1e-6
        slope = (value(theta + step) - value(theta - step)) / 2e-6
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        bend = (derivatives(theta + step)[0] - derivatives(theta - step)[0]) / 2e-6
        np.testing.assert_allclose(newton[i, moving], bend[moving], rtol=1e-5, atol=1e-5)


def test_threads_and_batches_do_not_change_a_bit():
    problem = _problem(link="bounded")
    rng = np.random.default_rng(3)
    theta = np.repeat(problem.held(np.log([1.2, 1.0, 1.0, 0.4, 0.5, 1.0, 7.0]))[None], 3000, axis=0)
    weights = rng.multinomial(N.size, np.full(N.size, 1 / N.size), size=len(theta)).astype(float)
    one, three = (problem.solve(theta, weights=weights, max_steps=3, threads=t) for t in (1, 3))
    few = problem.solve(theta[:5], weights=weights[:5], max_steps=3)
    for a, b, c in zip(one, three, few):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[:5], c)


def test_what_is_held_and_what_is_at_a_bound_stays():
    problem = _problem(link="bounded", fixed_E=1.2)
    form = problem.form
    high = form.high.copy()
    high[form.parameters.index("k")] = 0.0
    problem = problem.with_form(replace(form, high=high))
    theta, _, converged = problem.solve(np.log([1.0, 1.0, 1.0, 0.4, 0.5, 3.0, 7.0]))
    assert converged.all()
    assert theta[0, 0] == np.log(1.2)
    assert theta[0, 5] == 0.0


def test_no_row_and_no_problem():
    problem = _problem(link="power")
    assert problem.solve(np.empty((0, 6)))[0].shape == (0, 6)
    _, value, converged = problem.solve(np.zeros(6), weights=np.zeros(N.size))
    assert value[0] == np.inf
    assert not converged[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros((2, 5))}, "not what the link power has"),
        ({"link": "cubic"}, "must be one of power, bounded, free"),
        ({"link": "free"}, "1 to 8 knots"),
        ({"knots": np.zeros(3)}, "1 to 8 knots"),
        ({"z": np.zeros((1, 3))}, "must agree"),
        ({"w": np.ones((3, 4))}, "must have 1 or 2"),
        ({"delta": np.ones(1)}, "one entry a row"),
        ({"low": np.zeros(5)}, "the bounds"),
        ({"distinct": (np.zeros(4), np.full(4, 9, dtype=np.int32)) * 2}, "out of range"),
    ],
)
def test_the_binding_refuses_what_does_not_fit(change, message):
    given = {
        "link": "power", "x": np.zeros(4), "y": np.zeros(4), "z": np.zeros((1, 4)), "w": np.ones((1, 4)),
        "delta": np.ones(2), "theta": np.zeros((2, 6)), "objective": np.empty(2), "converged": np.empty(2, np.uint8),
        "distinct": (np.zeros(1), np.zeros(4, dtype=np.int32)) * 2, "knots": np.empty(0), "excess": False,
        "free": np.ones(6, dtype=bool), "tie": False, "low": np.full(6, -9.0), "high": np.full(6, 9.0),
        "max_steps": 3, "anneal": True,
    } | change  # fmt: skip
    positional = [given.pop(name) for name in "link x y z w delta theta objective converged".split()]
    with pytest.raises(FitError, match=message):
        _laws.polish_link(*positional, **given)
