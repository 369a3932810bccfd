"""The figure of slopes by arm: every measured slope once, with its interval."""

from ziplaw.base.documents import read_csv
from ziplaw.report.figures.studies import draw_study
from ziplaw.report.figures.studies.trends_by_arm import COLUMNS


def row(arm, quantity, kind, slope, covariate="H"):
    found = {"arm": arm, "covariate": covariate, "quantity": quantity, "kind": kind, "n": 12}
    for name, value in (("slope", slope), ("mup", None if slope is None else slope + 1)):
        found |= {name: value, f"{name}_low": value and value - 1, f"{name}_high": value and value + 1}
    return found


def test_every_slope_is_drawn_once(tmp_path):
    table = [row(arm, q, kind, 2.0) for arm in ("paper", "tuned") for q in ("ln_N", "a") for kind in ("free", "any")]
    table += [row("paper", "beta", "free", None), row("tuned", "ln_N", "free", 2.0, "beyond_bigram")]
    draw_study("arms", {"training_arms": table}, tmp_path / "arms.svg")
    rows = read_csv(tmp_path / "arms.csv")
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 8  # three arms, two quantities, one kind; two arms on another covariate
    assert {row["arm"]: row["slope"] for row in rows} == {"paper": 2, "tuned": 2, "mup": 3}
    first = (tmp_path / "arms.svg").read_bytes()
    draw_study("arms", {"training_arms": table}, tmp_path / "arms.svg")
    assert (tmp_path / "arms.svg").read_bytes() == first
