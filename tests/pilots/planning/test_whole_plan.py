"""A pilot's plan as a document: the answer holds a planted law, every part is there, and what is wrong is said."""

import numpy as np
import pytest
from simulated_pilot import LAW, TARGET, edited, loss_at, simulated_pilot

from ziplaw.base.documents import read_csv, read_json, write_csv
from ziplaw.errors import ZiplawError
from ziplaw.laws.pilots.compute import Compute
from ziplaw.models.shape.ladder import ladder
from ziplaw.pilots.planning.plan_told import next_sentence, plan_lines
from ziplaw.pilots.planning.whole_plan import pilot_plan
from ziplaw.tables.declared import RUNS


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    return simulated_pilot(tmp_path_factory.mktemp("simulated") / "planted")


@pytest.fixture(scope="module")
def plan(pilot):
    return pilot_plan(pilot)


def rows(plan, table, **where):
    return [row for row in plan.tables[table] if all(row[key] == value for key, value in where.items())]


def test_the_plan_holds_the_planted_law(plan):
    document = plan.document
    sizes = ladder(1024, 256)
    compute = Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])
    law = {key: LAW[key] for key in ("alpha", "beta")}
    N = float(np.exp(compute.best(np.log(LAW["A"]), np.log(LAW["B"]), C=TARGET, **law)))
    low, high = document["N_interval"]
    assert low < N < high < 100 * low
    loss = loss_at(document["N"], document["D"])
    assert document["loss_interval"][0] < loss < document["loss_interval"][1]
    assert document["refused"] == []


def test_D_is_what_all_FLOPs_pay_for(plan):
    document, shape = plan.document, plan.document["shape"]
    assert document["C"] == TARGET
    assert document["C_6nd"] == pytest.approx(6 * document["N"] * document["D"])
    assert document["C_6nd"] < TARGET
    assert shape["D"] * shape["flops_per_token"] == pytest.approx(TARGET)
    assert shape["N"] == pytest.approx(document["N"], rel=0.1)
    assert document["bill"]["gpu_hours"] == pytest.approx(TARGET / 4e14 / 3600)
    assert document["bill"]["cost"] == pytest.approx(2.5 * document["bill"]["gpu_hours"])


def test_every_line_of_the_sum_says_what_it_moved(plan):
    prior, H, runs = plan.document["lines"]
    assert [line["from"] for line in (prior, H, runs)] == ["prior", "H", "runs"]
    assert prior["factor"] is None
    assert H["factor"] == pytest.approx(H["N"] / prior["N"])
    assert runs["factor"] == pytest.approx(runs["N"] / H["N"])
    assert runs["N"] == plan.document["N"]
    assert runs["N_interval"] == plan.document["N_interval"]
    # the runs narrow what was known, and alone know less than the sum
    assert runs["decades"] < 0.7 * H["decades"]
    low, high = runs["alone"]["N_interval"]
    assert np.log10(high / low) > runs["decades"]


def test_the_valley_lies_about_the_plan(plan):
    low, high = plan.document["near_best"]["N"]
    assert low < plan.document["N"] < high
    assert loss_at(low, TARGET / 6 / low) < 1.004 * loss_at(plan.document["N"], plan.document["D"])


def test_isoflop_curves_have_measured_points_and_lowest_ones(plan):
    measured, best = rows(plan, "isoflop.csv", kind="measured"), rows(plan, "isoflop.csv", kind="best")
    assert len(measured) == plan.document["runs"]["cells"]
    assert len(best) >= 3
    for row in best:
        valley = rows(plan, "isoflop.csv", kind="valley", C=row["C"])
        assert row["N_lo"] < row["N"] < row["N_hi"]
        assert min(point["loss"] for point in valley) == pytest.approx(row["loss"], rel=2e-3)
        beside = [point["loss"] for point in measured if point["C"] == row["C"]]
        assert len(beside) >= 3
        assert min(beside) == pytest.approx(row["loss"], rel=0.02)


