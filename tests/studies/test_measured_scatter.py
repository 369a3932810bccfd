"""Scatter of datasets off a regression."""

import math

import pytest

from ziplaw.errors import FitError
from ziplaw.studies.measured_scatter import measured_scatter
from ziplaw.sweep.reference_law import read_law

H = [0.3, 0.35, 0.4, 0.5]
REGRESSION = {
    "datasets": [{"dataset": name, "H": h} for name, h in zip("abc", H)],
    "law": {"df": 1, "lines": {"alpha": {"slope_stderr": 3.0}, "beta": {"slope_stderr": None}}},
    "split": {
        "link": "free",
        "datasets": [{"dataset": name, "H": h} for name, h in zip("abcd", H)],
        "by": {"free": {"datasets": ["a", "b", "d"], "df": 1, "lines": {"ln_N": {"slope_stderr": 2.0}}}},
    },
}


def spread(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values))


def test_scatter_is_the_slopes_error_times_the_spread_of_H():
    found = measured_scatter(REGRESSION, "mine.json")
    assert set(found) == {"ln_N", "alpha"}
    assert found["ln_N"].sd == pytest.approx(2.0 * spread([0.3, 0.35, 0.5]))
    assert found["alpha"].sd == pytest.approx(3.0 * spread(H[:3]))
    assert found["ln_N"].source == "free link of mine.json, 3 datasets"
    assert found["alpha"].df == 1


@pytest.mark.parametrize("link", [None, "bounded"])
def test_the_reference_law_tells_all_four(link):
    found = measured_scatter(read_law(), "the reference law", link)
    if link:
        assert found["a"].source.startswith(f"{link} link")
    assert set(found) == {"ln_N", "a", "alpha", "beta"}
    assert all(0 < one.sd < 3 and one.df >= 1 for one in found.values())


def test_one_that_tells_nothing_is_refused():
    with pytest.raises(FitError, match=r"mine\.json tells no slope"):
        measured_scatter({"split": {}, "law": None}, "mine.json")
    with pytest.raises(FitError, match=r"has no split by the link .bounded.: it has free"):
        measured_scatter(REGRESSION, "mine.json", "bounded")
