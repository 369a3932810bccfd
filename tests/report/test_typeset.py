"""Numbers and mathematics as a reader of the page sees them."""

import pytest

from ziplaw.report.typeset import number, prose


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (True, "true"),
        (0, "0"),
        (0.0, "0.00"),
        (1.17e-320, "&lt; 10<sup>−99</sup>"),
        (-1.17e-320, "≈ 0"),
        (-5.6e300, "&lt; −10<sup>99</sup>"),
        (10**120, "&gt; 10<sup>99</sup>"),
        (2.5e-5, "2.50·10<sup>−5</sup>"),
        (-1234.5, "−1\u202f234"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_cell_of_a_table(value, shown):
    assert number(value) == shown


def test_mathematics_is_set_but_for_names():
    assert prose("alpha of C^a is -1.2e-05") == "α of C<sup>a</sup> is −1.2·10<sup>−5</sup>"
    assert prose("alpha of alpha-2: N_opt, beta", ["alpha-2"]) == "α of alpha-2: N<sub>opt</sub>, β"
    assert prose("x", []) == "x"
