"""The compute that so many tokens are enough for."""

import numpy as np
import pytest

from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.plans.evidence.enough_for import enough_for
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit
from ziplaw.models.shape.ladder import ladder

KNOWN = GaussianSplit(np.array([20.7, 0.47]), np.diag([0.01, 0.001]))


def test_six_nd_has_a_closed_form():
    found = enough_for(KNOWN, 1e8, 1e21)
    # D = C^(1-a) along the plan's own line
    D = KNOWN.split(1e20)["D"]
    assert found["C"] == pytest.approx(1e20 * (1e8 / D) ** (1 / 0.53), rel=1e-9)
    assert KNOWN.split(found["C"])["D"] == pytest.approx(1e8)
    assert found["N_interval"] == KNOWN.split(found["C"])["N_interval"]


def test_of_all_flops_its_split_has_those_tokens():
    sizes = ladder(8193, 256)
    compute = Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])
    found = enough_for(KNOWN, 1e8, 1e21, compute=compute)
    assert compute.split(KNOWN, found["C"])["D"] == pytest.approx(1e8)
    assert compute.per_token(found["N"]) * 1e8 == pytest.approx(found["C"])


@pytest.mark.parametrize("tokens", [1e12, 1e-9])
def test_tokens_that_no_compute_below_asks_for(tokens):
    assert enough_for(KNOWN, tokens, 1e20) is None


def test_a_band_over_two_decades_tells_nothing():
    # far below where it is told, an unsure slope leaves any N
    assert enough_for(KNOWN, 1e4, 1e21)["tokens"] == 1e4
    unsure = GaussianSplit(KNOWN.mean, np.diag([0.01, 0.02]))
    assert enough_for(unsure, 1e4, 1e21) is None
