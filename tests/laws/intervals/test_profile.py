"""Profile likelihood ends where the profiled objective has risen by the criterion."""

import numpy as np
from tables_of_laws import planted

import ziplaw
from ziplaw.laws.intervals.profile import criterion, profile_curve, profile_interval


def test_profile_ends_lie_where_the_profiled_objective_has_risen_by_the_criterion():
    fit = ziplaw.fit(*planted(0.01), objective="log-mse")
    for name, ends in profile_interval(fit, names=("alpha", "E")).items():
        ends = np.array(ends)
        rise = (profile_curve(fit, name, ends) - fit.objective) / criterion(fit)
        np.testing.assert_allclose(rise, 1, atol=0.02)
