"""Undecided claims become wrong only where an effect that matters is excluded, and decided ones stay."""

import numpy as np
import pytest

from ziplaw.laws.studies.effects.equivalence import OVER, SMALLEST, judged_again, no_crossing, smallest_effects


def law(alpha=(0.8, 0.0), beta=(0.7, 0.0), error=(0.01, 0.05)):
    """Lines (value, slope) of alpha and beta at H = .4 with their errors."""
    coefficients = np.zeros((5, 2))
    coefficients[3], coefficients[4] = alpha, beta
    covariance = np.diag(np.tile(np.square(error), 5))
    return {"coefficients": coefficients.tolist(), "covariance": covariance.tolist(), "df": 20, "level": 0.95,
            "centre": {"H": 0.4, "ln_N": 8.0, "ln_D": 13.0}}  # fmt: skip


def regression(**more):
    return {"law": law(), "fitted_on": {"H": [0.28, 0.5]}, "joint_test": None} | more


def again(claim, low, high, verdict="undecided", **more):
    row = {"claim": claim, "estimate": (low + high) / 2, "low": low, "high": high, "verdict": verdict, "why": "before"}
    (found,) = judged_again([row], regression(**more))
    return found


@pytest.mark.parametrize(
    ("claim", "inside", "outside"),
    [
        ("best_N_depends_on_H", (-0.6, 0.6), (-0.6, 0.8)),
        ("best_N_by_isoflop", (-0.6, 0.6), (-0.8, 0.6)),
        ("best_N_falls", (-0.6, 3.0), (-0.8, 3.0)),
        ("a_depends_on_H", (-0.2, 0.2), (-0.3, 0.2)),
        ("alpha_falls", (-0.7, 2.0), (-0.8, 2.0)),
        ("beta_falls", (-0.7, 2.0), (-0.8, 2.0)),
        ("A_falls", (-5.9, 20.0), (-6.1, 20.0)),
        ("E_rises", (-9.0, 0.6), (-9.0, 0.8)),
        ("alpha_steeper_than_beta", (-3.0, 0.7), (-3.0, 0.8)),
        ("frontier_turns", (-0.2, 2.0), (-0.3, 2.0)),
    ],
)
def test_an_interval_that_excludes_what_matters_decides(claim, inside, outside):
    # lines that may meet anywhere, so that places in H decide nothing
    meeting = law(beta=(0.79, 0.0), error=(0.05, 0.05))
    found = again(claim, *inside, law=meeting)
    assert (found["verdict"], found["rule"]) == ("not supported", "smallness")
    assert "over 0.2 of H" in found["why"]
    assert (found["effect_low"], found["effect_high"]) == pytest.approx((OVER * inside[0], OVER * inside[1]))
    assert found["smallest"] > 0
    found = again(claim, *outside, law=meeting)
    assert (found["verdict"], found["rule"], found["why"]) == ("undecided", "none", "before")


def test_what_was_decided_stays():
    for verdict in ("supported", "not supported"):
        found = again("alpha_falls", -0.1, 0.1, verdict)
        assert (found["verdict"], found["rule"], found["why"]) == (verdict, "significance", "before")


@pytest.mark.parametrize("where", ["joint", "group"])
def test_both_exponents_must_be_small(where):
    claim = {"joint": "exponents_depend_on_H", "group": "survives_fixed_vocabulary"}[where]
    row = {"claim": claim, "estimate": 3.0, "low": None, "high": None, "verdict": "undecided", "why": ""}
    for beta, verdict in (([-0.5, 0.7], "not supported"), ([-0.5, 0.8], "undecided")):
        told = {"alpha": {"slope_ci": [-0.7, 0.7]}, "beta": {"slope_ci": beta}}
        joint = {"exponents": told} if where == "joint" else None
        (found,) = judged_again([row], regression(joint_test=joint), {"lines": told})
        assert found["verdict"] == verdict


def test_lines_that_nowhere_meet_where_claimed():
    assert no_crossing(law(), (0.22, 0.32), (0.28, 0.5))
    assert not no_crossing(law(beta=(0.79, 0.0)), (0.22, 0.32), (0.28, 0.5)), "too near"
    assert not no_crossing(law(beta=(0.6, -2.0)), (0.22, 0.32), (0.28, 0.5)), "they meet at .3"
    assert not no_crossing(law(), (0.22, 0.32), (0.35, 0.5)), "nothing of it was measured"
    row = {"claim": "alpha_equals_beta_near_0.27", "estimate": None, "low": None, "high": None,
           "verdict": "undecided", "why": ""}  # fmt: skip
    assert judged_again([row], regression())[0]["why"] == "alpha = beta is rejected at every H from 0.22 to 0.32"


def test_smallest_effects_of_amplitudes_follow_the_exponents():
    found = smallest_effects({"ln_N": 8.0, "ln_D": 13.0})
    assert (found["ln_A"], found["ln_B"]) == pytest.approx((0.15 * 8, 0.15 * 13))
    assert SMALLEST["ln_N"] == pytest.approx(np.log(1.15))
    assert smallest_effects(None) == SMALLEST


def test_without_a_law_claims_about_it_stay_open():
    rows = [{"claim": name, "estimate": None, "low": None, "high": None, "verdict": "undecided", "why": ""}
            for name in ("alpha_falls", "frontier_turns", "exponents_depend_on_H")]  # fmt: skip
    found = judged_again(rows, {"law": None})
    assert {row["verdict"] for row in found} == {"undecided"}
