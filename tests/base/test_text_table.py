"""What no reader can use is not printed as if it were a measurement: denormal numbers."""

import pytest

from ziplaw.base.text_table import WIDTH, aligned, cell, wrapped


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
    assert cell(value) == shown


def test_numbers_stand_right_and_text_left():
    rows = [{"name": "a", "n": 1, "x": None}, {"name": "long", "n": 20, "x": 0.5}]
    assert aligned(rows) == ["name   n       x", "a      1       -", "long  20  0.5000"]
    assert aligned(rows, ["n"]) == [" n", " 1", "20"]
    assert aligned([]) == []


def test_long_lines_are_broken_and_indented():
    name = "/a/name/without/spaces" * 8
    lines = wrapped(["short", "word " * 60, f"in {name} it stands"])
    assert lines[0] == "short"
    assert max(len(line) for line in lines if name not in line) <= WIDTH
    assert [line.startswith("  ") for line in lines[1:4]] == [False, True, True]
    assert sum(name in line for line in lines) == 1
