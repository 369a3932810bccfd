"""A smoothly broken power law, recovered from planted parameters."""

import numpy as np
import pytest

from ziplaw.laws.fits.by_name import fit_law


def test_broken_power_law_finds_its_break():
    C = np.geomspace(1e15, 1e22, 30)
    loss = 0.8 + 30 * C**-0.06 * (1 + (C / 1e19) ** (1 / 0.8)) ** (-0.1 * 0.8)
    found = fit_law("broken", {"C": C}, loss)
    assert found.estimates["d"] == pytest.approx(1e19, rel=1e-2)
    assert found.estimates["c1"] == pytest.approx(0.1, rel=1e-2)
