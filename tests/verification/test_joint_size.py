"""Size, power and coverage of the default test of "exponents depend on H", over 500 simulated sweeps each.

The same scenarios for every test are in docs/validation.md, made by ``joint_study.py``.
"""

import pytest

from verification.studies.joint_study import SCENARIOS, rates

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

DEFAULT = "permutation, M1 against M0 (default)"


@pytest.mark.parametrize(
    "name",
    [
        "none",
        "none, datasets scatter",
        "none, datasets scatter, amplitudes and floors follow H",
        "none, E free",
        "none, the additive form is wrong",
    ],
)
def test_default_test_keeps_its_size(name):
    rejected, covered = rates(500, full=False, **SCENARIOS[name])
    print(name, rejected, covered)
    assert 0.03 <= rejected[DEFAULT] <= 0.07
    assert all(rate >= 0.90 for rate in covered.values())


@pytest.mark.parametrize(("name", "least"), [("slopes -1.5 and -1", 0.8), ("slopes -3 and -2, datasets scatter", 0.6)])
def test_default_test_has_power(name, least):
    rejected, _ = rates(500, full=False, **SCENARIOS[name])
    print(name, rejected)
    assert rejected[DEFAULT] >= least
