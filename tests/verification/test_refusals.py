"""Refusals of splits held to their rates over fresh simulations; docs/validation.md has every design."""

import pytest

from verification.studies.identification_study import DESIGNS, one

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("name", DESIGNS)
def test_a_split_is_refused_where_it_should_be(name):
    refused = sum(bool(one(name, 10_000 + seed)[0]) for seed in range(100))
    print(name, refused)
    if DESIGNS[name][0]:
        assert refused >= 75
    else:
        assert refused <= 2
