"""Plans that the runs do not identify are left out with their reason, or marked."""

import pytest

from ziplaw.laws.intervals.identification import Doubt
from ziplaw.laws.plans.verdicts import Verdicts

WIDE = Doubt("the band is wide", "add runs", 1e21)


@pytest.mark.parametrize("check", [True, False])
def test_a_doubted_plan_is_marked_and_its_reason_kept(check):
    refused, good, bad = [], {}, {}
    verdicts = Verdicts(refused, check)
    assert verdicts.admit(good, [])
    assert verdicts.admit(bad, [WIDE]) is not check
    assert (good, bad) == ({"identified": True}, {"identified": False})
    assert refused == [{"reason": "the band is wide", "remedy": "add runs", "C": 1e21}]


@pytest.mark.parametrize("check", [True, False])
def test_a_law_in_doubt_identifies_no_plan_and_needs_no_other_reason(check):
    refused, plan = [Doubt("N and D move together", "add runs").to_dict()], {}
    verdicts = Verdicts(refused, check)
    assert verdicts.admit(plan, [WIDE]) is not check
    assert plan == {"identified": False}
    assert [doubt["reason"] for doubt in refused] == ["N and D move together"]
