"""Labels, numbers and axes that can be read."""

import pytest

from ziplaw.report.figures.style import label, log_axis, prefixed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("g30-x_1", "g30-x_1"),
        ("a$b$", r"a\$b\$"),
        ("_a", "\u2009_a"),
        ("α", "α"),
        ("語", r"\u8a9e"),
        ("x" * 40, "x" * 25 + "…"),
    ],
)
def test_labels_can_be_drawn(name, shown):
    assert label(name) == shown


def test_si_prefixes():
    assert [prefixed(v) for v in (750, 65536, 999_999, 2_097_152, 1e12)] == ["750", "65.5k", "1M", "2.1M", "1T"]


@pytest.mark.parametrize("span", [(1.2, 1.3), (90, 110), (1, 20), (1e3, 1e6), (1e2, 1e9)])
def test_log_axes_have_at_least_three_ticks(span):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    axes.set(xscale="log", xlim=span)
    log_axis(axes.xaxis)
    assert 3 <= sum(span[0] <= t <= span[1] for t in axes.get_xticks()) <= 12