def test_best_N_against_compute_by_each_source(plan):
    table = plan.tables["best_n.csv"]
    assert {row["from"] for row in table} == {"plan", "prior", "runs", "isoflop", "20 tokens a parameter"}
    last = rows(plan, "best_n.csv", **{"from": "plan"})[-1]
    assert (last["C"], last["N"]) == (TARGET, plan.document["N"])
    assert [last["N_lo"], last["N_hi"]] == plan.document["N_interval"]
    beside = rows(plan, "best_n.csv", **{"from": "20 tokens a parameter"})[-1]
    assert beside["N"] == pytest.approx(plan.document["beside"]["20 tokens a parameter"]["N"])
    split = plan.document["beside"]["20 tokens a parameter"]
    assert split["D"] == pytest.approx(20 * split["N"])


def test_the_largest_runs_are_predicted_from_the_others(plan):
    check, table = plan.document["check"], plan.tables["held_out.csv"]
    assert check["n"] == len(table) >= 3
    assert check["held"] == sum(row["low"] <= row["loss"] <= row["high"] for row in table)
    assert min(row["C"] for row in table) >= 0.9e12
    assert abs(check["worst_error"]) == max(abs(np.log(row["loss"] / row["predicted"])) for row in table)


def test_same_folder_same_document(pilot, plan):
    assert pilot_plan(pilot) == plan


def test_another_compute_another_plan(pilot, plan):
    other = pilot_plan(pilot, 1e20).document
    assert other["C"] == 1e20
    assert other["N"] > 3 * plan.document["N"]
    assert any("8.0 orders of magnitude above" in text for text in other["warnings"])


def test_a_band_over_two_decades_is_no_plan_and_is_said_first(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(16, 24), computes=(3e10, 1e11), noise=0.03)
    plan = pilot_plan(folder, 1e22, prior="none").document
    assert "over 2 decades wide" in plan["refused"][0]["reason"]
    first, second = plan_lines(plan)[:2]
    assert first.startswith("The 95% band at C = 1e+22 is over 2 decades wide")
    assert second.startswith("NO PLAN: p: N ")


def test_an_optimum_beyond_the_sizes_and_diverged_runs_are_said(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(64, 72, 80), computes=(1e11, 2e11, 4e11, 8e11))
    table = RUNS.read(folder / "runs.csv")
    RUNS.write(folder / "runs.csv", [*table, table[0] | {"model": "h99", "loss": None, "status": "diverged"}])
    warnings = " ".join(pilot_plan(folder).document["warnings"])
    assert "the optimum lies outside the sizes tried" in warnings
    assert "smaller than all of the pilot's" in warnings
    assert "1 diverged: h99/s1" in warnings


def test_a_small_corpus_asks_for_epochs(pilot, plan, tmp_path):
    assert plan.document["data"]["unique_tokens"] == 40_000 * 256
    assert plan.document["data"]["epochs"] == pytest.approx(plan.document["D"] / (40_000 * 256))
    assert "epochs of" in plan.document["data"]["repeating"]["sentence"]
    ample = pilot_plan(pilot, unique=1e12).document["data"]
    assert ample["repeating"] is None
    counted = pilot_plan(simulated_pilot(tmp_path / "p", unique=5e9)).document["data"]
    assert (counted["unique_tokens"], counted["unique_tokens_error"]) == (5e9, 5e7)


def test_vocabulary_weighs_less_at_the_target(plan):
    *pilot, target = plan.document["vocabulary"]["sizes"]
    assert target["target"]
    assert all(size["head_share"] > 3 * target["head_share"] for size in pilot)
    assert target["N_total"] == plan.document["shape"]["N_total"]
    assert target["embedding_share"] == pytest.approx(1 - target["N"] / target["N_total"])


def test_few_runs_leave_the_prior_alone(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(16,), computes=(1e11, 3e11))
    document = pilot_plan(folder).document
    assert [line["from"] for line in document["lines"]] == ["prior", "H"]
    assert document["loss"] is document["near_best"] is document["law"] is document["check"] is None
    assert "own runs say nothing about the split yet" in document["warnings"][0]
    assert "the prior" not in plan_lines(document)[0]
    with pytest.raises(ZiplawError, match="a split needs at least"):
        pilot_plan(folder, prior="none")


