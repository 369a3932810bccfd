"""Coverage of the default interval of each link, where it is the right one, held to 93 to 97 % within Monte-Carlo
error; docs/validation.md has every kind, and what a wrong link covers.
"""

import numpy as np
import pytest

from verification.studies.links import form_study, link_study, split_study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]
SIMULATIONS = 300
SPLIT = ("a", "b", "N_opt", "D_opt")
RIGHT = [
    name
    for name, scenario in link_study.SCENARIOS.items()
    if scenario["truth"] == scenario["link"] or (scenario["truth"], scenario["link"]) == ("saturating", "free")
]


def margin(n):
    """Two and a half standard errors of a rate of 95 % over n simulations."""
    return 2.5 * np.sqrt(0.95 * 0.05 / n)


@pytest.mark.parametrize("name", RIGHT)
def test_default_interval_of_a_link_covers_the_split(name):
    scenario = link_study.SCENARIOS[name]
    method = "jackknife" if scenario.get("shared") else None
    results = link_study.run(name, SIMULATIONS, methods=(method,))
    (covered,) = link_study.rates(results).values()
    print(name, covered)
    for quantity in SPLIT:
        assert 0.93 - margin(SIMULATIONS) <= covered[quantity] <= 0.97 + margin(SIMULATIONS), quantity


def test_a_wrong_link_is_surer_than_right():
    results = link_study.run("bounded, fitted as identity, at the floor", 100)
    (covered,) = link_study.rates(results).values()
    print(covered)
    assert covered["loss"] < 0.9


@pytest.mark.parametrize("law", form_study.NOISE)
def test_default_interval_of_other_laws_covers(law):
    results = form_study.run(law, 100)
    covered = form_study.rates(results)["sandwich"]
    print(law, covered)
    assert min(covered.values()) >= 0.90 - margin(100)


def test_permutation_of_the_split_keeps_its_size_under_the_bounded_law():
    results = split_study.run("none, datasets scatter", 120)
    for kind in ("bounded", "free"):
        for what in ("ln_N", "a"):
            rate = np.mean([result[f"{kind}, {what}"] <= 0.05 for result in results])
            print(kind, what, rate)
            assert rate <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 120)
