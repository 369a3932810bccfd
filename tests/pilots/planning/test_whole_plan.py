"""A pilot's plan as a document: the answer holds a planted law, every part is there, and what is wrong is said."""

import numpy as np
import pytest
from simulated_pilot import LAW, TARGET, edited, loss_at, simulated_pilot

from ziplaw.base.documents import read_csv, read_json, write_csv
from ziplaw.base.text_table import WIDTH
from ziplaw.errors import ZiplawError
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.plans.evidence.combined_plan import APART
from ziplaw.models.shape.ladder import ladder
from ziplaw.pilots.planning.plan_curves import isoflop_rows
from ziplaw.pilots.planning.plan_doubts import cautions, refusals
from ziplaw.pilots.planning.plan_evidence import Told, gather_evidence
from ziplaw.pilots.planning.plan_next import next_rounds
from ziplaw.pilots.planning.plan_told import next_sentence, plan_lines
from ziplaw.pilots.planning.results_folder import PilotFolder
from ziplaw.pilots.planning.whole_plan import pilot_plan
from ziplaw.sweep.published_prior import read_prior
from ziplaw.sweep.reference_law import read_law
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


def test_a_band_over_two_decades_is_no_plan_and_is_said_first(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(16, 24), computes=(3e10, 1e11), noise=0.03)
    plan = pilot_plan(folder, 1e22, prior="none").document
    assert "over 2 decades wide" in plan["refused"][0]["reason"]
    lines = plan_lines(plan)
    first = lines[0]
    assert first.startswith("The 95% band at C = 1e+22 is over 2 decades wide")
    assert any(line.startswith("NO PLAN: p: N ") for line in lines)
    assert max(map(len, lines)) <= WIDTH


def test_an_optimum_beyond_the_sizes_and_diverged_runs_are_said(tmp_path):
    folder = simulated_pilot(tmp_path / "p", hidden=(64, 72, 80), computes=(1e11, 2e11, 4e11, 8e11))
    table = RUNS.read(folder / "runs.csv")
    RUNS.write(folder / "runs.csv", [*table, table[0] | {"model": "h99", "loss": None, "status": "diverged"}])
    pilot = PilotFolder(folder)
    evidence = gather_evidence(pilot, 1e18, read_prior(), read_law())
    warnings = " ".join(cautions(pilot, evidence, 1e18, 0.95, []))
    assert "the optimum lies outside the sizes tried" in warnings
    assert "smaller than all of the pilot's" in warnings
    assert "1 diverged: h99/s1" in warnings


def test_a_small_corpus_asks_for_epochs(pilot, plan, tmp_path):
    assert plan.document["data"]["unique_tokens"] == 40_000 * 256
    assert plan.document["data"]["epochs"] == pytest.approx(plan.document["D"] / (40_000 * 256))
    assert "epochs of" in plan.document["data"]["repeating"]["sentence"]
    estimated = pilot_plan(simulated_pilot(tmp_path / "p", unique=1e12)).document["data"]
    assert (estimated["unique_tokens"], estimated["unique_tokens_error"]) == (1e12, 1e10)
    assert estimated["repeating"] is None


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
    evidence = gather_evidence(PilotFolder(folder), 1e18, read_prior(), read_law())
    assert any("outside the 0.349 to 0.479 of the law in H" in text for text in evidence.warnings)
    (folder / "scores" / "corpus.json").unlink()
    evidence = gather_evidence(PilotFolder(folder), 1e18, read_prior(), read_law())
    assert evidence.sources == ["prior", "runs"]
    assert evidence.h is None


