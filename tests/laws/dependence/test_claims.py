"""Verdicts about the paper's claims follow from the data by the stated rules."""

import numpy as np
import pytest
from laws_in_H import sweep

from ziplaw.laws.dependence import claims as judge
from ziplaw.laws.dependence.regress import evidence, regress
from ziplaw.laws.dependence.splits.claimed import STATEMENTS
from ziplaw.laws.dependence.statistics import permutation


def judged(rows, fits, **options):
    document = regress(rows, fits, bootstrap=0, **options)
    return {row["claim"]: row for row in judge.claims(document, *evidence(rows, fits))}, document


@pytest.fixture(scope="module")
def papers():
    """A sweep in which the paper is right: alpha falls faster than beta, meeting it near .27; six datasets."""
    return judged(*sweep(6, (-1.5, -0.4), noise=0.002, H=np.linspace(0.2, 0.5, 6), floor_slope=3.0, seed=3))


def test_strong_trends_are_supported(papers):
    found, document = papers
    assert set(found) == set(judge._STATEMENTS) | set(STATEMENTS)
    for claim in ("exponents_depend_on_H", "alpha_falls", "beta_falls", "alpha_steeper_than_beta", "E_rises",
                  "alpha_monotone", "E_monotone", "survives_fixed_vocabulary"):  # fmt: skip
        assert found[claim]["verdict"] == "supported", found[claim]
    row = found["alpha_falls"]
    assert row["low"] < -1.5 < row["high"] < 0
    # alpha = .5 - 1.5 h and beta = .6 - .4 h meet at h = -.091, H = .259
    assert found["alpha_equals_beta_near_0.27"]["estimate"] == pytest.approx(0.259, abs=0.02)
    assert found["alpha_equals_beta_near_0.27"]["verdict"] == "supported"
    # with alpha falling faster, a = beta/(alpha+beta) rises with H: the frontier turns the other way
    assert found["frontier_turns"]["verdict"] == "not supported"
    assert found["vanishes_at_fixed_H"]["verdict"] == "undecided"
    assert all(row["why"] and row["statement"] for row in found.values())
    assert document["n_left_out"] == 0


def test_the_opposite_trend_is_not_supported():
    found, _ = judged(*sweep(6, (1.0, 2.0), noise=0.002, floor_slope=-4.0, seed=4))
    for claim in ("alpha_falls", "beta_falls", "E_rises", "alpha_steeper_than_beta"):
        assert found[claim]["verdict"] == "not supported", found[claim]
    assert found["exponents_depend_on_H"]["verdict"] == "supported"


def test_no_trend_is_undecided():
    found, _ = judged(*sweep(6, (0.0, 0.0), noise=0.02, scatter=0.03, floor_slope=0.0, seed=5))
    for claim in ("exponents_depend_on_H", "alpha_falls", "beta_falls", "alpha_steeper_than_beta",
                  "survives_fixed_vocabulary", "frontier_turns"):  # fmt: skip
        assert found[claim]["verdict"] == "undecided", found[claim]


def test_a_frontier_that_turns_to_data():
    # beta falls and alpha rises with H: a falls through one half at H = .35 - .1/3
    found, _ = judged(*sweep(6, (1.5, -1.5), noise=0.002, seed=6))
    assert found["frontier_turns"]["verdict"] == "supported", found["frontier_turns"]
    assert found["frontier_turns"]["high"] < 0


