"""All claims on each half: the rules in order, nothing of one half in the other."""

import pytest
from planted_study import planted_study

from ziplaw.laws.dependence.claims import _STATEMENTS
from ziplaw.laws.dependence.splits.claimed import STATEMENTS
from ziplaw.studies.answers.claim_verdicts import COLUMNS, rows


@pytest.fixture(scope="module")
def study():
    return planted_study((("v", 4), ("f", 3)), effects={"H": 6.0}, fitted=True, bootstrap=20, seed=1)


def test_every_claim_has_a_verdict_on_each_half(study):
    table = rows(study)
    assert all(tuple(row) == COLUMNS for row in table)
    for half in ("exploratory", "confirmatory"):
        mine = {row["claim"]: row for row in table if row["half"] == half}
        assert list(mine) == [*STATEMENTS, *_STATEMENTS]
        falls = mine["best_N_falls"]
        assert falls["verdict"] == "not supported", "it rises"
        assert falls["effect_low"] < falls["effect"] < falls["effect_high"]
        bounded = mine["best_N_by_bounded"]
        # 6 per unit of H were planted, under that link; twice the interval, since it is one of two samples
        assert abs(bounded["effect"] - 0.2 * 6) < 2 * (bounded["effect"] - bounded["effect_low"])
        for row in mine.values():
            assert (row["rule"] == "none") == (row["verdict"] == "undecided")
    assert rows(study.half("confirmatory")) == [row for row in table if row["half"] == "confirmatory"]
