"""Figures of a pilot's page: what the CSV holds is drawn, whatever it lacks."""

import pytest
from simulated_pilot import simulated_pilot

from ziplaw.pilots.planning.whole_plan import pilot_plan
from ziplaw.report.figures.pilots import PILOT_FIGURES, draw_pilot
from ziplaw.report.figures.pilots.best_n_lines import drawn as best_n
from ziplaw.report.figures.pilots.held_out_losses import drawn as held_out
from ziplaw.report.figures.pilots.isoflop_curves import drawn as isoflop


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return pilot_plan(simulated_pilot(tmp_path_factory.mktemp("figures") / "p"))


def places(made):
    """Every point that is marked, as (x, y)."""
    (axes,) = made.axes
    return {
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() not in ("None", "")
        for x, y in zip(line.get_xdata(), line.get_ydata())
    }


def test_every_measured_cell_and_every_lowest_point_is_marked(plan):
    rows = plan.tables["isoflop.csv"]
    marked = places(isoflop(plan.document, rows))
    assert {(row["N"], row["loss"]) for row in rows if row["kind"] in ("measured", "best")} == marked
    off = [row | {"kind": "between"} if row["kind"] == "measured" else row for row in rows]
    dots = [row | {"kind": "measured", "N": row["N"] * 1.1} for row in rows if row["kind"] == "measured"]
    assert {(row["N"], row["loss"]) for row in dots} < places(isoflop(plan.document, off + dots))


def test_the_plan_stands_at_the_target_on_its_line(plan):
    rows = plan.tables["best_n.csv"]
    made = best_n(plan.document, rows)
    assert (plan.document["C"], plan.document["N"]) in places(made)
    assert {(row["C"], row["N"]) for row in rows if row["from"] == "isoflop"} < places(made)
    assert len(made.axes[0].collections) == 2  # the bands of prior and plan
    alone = [row for row in rows if row["from"] in ("plan", "20 tokens a parameter")]
    assert len(best_n(plan.document, alone).axes[0].collections) == 1


def test_a_missed_prediction_is_told_from_a_held_one(plan):
    rows = [row | {"held": index > 0} for index, row in enumerate(plan.tables["held_out.csv"])]
    made = held_out(plan.document, rows)
    assert {(row["loss"], row["predicted"]) for row in rows} == places(made)
    words = [text.get_text() for text in made.axes[0].get_legend().get_texts()]
    assert words[:2] == [f"{len(rows) - 1} within its band", "1 outside of its band"]


@pytest.mark.parametrize("name", PILOT_FIGURES)
def test_equal_numbers_give_equal_bytes(name, plan, tmp_path):
    for path in (tmp_path / "a.svg", tmp_path / "b.svg"):
        draw_pilot(name, plan.document, plan.tables[f"{name}.csv"], path)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert not list(tmp_path.glob("*.csv"))


def test_nothing_to_show_is_said(plan, tmp_path):
    draw_pilot("held_out", plan.document, [], tmp_path / "a.svg")
    draw_pilot("isoflop", plan.document, [], tmp_path / "b.svg")


def test_where_no_valley_has_a_lowest_point_the_law_speaks(plan):
    rows = plan.tables["isoflop.csv"]
    C = max(row["C"] for row in rows)
    renamed = {"best": "law's best", "valley": "law"}
    by_law = [row | {"kind": renamed.get(row["kind"], row["kind"])} if row["C"] == C else row for row in rows]
    made = isoflop(plan.document, by_law)
    assert {(row["N"], row["loss"]) for row in by_law if row["kind"] == "law's best"} < places(made)
    assert [text.get_text() for text in made.legends[0].get_texts()][-1] == "best N by the law"