def test_what_is_no_pilot_is_refused(tmp_path):
    with pytest.raises(ZiplawError, match=r"holds no runs\.csv: give the folder of a pilot"):
        pilot_plan(tmp_path)
    folder = simulated_pilot(tmp_path / "p", computes=(1e11,))
    (folder / "rounds" / "1.json").unlink()
    with pytest.raises(ZiplawError, match="which names the FLOPs to plan for"):
        pilot_plan(folder)
    with pytest.raises(ZiplawError, match="GPU's FLOPs a second"):
        pilot_plan(folder, 1e18, gpu_flops=0.0)
    write_csv(folder / "runs.csv", [row | {"loss": ""} for row in read_csv(folder / "runs.csv")])
    with pytest.raises(ZiplawError, match="no run has a finite loss"):
        pilot_plan(folder, 1e18)


def test_an_H_outside_of_the_laws_range_is_said(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    edited(folder, "scores/corpus.json", lambda score: score.update(H=0.7))
    document = pilot_plan(folder).document
    assert any("outside the 0.349 to 0.479 of the law in H" in text for text in document["warnings"])
    (folder / "scores" / "corpus.json").unlink()
    document = pilot_plan(folder).document
    assert [line["from"] for line in document["lines"]] == ["prior", "runs"]
    assert document["H"] is None


def test_cells_that_have_not_started_carry_no_plan(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    table = RUNS.read(folder / "runs.csv")
    for row in table[: int(0.8 * len(table)) + 1]:
        row["regime"] = "not started"
    RUNS.write(folder / "runs.csv", table)
    plan = pilot_plan(folder).document
    assert "cells have certainly not started to learn" in plan["refused"][0]["reason"]
    assert "give the pilot more FLOPs or minutes" in plan_lines(plan)[0]
    assert not any("not started" in text for text in plan["warnings"])
    for row in table[5:]:
        row["regime"] = None
    RUNS.write(folder / "runs.csv", table)
    plan = pilot_plan(folder).document
    assert plan["refused"] == []
    assert any(f"5 of {len(table)} cells have certainly not started" in text for text in plan["warnings"])


def test_cells_on_no_common_compute_are_interpolated(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    table = RUNS.read(folder / "runs.csv")
    factor = {model: 1.27**i for i, model in enumerate(dict.fromkeys(row["model"] for row in table))}
    for row in table:
        row["C"] *= factor[row["model"]]
    RUNS.write(folder / "runs.csv", table)
    rows = pilot_plan(folder).tables["isoflop.csv"]
    between = [row for row in rows if row["kind"] == "between"]
    assert len({row["C"] for row in between}) == 6
    assert {row["C"] for row in rows if row["kind"] == "best"} <= {row["C"] for row in between}
    assert sum(row["kind"] == "measured" for row in rows) == len(table)


def test_the_next_round_narrows_the_band(plan):
    same, eight = plan.document["next"]
    assert (same["times"], eight["times"]) == (1.0, 8.0)
    assert 1 < eight["factor"] < same["factor"] < same["factor_now"]
    low, high = plan.document["N_interval"]
    assert same["factor_now"] == pytest.approx(np.sqrt(high / low))
    assert same["seconds"] is None
    assert same["C"] == pytest.approx(sum(run["C"] for run in same["runs"]))
    assert f"to one of {eight['factor']:.2f}" in next_sentence(plan.document)


def test_a_timed_pilot_says_how_long_the_next_round_takes(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    edited(folder, "rounds/1.json", lambda design: design.update(seconds=600.0))
    plan = pilot_plan(folder).document
    pilot_C = sum(run["C"] for run in read_json(folder / "rounds" / "1.json")["runs"])
    assert plan["next"][0]["seconds"] == pytest.approx(600 * plan["next"][0]["C"] / pilot_C)
    assert "minutes here" in next_sentence(plan)
