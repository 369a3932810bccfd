"""The additive law as intervals see it: held and tied parameters, what is not known, the coordinates of the delta
method.
"""

import numpy as np
import pytest
from designs import ladder, losses
from tables_of_laws import planted

import ziplaw


def test_held_and_tied_parameters_do_not_move():
    N, D, loss = planted(0.01)
    held = ziplaw.fit(N, D, loss, fixed_E=1.8).view
    assert held.held() == {"E": 1.8}
    assert not held.moving[0].any()
    excess = ziplaw.fit(N, D, loss, excess_floor=1.5).view
    assert np.all(excess.natural(np.tile(excess.theta, (3, 1)))[:, 0] == 1.5)
    tied = ziplaw.fit(N, D, loss, tie=True).view
    np.testing.assert_array_equal(tied.moving[3], tied.moving[4])
    _, J = tied.derivatives(tied.theta)
    np.testing.assert_allclose(tied.along(J.copy()), J @ tied.moving, atol=1e-15)


def test_the_chart_leads_back_to_the_law():
    fitted = ziplaw.fit(*planted(0.01))
    chart = fitted.view.chart()
    np.testing.assert_allclose(chart.to_point(chart.centre), fitted.parameters, rtol=1e-12)
    np.testing.assert_array_equal(chart.covariance, fitted.covariance)


def test_what_a_ladder_does_not_tell_is_unknown():
    N, D = ladder()
    assert ziplaw.fit(N, D, losses(N, D)).view.unknown()["a"] == (0.0, 1.0)


@pytest.mark.parametrize(("choice", "needed"), [({}, 3), ({"fixed_E": 1.8}, 2), ({"tie": True}, 2)])
def test_levels_needed(choice, needed):
    N, D, loss = planted(0.01)
    columns, levels, remedy = ziplaw.fit(N, D, loss, **choice).view.levels()
    assert levels == needed
    assert ("--fix-e" in remedy) == (not choice)
    np.testing.assert_array_equal(columns["model sizes"], N)