def test_cells_that_have_not_started_carry_no_plan(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    table = RUNS.read(folder / "runs.csv")
    evidence = gather_evidence(PilotFolder(folder), 1e18, read_prior(), read_law())

    def judged(n):
        RUNS.write(folder / "runs.csv", [r | {"regime": "not started" if i < n else None} for i, r in enumerate(table)])
        pilot = PilotFolder(folder)
        return refusals(pilot, evidence, 1e18), cautions(pilot, evidence, 1e18, 0.95, [])

    refused, warnings = judged(int(0.8 * len(table)) + 1)
    assert "cells have certainly not started to learn" in refused[0]["reason"]
    assert refused[0]["remedy"].startswith("give the pilot more FLOPs or minutes")
    assert not any("not started" in text for text in warnings)
    refused, warnings = judged(5)
    assert refused == []
    assert any(f"5 of {len(table)} cells have certainly not started" in text for text in warnings)


def test_cells_on_no_common_compute_are_interpolated(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    table = RUNS.read(folder / "runs.csv")
    factor = {model: 1.27**i for i, model in enumerate(dict.fromkeys(row["model"] for row in table))}
    for row in table:
        row["C"] *= factor[row["model"]]
    RUNS.write(folder / "runs.csv", table)
    rows, _ = isoflop_rows(PilotFolder(folder), 0.95)
    between = [row for row in rows if row["kind"] == "between"]
    assert len({row["C"] for row in between}) == 6
    assert {row["C"] for row in rows if row["kind"] == "best"} <= {row["C"] for row in between}
    assert sum(row["kind"] == "measured" for row in rows) == len(table)


def test_the_law_stands_in_where_a_compute_has_no_valley(tmp_path):
    folder = PilotFolder(simulated_pilot(tmp_path / "p", hidden=(24, 32, 48, 64)))
    evidence = gather_evidence(folder, 1e18, None, None)
    rows, _ = isoflop_rows(folder, 0.95, evidence.runs)
    best = {row["C"] for row in rows if row["kind"] == "best"}
    own = [row for row in rows if row["kind"] == "law's best"]
    assert own
    assert not best & {row["C"] for row in own}
    for row in own:
        assert row["N"] == pytest.approx(evidence.runs.n_opt(row["C"], 0.95)[0])
        assert row["loss"] <= min(r["loss"] for r in rows if r["kind"] == "law" and r["C"] == row["C"]) * 1.0005


def test_the_next_round_narrows_the_band(plan):
    same, eight = plan.document["next"]
    assert (same["times"], eight["times"]) == (1.0, 8.0)
    assert 1 < eight["factor"] < same["factor"] < same["factor_now"]
    low, high = plan.document["N_interval"]
    assert same["factor_now"] == pytest.approx(np.sqrt(high / low))
    assert same["seconds"] is None
    assert same["C"] == pytest.approx(sum(run["C"] for run in same["runs"]))
    assert f"is expected to make that {eight['factor']:.2g}" in next_sentence(plan.document)


def test_a_timed_pilot_says_how_long_the_next_round_takes(tmp_path):
    folder = simulated_pilot(tmp_path / "p")
    edited(folder, "rounds/1.json", lambda design: design.update(seconds=600.0))
    evidence = gather_evidence(PilotFolder(folder), 1e18, read_prior(), read_law())
    rounds = next_rounds(PilotFolder(folder), evidence, 1e18, 0.95, evidence.split(1e18, 0.95))
    pilot_C = sum(run["C"] for run in read_json(folder / "rounds" / "1.json")["runs"])
    assert rounds[0]["seconds"] == pytest.approx(600 * rounds[0]["C"] / pilot_C)
    assert "minutes here" in next_sentence({"next": rounds})


@pytest.mark.parametrize("C", [1e13, 1e18])
def test_the_sum_lies_between_prior_and_runs_and_is_narrower_where_they_agree(pilot, C):
    evidence = gather_evidence(PilotFolder(pilot), C, read_prior(), read_law())
    before, runs = evidence.alone("H", C), evidence.alone("runs", C)
    (_, whole) = evidence.known(C)[-1]
    assert min(before.mean, runs.mean) <= whole.mean <= max(before.mean, runs.mean)
    assert before.apart(runs) < APART
    assert 1 / whole.sd**2 == pytest.approx(1 / before.sd**2 + 1 / runs.sd**2)
    low, high = evidence.split(C, 0.95)["N_interval"]
    assert np.log(high / low) == pytest.approx(2 * 1.96 * whole.sd, rel=1e-3)


def test_two_that_disagree_are_both_doubted():
    one, far = Told(10.0, 0.3), Told(14.0, 0.4)
    assert one.apart(far) == pytest.approx(8.0)
    whole = one.and_(far)
    assert whole.mean == pytest.approx((10 / 0.09 + 14 / 0.16) / (1 / 0.09 + 1 / 0.16))
    assert whole.sd == pytest.approx(0.24 * 8 / APART)
    assert one.and_(Told(10.5, 0.4)).sd == pytest.approx(0.24)
