"""Coverage of the default intervals, held to 93 to 97 % over 1000 simulated tables each; docs/validation.md has every
kind.
"""

import pytest

from verification.studies.interval_study import SCENARIOS, rates
from verification.studies.page import default_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if "run" not in name and "profile" not in name])
def test_default_interval_covers(name):
    method = default_of(name)
    _, covered = rates(1000, **{**SCENARIOS[name], "methods": (method,)})
    print(name, covered[method])
    for quantity, rate in covered[method].items():
        assert 0.93 <= rate <= 0.97, quantity
