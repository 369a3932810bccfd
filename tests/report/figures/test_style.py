"""Labels, numbers and axes that can be read."""

import pytest

from ziplaw.report.figures.style import label, log_axis, prefixed, save


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


def test_ids_are_counted(tmp_path):
    import re

    from matplotlib.figure import Figure

    made = Figure()
    axes = made.add_subplot()
    axes.plot([1, 2], [1 / 3, 2], marker="o")
    save(made, tmp_path / "a.svg", [], ["x"])
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]*)"', drawn)
    assert {"m0", "m1"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert not re.search(r"[\"#][a-z][0-9a-f]{10}[\")]", drawn)  # of digests none is left, by name or by reference
    assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', drawn)) <= set(ids)
