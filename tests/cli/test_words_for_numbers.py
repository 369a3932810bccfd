"""What no reader can use is not printed as if it were a measurement: denormal numbers, p-values beyond any test."""

import pytest

from ziplaw.cli._common import _text
from ziplaw.laws.dependence.claims import claims
from ziplaw.laws.dependence.joint_test import p_words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.17e-320, "<1e-99"),
        (-1e-200, "-<1e-99"),
        (5.6e133, ">1e99"),
        (0.0, "0"),
        (1e-98, "1e-98"),
        (0.25, "0.2500"),
        (None, "-"),
        (float("nan"), "-"),
        (7, "7"),
    ],
)
def test_a_cell_on_a_terminal(value, shown):
    assert _text(value) == shown


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.17e-320, "p < 1e-6"), (0.0, "p < 1e-6"), (1e-6, "p = 1e-06"), (0.0421, "p = 0.0421"), (1.0, "p = 1")],
)
def test_a_p_value_in_words(p, words):
    assert p_words(p) == words


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
        "crossings": {"alpha_equals_beta": crossing, "a_equals_half": crossing}, "fitted_on": {"H": [0.3, 0.5]}, "seed": 1,
        "datasets": [{"dataset": n, "H": H, "vocab_size": 7, "parameters": dict.fromkeys(("E", "A", "B", "alpha", "beta"), H)}
                     for n, H in (("a", 0.3), ("b", 0.4), ("c", 0.5))],
    }  # fmt: skip
    rows = {row["claim"]: row for row in claims(regression)}
    assert "p < 1e-6" in rows["E_rises"]["why"]
    assert "p < 1e-6" in rows["A_falls"]["why"]
    assert not any("e-3" in row["why"] for row in rows.values())
