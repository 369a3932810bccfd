"""Starts by variable projection: best first, apart from each other, with E held or exponents tied where asked."""

import numpy as np
import pytest
from tables_of_laws import planted

from ziplaw.laws.solve.additive import EXPONENT_BOUNDS, Design, residuals
from ziplaw.laws.solve.starts import starts


@pytest.mark.parametrize("options", [{}, {"fixed_E": 0.5}, {"tie": True}, {"count": 3}])
def test_starts_are_near_the_optimum_and_apart(options):
    design = Design.of(*planted(0.01))
    theta = starts(design, **options)
    assert len(theta) == (6 if "tie" in options else options.get("count", 8))
    assert ((theta[:, 3:] > EXPONENT_BOUNDS[0]) & (theta[:, 3:] < EXPONENT_BOUNDS[1])).all()
    assert (theta[:, :3] >= 0).all()
    if "fixed_E" in options:
        assert (theta[:, 0] == 0.5).all()
    if "tie" in options:
        assert (theta[:, 3] == theta[:, 4]).all()
    steps = np.abs(np.log(theta[:, None, 3:]) - np.log(theta[None, :, 3:])).max(axis=-1)
    assert steps[~np.eye(len(theta), dtype=bool)].min() > 0.5
    assert np.median(np.abs(residuals(theta[:1], design))) < 0.05
