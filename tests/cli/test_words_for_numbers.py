"""What no reader can use is not printed as if it were a measurement: denormal numbers."""

import pytest

from ziplaw.cli._common import _text


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
