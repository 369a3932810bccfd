"""The compiled fitter against its numpy twin."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from twins import law_solver
from ziplaw.errors import FitError
from ziplaw.laws.solve.additive import Design, polish, residuals
from ziplaw.laws.solve.starts import starts


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
@pytest.mark.parametrize(
    "options", [{}, {"free": (0, 1, 1, 1, 1)}, {"tie": True}, {"delta": np.inf}, {"anneal": False}]
)
def test_compiled_fitter_agrees_with_its_twin(noise, options):
    N, D, loss = planted(noise)
    design = Design.of(N, D, loss)
    first = starts(design, fixed_E=0.5 if "free" in options else None, tie="tie" in options, count=6)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(N.size, np.full(N.size, 1 / N.size), size=len(first)).astype(float)
    fast, slow = (solve(first, design, weights=weights, **options) for solve in (polish, law_solver.polish))
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-7, atol=1e-20)
    assert fast[2].all()
    if noise:
        np.testing.assert_allclose(design.to_natural(fast[0])[:, 3:], design.to_natural(slow[0])[:, 3:], atol=1e-4)


def test_objective_is_the_huber_sum_at_the_point_returned():
    N, D, loss = planted(0.02)
    design = Design.of(N, D, loss)
    theta, value, _ = polish(starts(design), design)
    r = np.abs(residuals(theta, design))
    np.testing.assert_allclose(np.where(r <= 1e-3, r * r / 2, 1e-3 * (r - 5e-4)).sum(axis=1), value, rtol=1e-12)


def test_threads_and_batches_do_not_change_a_bit():
    N, D, loss = planted(0.02)
    fit = ziplaw.fit(N, D, loss)
    one, many = (fit.bootstrap(4000, threads=t) for t in (1, 3))
    assert np.array_equal(one.samples, many.samples)
    assert np.array_equal(fit.bootstrap(4000).samples[:10], one.samples[:10])


@pytest.mark.parametrize("shape", [(0, 5), (2, 4)])
def test_wrong_shapes_are_refused_or_empty(shape):
    design = Design.of(*planted(0.01))
    if shape[0] == 0:
        assert polish(np.empty(shape), design)[0].shape == (0, 5)
    else:
        with pytest.raises(FitError, match="5 columns"):
            polish(np.ones(shape), design)
    with pytest.raises(FitError, match="must have 1 or 3"):
        polish(np.ones((3, 5)), design, weights=np.ones((2, 36)))
    with pytest.raises(FitError, match="must agree"):
        polish(np.ones((3, 5)), design, weights=np.ones((1, 35)))
