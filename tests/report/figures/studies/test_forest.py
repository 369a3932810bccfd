"""Estimates with intervals, halves apart on one line."""

import pytest

from ziplaw.report.figures.studies.forest import forest
from ziplaw.report.figures.style import figure, style

ROWS = [
    {"half": "exploratory", "name": "x", "value": 2.0, "low": 1.0, "high": 3.0},
    {"half": "confirmatory", "name": "x", "value": 2.5, "low": None, "high": None},
    {"half": "exploratory", "name": "y", "value": None, "low": None, "high": None},
    {"half": "both", "name": "x", "value": 9.0, "low": 8.0, "high": 10.0},
]


def test_an_estimate_stands_at_its_value_and_what_is_not_known_is_left_out():
    with style():
        _, (axes,) = figure(3, 2)
        forest(axes, ROWS, lambda row: row["name"], ("value", "low", "high"), nothing=1.0)
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    (interval, first), (_, point), (_, second), _ = drawn
    assert [x for x, _ in drawn] == [[1.0, 3.0], [2.0], [2.5], [1.0, 1.0]]
    assert len(interval) == 2
    assert first == [point[0]] * 2
    # the confirmatory half stands below the exploratory one, on the line of its name
    assert point[0] > second[0]
    assert point[0] + second[0] == pytest.approx(0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y"]
