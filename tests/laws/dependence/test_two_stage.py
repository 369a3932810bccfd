"""The paper's regression is ordinary least squares."""

import numpy as np
import pytest
from scipy import stats

from ziplaw.laws.dependence.two_stage import ols


def test_ols_is_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=8), rng.normal(size=8)
    found, peer = ols(x, y), stats.linregress(x, y)
    t = stats.t.ppf(0.975, 6)
    assert found["slope"] == pytest.approx(peer.slope)
    assert found["intercept"] == pytest.approx(peer.intercept)
    assert found["p_value"] == pytest.approx(peer.pvalue)
    assert found["r2"] == pytest.approx(peer.rvalue**2)
    assert found["slope_ci"][1] - found["slope"] == pytest.approx(t * peer.stderr)
    assert found["intercept_ci"][1] - found["intercept"] == pytest.approx(t * peer.intercept_stderr)