def test_groups_with_one_vocabulary_and_with_one_H(monkeypatch):
    monkeypatch.setattr(permutation, "SAMPLED", 199)
    rows, fits = sweep(8, (-3.0, -1.0), noise=0.004, seed=7, H=[0.24, 0.3, 0.36, 0.42, 0.48, 0.48, 0.48, 0.48],
                       vocab_size=[301, 301, 301, 301, 301, 101, 201, 401])  # fmt: skip
    found, _ = judged(rows, fits)
    assert found["survives_fixed_vocabulary"]["verdict"] == "supported"
    assert "5 datasets with a vocabulary of 301" in found["survives_fixed_vocabulary"]["why"]
    assert found["vanishes_at_fixed_H"]["verdict"] == "supported", found["vanishes_at_fixed_H"]
    rows, fits = sweep(6, (0.0, 0.0), noise=0.004, scatter=0.1, seed=8, H=[0.40, 0.405, 0.41, 0.415, 0.42, 0.425])
    found, _ = judged(rows, fits)
    assert found["vanishes_at_fixed_H"]["verdict"] == "not supported", found["vanishes_at_fixed_H"]


def test_left_out_datasets_are_counted():
    rows, fits = sweep(6, (-3.0, -1.0), noise=0.004)
    fits[2] |= {"reportable": False, "reason": "saturated"}
    found, document = judged(rows, fits)
    assert document["n_left_out"] == 1
    assert all(row["why"].endswith("1 dataset left out") for name, row in found.items() if name not in STATEMENTS)


def test_reversal_needs_both_directions_beyond_error():
    H = np.array([0.2, 0.3, 0.4, 0.5])
    assert judge.reversal(H, np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 0.1), 0.05) is None
    assert judge.reversal(H, np.array([1.0, 3.0, 2.9, 4.0]), np.full(4, 0.1), 0.05) is None
    up, down = judge.reversal(H, np.array([1.0, 3.0, 1.0, 4.0]), np.full(4, 0.1), 0.05)
    assert up == (0, 3)
    assert down == (1, 2)
    assert judge.reversal(H, np.array([1.0, 3.0, 1.0, 4.0]), np.full(4, np.inf), 0.05) is None


def test_slope_of_a_is_its_derivative(papers):
    _, document = papers
    from ziplaw.laws.dependence.law_in_H import parameters_at
    from ziplaw.laws.forms.allocation import exponents

    law = document["law"]
    H0 = law["centre"]["H"]
    a = exponents(parameters_at(law, np.array([H0 - 1e-5, H0 + 1e-5])))[0]
    estimate, (low, high), p = judge.slope_of_a(law)
    assert estimate == pytest.approx((a[1] - a[0]) / 2e-5, rel=1e-5)
    assert low < estimate < high
    assert 0 <= p <= 1


def test_a_claim_writes_a_vanishing_p_as_a_bound():
    """A line whose slope has no error to speak of: p underflows, and the reason says so as a bound."""
    line = {"slope": 1.0, "slope_ci": [1.0, 1.0], "p_value": 1.17e-320, "at_centre": {"slope": 1.0, "p_value": 0.0}}
    law = {
        "lines": dict.fromkeys(("ln_E", "ln_A", "ln_B", "alpha", "beta"), line),
        "coefficients": [[1.0, 1.0]] * 5,
        "covariance": [[1e-300 * (i == j) for j in range(10)] for i in range(10)],
        "df": 2,
    }
    crossing = {"H": None, "interval": [None, None], "text": "no crossing"}
    regression = {
        "n_left_out": 0, "law": law, "level": 0.95, "variant": "free", "joint_test": None, "joint_test_message": "none",
        "crossings": {"alpha_equals_beta": crossing, "a_equals_half": crossing}, "fitted_on": {"H": [0.3, 0.5]},
        "seed": 1,
        "datasets": [{"dataset": n, "H": H, "vocab_size": 7,
                      "parameters": dict.fromkeys(("E", "A", "B", "alpha", "beta"), H)}
                     for n, H in (("a", 0.3), ("b", 0.4), ("c", 0.5))],
    }  # fmt: skip
    rows = {row["claim"]: row for row in judge.claims(regression)}
    assert "p < 1e-6" in rows["E_rises"]["why"]
    assert "p < 1e-6" in rows["A_falls"]["why"]
    assert not any("e-3" in row["why"] for row in rows.values())
