"""Size, power and coverage of the test of "the best N at a given compute depends on H", over 200 simulated sweeps each.

The scenarios are those of ``split_study.py``, in which everything but the split may follow H.
"""

import pytest

from verification.studies.on_H.split_study import SCENARIOS, rates

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

DEFAULT = "chosen link, Holm (default)"


@pytest.mark.parametrize("name", ["none", "none, datasets scatter", "none, ends and link follow H"])
def test_the_test_keeps_its_size(name):
    rejected, covered = rates(200, **SCENARIOS[name])
    print(name, rejected, covered)
    # Holm's rule holds both tests together at 5 %: three standard deviations of 200
    assert rejected[DEFAULT] <= 0.1
    assert rejected["bounded, permutation"] <= 0.1
    assert covered["bounded, slope of ln N_opt"] >= 0.9


@pytest.mark.parametrize(("name", "least"), [("slope 4", 0.6), ("slope 8, datasets scatter", 0.5)])
def test_the_test_has_power(name, least):
    rejected, covered = rates(200, **SCENARIOS[name])
    print(name, rejected, covered)
    assert rejected[DEFAULT] >= least
