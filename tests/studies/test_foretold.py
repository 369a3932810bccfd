"""What a design tells of itself."""

import numpy as np
import pytest

from ziplaw.studies.foretold import correlated, foretold_power, groups
from ziplaw.studies.measured_scatter import Scatter

RNG = np.random.default_rng(2)
ROWS = [
    {"half": half, "family": family, "H": 0.4 if family == "H" else 0.2 + 0.3 * RNG.random(),
     "floor": 2 * RNG.random(), "unigram_entropy": 4 + RNG.random(), "productions": 500, "vocab_size": 301,
     "sentence_length": 2 + RNG.random()}
    for half in ("exploratory", "confirmatory") for family in ("varied", "H") for _ in range(10)
]  # fmt: skip
SCATTER = {"ln_N": Scatter(0.1, 4, "test"), "a": Scatter(0.05, None, "test")}


def test_groups_are_halves_and_families_and_all_of_them():
    found = {(half, family): len(some) for half, family, some in groups(ROWS)}
    assert found[("both", "all")] == 40
    assert found[("exploratory", "H")] == 10
    assert len(found) == 9


def test_correlations_of_what_varies():
    line = correlated(ROWS)[0]
    some = ROWS[:20]
    wanted = np.corrcoef([r["H"] for r in some], [r["floor"] for r in some])[0, 1]
    assert line["r_floor"] == pytest.approx(wanted)
    assert line["r_productions"] is None
    assert line["inflation_floor"] == pytest.approx(1 / (1 - wanted**2))
    one_H = next(line for line in correlated(ROWS) if line["family"] == "H")
    assert one_H["r_floor"] is None


def test_power_by_half_family_rivals_and_effect():
    table = foretold_power(ROWS, SCATTER, {"ln_N": [0.05, 5.0], "a": [0.001]}, draws=500)
    assert {line["family"] for line in table} == {"all", "varied"}
    first = [line for line in table if (line["half"], line["family"], line["given"]) == ("both", "all", "floor")]
    assert [(line["quantity"], line["change"]) for line in first] == [("ln_N", 0.05), ("ln_N", 5.0), ("a", 0.001)]
    reach = max(r["H"] for r in ROWS) - min(r["H"] for r in ROWS)
    assert first[1]["slope"] == pytest.approx(5.0 / reach)
    assert first[1]["power"] > 0.99 > 0.5 > first[2]["power"]
    # more datasets tell more
    errors = {line["half"]: line["stderr"] for line in table if line["family"] == "all" and line["given"] == "nothing"
              and line["quantity"] == "a"}  # fmt: skip
    assert errors["both"] < min(errors["exploratory"], errors["confirmatory"])
