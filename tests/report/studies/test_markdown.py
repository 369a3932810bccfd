"""Numbers as a study's page sets them."""

import pytest

from ziplaw.report.studies.markdown import number, p_value, signed, table, within


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.12345, ".123"), (-0.5, "−.500"), (1.0, "1.00"), (12.345, "12.3"), (123.4, "123"), (12345.0, "12345"),
        (9e9, "9.00·10^9"), (-2.5e-7, "−2.50·10^−7"), (0, "0"), (0.0, "0"), (7, "7"), (None, "–"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_numbers(value, words):
    assert number(value) == words


def test_intervals_signs_and_p():
    assert within(0.1, 2.0) == ".100 to 2.00"
    assert within(None, 2.0) == "−∞ to 2.00"
    assert within(None, None) == "no interval"
    assert (signed(0.5), signed(-0.5)) == ("+.500", "−.500")
    assert [p_value(p) for p in (0.0002, 0.04, None)] == ["< .0005", ".040", "–"]


def test_a_table():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"
