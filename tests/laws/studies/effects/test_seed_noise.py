"""Noise from pairs of seeds, and whether the fits' own errors agree with it."""

import numpy as np
import pytest
from scipy import stats

from ziplaw.laws.studies.effects.seed_noise import chi_squared_quantile, seed_noise


def pairs(rng, n, sd, claimed):
    truth = rng.normal(8, 1, n)
    first, second = (truth + sd * rng.normal(size=n) for _ in range(2))
    return first, second, np.full(n, claimed**2), np.full(n, claimed**2)


def test_quantiles_are_scipys():
    for df, share in ((1, 0.025), (14, 0.975), (14, 0.025), (27, 0.5)):
        assert chi_squared_quantile(df, share) == pytest.approx(stats.chi2.ppf(share, df), rel=1e-9)


def test_the_noise_is_inside_its_interval():
    rng = np.random.default_rng(1)
    found = [seed_noise(*pairs(rng, 13, 0.15, 0.15)) for _ in range(200)]
    inside = np.mean([f.sd_interval[0] <= 0.15 <= f.sd_interval[1] for f in found])
    assert 0.9 <= inside <= 0.985
    assert 0.9 <= np.mean([f.verdict == "agree" for f in found]) <= 0.985


@pytest.mark.parametrize(("claimed", "verdict"), [(0.5, "much"), (0.04, "little")])
def test_wrong_errors_are_found(claimed, verdict):
    found = seed_noise(*pairs(np.random.default_rng(2), 13, 0.15, claimed))
    assert found.verdict == f"fits claim too {verdict} error"
    assert found.claimed == pytest.approx(claimed)
    assert found.n == 13
