"""``ziplaw fit`` and ``fits-table``: sweeps, guessed columns, plain warnings, one line for nonsense."""

import json
import sys

import numpy as np
import pytest
from tables_of_laws import DATA, planted, table
from verbs import refuses, run

import ziplaw
from ziplaw.base.documents import read_csv, read_json, write_csv
from ziplaw.cli.laws.show_fit import show_other
from ziplaw.laws.forms import constrained, kaplan
from ziplaw.sweep.runs_table import regime
from ziplaw.tables.declared import RUNS


@pytest.fixture
def grid_csv(tmp_path):
    N, D, loss = planted(0.01)
    write_csv(tmp_path / "runs.csv", [{"Params": n, "Tokens": d, "val_loss": v} for n, d, v in zip(N, D, loss)])
    return tmp_path / "runs.csv"


def sweep_rows(dataset="d1", floor=1.2, unigram=4.3, law=(30, 300, 0.4, 0.5), seeds=1):
    rng = np.random.default_rng(0)
    rows = []
    for hidden in (8, 12, 16, 24, 48):
        for seed in range(seeds):
            for budget in 2 ** np.arange(15, 21):
                N = 50 * hidden**2
                loss = (floor or 1.0) + law[0] / N ** law[2] + law[1] / budget ** law[3]
                loss = min(loss * np.exp(0.01 * rng.normal()), unigram)
                r = None if floor is None else (loss - floor) / (unigram - floor)
                rows.append(
                    dict.fromkeys(RUNS.names)
                    | {"dataset": dataset, "model": f"h{hidden}", "seed": seed, "N": N, "budget": int(budget)}
                    | {
                        "D": int(budget),
                        "loss": loss,
                        "floor": floor,
                        "regime": regime(r),
                        "status": "finished",
                        "H": 0.35,
                    }
                )
    return rows


def test_sweep_writes_its_fit_and_repeats_to_the_byte(tmp_path):
    RUNS.write(tmp_path / "runs.csv", sweep_rows() + sweep_rows("d2"))
    for name in ("a", "b"):
        run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    fit = read_json(tmp_path / "a.json", "fit")
    assert fit["regime"] == "scaling"
    assert fit["reportable"] is True
    assert fit["n_scaling"] == sum(row["regime"] == "scaling" for row in sweep_rows())
    for variant in fit["variants"].values():
        assert variant["n"] == fit["n_scaling"]
        assert variant["converged"]
        for name in ("E", "A", "B", "alpha", "beta"):
            lo, hi = variant["intervals"][name]
            assert lo <= variant["parameters"][name] <= hi
        assert set(variant["intervals"]) == {"E", "A", "B", "alpha", "beta", "a", "b", "log10_G"}
        assert len(variant["covariance"]) == 5
        assert set(variant["holdout"]) == {"n", "rms_log_error", "cells"}
    assert fit["variants"]["floor"]["parameters"]["E"] == pytest.approx(1.2)
    assert "jackknife over 5 runs" in fit["variants"]["free"]["interval_method"]
    truth = {"alpha": 0.4, "beta": 0.5}
    for name, value in truth.items():
        lo, hi = fit["variants"]["floor"]["intervals"][name]
        assert lo < value < hi


def test_all_cells_can_be_asked_for(tmp_path):
    RUNS.write(tmp_path / "runs.csv", sweep_rows())
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "--cells", "all", "-o", tmp_path / "a.json")
    assert read_json(tmp_path / "a.json")["variants"]["free"]["n"] == 30


def test_dataset_that_has_not_started_is_fitted_but_not_reported(tmp_path):
    rows = sweep_rows(floor=0.3, unigram=7.0, law=(3e5, 3e5, 0.1, 0.05))
    RUNS.write(tmp_path / "runs.csv", rows)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["regime"] == "not started"
    assert fit["reportable"] is False
    assert "0 of 30 cells scale" in fit["reason"]


def test_dataset_without_a_floor_and_diverged_cells(tmp_path):
    rows = sweep_rows(floor=None)
    rows[3] |= {"loss": None, "status": "diverged"}
    RUNS.write(tmp_path / "runs.csv", rows)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["regime"] is None
    assert fit["reportable"] is True
    assert fit["variants"]["floor"] is None
    assert (fit["n_points"], fit["n_diverged"]) == (29, 1)


def test_dataset_with_too_few_cells_is_a_failed_fit_not_a_crash(tmp_path):
    RUNS.write(tmp_path / "runs.csv", sweep_rows()[:4])
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["reportable"] is False
    assert fit["variants"]["free"]["converged"] is False
    assert "4 rows" in fit["variants"]["free"]["message"]
    run("fits-table", tmp_path / "a.json", "-o", tmp_path / "fits.csv")
    assert read_csv(tmp_path / "fits.csv")[0]["alpha"] is None


def test_fits_carry_the_error_that_all_runs_share(tmp_path):
    rows = [row | {"loss_stderr": 0.01 + 0.001 * i, "valid_sources": 85} for i, row in enumerate(sweep_rows())]
    rows[0] |= {"loss": None, "loss_stderr": None, "status": "diverged"}
    RUNS.write(tmp_path / "runs.csv", rows)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["loss_stderr"] == pytest.approx(0.01 + 0.001 * 15)
    assert fit["valid_sources"] == 85
    run("fits-table", tmp_path / "a.json", "-o", tmp_path / "fits.csv")
    assert {(row["loss_stderr"], row["valid_sources"]) for row in read_csv(tmp_path / "fits.csv")} == {
        (fit["loss_stderr"], 85)
    }


def test_a_sweeps_own_small_models_are_meant(tmp_path, capsys):
    rows = [row | {"N": row["N"] // 10} for row in sweep_rows()]
    assert min(row["N"] for row in rows) < 1000
    RUNS.write(tmp_path / "runs.csv", rows)
    run("fit", tmp_path / "runs.csv", "--where", "dataset=d1", "--intervals", "delta")
    plain = [{key: row[key] for key in ("N", "D", "loss")} for row in rows]
    write_csv(tmp_path / "t.csv", plain)
    assert "units?" in refuses(capsys, "fit", tmp_path / "t.csv")


def test_fits_table_has_a_row_for_each_variant(tmp_path):
    RUNS.write(tmp_path / "runs.csv", sweep_rows(seeds=2) + sweep_rows("d0", floor=None))
    for name in ("d1", "d0"):
        run("fit", tmp_path / "runs.csv", "--dataset", name, "-o", tmp_path / f"{name}.json")
    run("fits-table", tmp_path / "d1.json", tmp_path / "d0.json", "-o", tmp_path / "fits.csv")
    rows = read_csv(tmp_path / "fits.csv")
    assert [(row["dataset"], row["variant"]) for row in rows] == [("d0", "free"), ("d1", "floor"), ("d1", "free")]
    assert all(row["alpha_lo"] <= row["alpha"] <= row["alpha_hi"] for row in rows)
    assert all(row["a"] == pytest.approx(row["beta"] / (row["alpha"] + row["beta"])) for row in rows)
    assert "over 10 runs" in rows[1]["interval_method"]


def test_guessed_columns_and_a_readable_table(grid_csv):
    text = run("fit", grid_csv, "--flops", "1e21").output
    assert "N = Params, D = Tokens" in text
    assert "loss = val_loss" in text
    assert "alpha" in text
    assert "1e+21*" in text  # outside the runs
    assert "\n1e+09* " in run("fit", grid_csv, "--flops", "1e9", "--anyway").output  # below the smallest, too
    assert "warning" not in text


def test_json_output_and_C_for_a_missing_column(tmp_path):
    N, D, loss = planted(0.01)
    write_csv(tmp_path / "t.csv", [{"N": n, "flops": 6 * n * d, "loss": v} for n, d, v in zip(N, D, loss)])
    document = json.loads(run("fit", tmp_path / "t.csv", "--json", "--intervals", "delta").stdout)
    assert document["columns"]["D"] == "flops/(6*N)"
    assert document["parameters"]["alpha"] == pytest.approx(0.35, abs=0.1)
    assert document["interval_method"].startswith("delta")


def test_tsv_and_parquet_give_what_csv_gives(tmp_path, grid_csv):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = read_csv(grid_csv)
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    (tmp_path / "t.tsv").write_text(grid_csv.read_text().replace(",", "\t"))
    texts = {run("fit", path, "--json").stdout for path in (grid_csv, tmp_path / "t.parquet", tmp_path / "t.tsv")}
    assert len(texts) == 1


def test_early_pcfg_runs_warn_and_print_no_allocation():
    table("pcfg_early_runs.csv")
    arguments = ["--n-column", "N_total", "--d-column", "unique_tokens*epoch", "--loss-column", "valid_loss"]
    text = run("fit", DATA / "pcfg_early_runs.csv", *arguments).output
    choice, _, guessed = run("fit", DATA / "pcfg_early_runs.csv").output.partition("\n")
    assert choice == "read: loss = valid_loss, not train_loss"
    assert text == guessed  # the same columns
    for words in ("NOT A USABLE LAW", "5 datasets in one fit", "poor fit", "mixed runs", "% below the law"):
        assert words in text, words
    assert "Compute-optimal" not in text
    one = run("fit", DATA / "pcfg_early_runs.csv", *arguments, "--where", "gzip_median=0.352539", "--where", "epoch=10")
    assert "NOT A USABLE LAW" in one.output


def test_ambiguous_loss_is_asked_about(capsys):
    table("gadre_models.csv")
    line = refuses(capsys, "fit", DATA / "gadre_models.csv", "--dataset", "rpj")
    assert "loss_c4_val" in line
    assert "--loss-column" in line


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.replace("\n", "\n1e8,1e9,-2.5\n", 1), "must be above 0"),
        (lambda t: t.replace("\n", "\n1e8,1e9,nan\n", 1), "loss is nan in row 1"),
        (lambda t: t.replace("\n", "\n1e8,1e9,\n", 1), "val_loss is empty in row 1"),
        (lambda t: t.replace("\n", "\n1e8,abc,2.5\n", 1), "Tokens is 'abc' in row 1"),
        (lambda t: "\n".join(t.splitlines()[:2]) + "\n", "1 row cannot hold"),
        (lambda t: t.splitlines()[0] + "\n", "no rows"),
        (lambda t: t + t.splitlines()[5] + "\n", "are the same N, D and loss"),
        (lambda t: t.replace("Tokens", "Whatever"), "no column for D"),
        (lambda t: "", "empty"),
        (lambda t: t.replace("\n", "\n1e300,1e9,2.5\n", 1), "N is 1e+300 in row 1, must be from 1e-30 to 1e+30"),
        (lambda t: t.replace("\n", "\n0,1e9,2.5\n", 1), "N is 0 in row 1"),
        (lambda t: t.replace("\n", "\n1e8,inf,2.5\n", 1), "Tokens is inf in row 1"),
        (lambda t: t.replace("Params", "val_loss"), "two columns named 'val_loss'"),
        (
            lambda t: t.replace("Params,Tokens,val_loss", "Ñ,トークン,損失"),
            "no column for loss among Ñ, トークン, 損失",
        ),
        (lambda t: t.replace("\n", "\n1,2,3,4\n", 1), "more cells than the header"),
    ],
)
def test_nonsense_tables_get_one_clear_line(grid_csv, capsys, edit, message):
    grid_csv.write_text(edit(grid_csv.read_text()))
    assert message in refuses(capsys, "fit", grid_csv)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "x"], "no column named dataset"),
        (["--where", "Params"], "COLUMN=VALUE"),
        (["--where", "Nope=1"], "no column 'Nope'"),
        (["--fix-floor"], "floor"),
        (["--excess"], "floor"),
        (["--serve", "1e12"], "go together"),
        (["--level", "95"], "'--level': 95 must be from 0.01 to 0.9999"),
        (["--intervals", "jackknife"], "--cluster"),
        (["--d-column", "a*b"], "no column 'a'"),
        (["--law", "data-constrained"], "--u-column"),
        (["--target-loss", "0.5", "--serve", "1e12"], "not above the law's floor"),
        (["--delta", "-1"], "delta"),
        (["--flops", "-1"], "'--flops': -1 must be from 1 to 1e+40 FLOPs"),
        (["--at", "7e9"], "write N,D"),
        (["--at", "7e9,0"], "'--at': 0 must be from 1"),
        (["--plot", "law.gif"], "name it .svg, .png or .pdf"),
        (["--plot", "law.svg", "--law", "kaplan"], "the law chinchilla"),
        (["--plot", "law.svg", "--compare"], "the law chinchilla"),
        (["--weight-column", "weight"], "no column 'weight'"),
        (["--seed", "-1"], "'--seed': -1"),
        (["--law", "kaplan", "--tie"], "--tie would not be used with --law kaplan"),
        (["--law", "power", "--flops", "1e21", "--at", "1e9,1e10"], "--at, --flops would not be used with --law power"),
        (["--compare", "--bootstrap", "300"], "--bootstrap would not be used with --compare"),
        (["-x", "N"], "-x would not be used with --law chinchilla"),
        (["--cells", "all"], "--cells would not be used"),
    ],
)
def test_bad_options_get_one_clear_line(grid_csv, capsys, arguments, message):
    assert message in refuses(capsys, "fit", grid_csv, *arguments)


def test_options_that_a_sweeps_dataset_does_not_take(tmp_path, capsys):
    RUNS.write(tmp_path / "runs.csv", sweep_rows())
    for option in (["--flops", "1e12"], ["--fix-e", ".1"], ["--compare"], ["--n-column", "N"]):
        text = refuses(capsys, "fit", tmp_path / "runs.csv", "--dataset", "d1", *option)
        assert f"{option[0]} would not be used with a sweep's dataset: --where dataset=NAME" in text


def test_a_document_is_no_table(grid_csv, capsys):
    (document := grid_csv.with_name("law.json")).write_text("{}")
    assert "is JSON, no table" in refuses(capsys, "fit", document)


def test_kept_duplicates(grid_csv, capsys):
    text = grid_csv.read_text()
    grid_csv.write_text(text + text.splitlines()[5] + "\n")
    assert "37 rows" in run("fit", grid_csv, "--keep-duplicates").output


def test_a_missing_package_is_named_with_its_remedy(grid_csv, capsys, monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (path := grid_csv.with_suffix(".parquet")).write_bytes(b"PAR1 and more")
    assert "pip install pyarrow" in refuses(capsys, "fit", path)


def test_columns_in_any_script_can_be_named(grid_csv):
    grid_csv.write_text(grid_csv.read_text().replace("Params,Tokens,val_loss", "Ñ,トークン,損失"))
    named = ["--n-column", "Ñ", "--d-column", "トークン", "--loss-column", "損失"]
    assert "loss = 損失, N = Ñ" in run("fit", grid_csv, *named).output


def test_prediction_and_serving_plan_carry_intervals(grid_csv):
    arguments = ["--at", "2e9,2e11", "--serve", "1e12", "--target-loss", "2.6", "--json"]
    for method in ("case", "delta"):
        document = json.loads(run("fit", grid_csv, *arguments, "--intervals", method).stdout)
        (point,) = document["predictions"]
        assert point["interval"][0] < point["loss"] < point["interval"][1]
        plan = document["serving"]
        assert (plan["intervals"] is None) == (method == "delta")
        for key, (lo, hi) in (plan["intervals"] or {}).items():
            assert lo < plan[key] < hi
    text = run("fit", grid_csv, *arguments[:-1]).output
    assert "To serve 1e+12 tokens" in text
    assert "loss at N 2e+09" in text


def test_weights_from_a_column(tmp_path):
    N, D, loss = planted(0.01)
    rows = [{"N": n, "D": d, "loss": v * (9 if i == 7 else 1), "w": float(i != 7)}
            for i, (n, d, v) in enumerate(zip(N, D, loss))]  # fmt: skip
    write_csv(tmp_path / "t.csv", rows)
    found = json.loads(run("fit", tmp_path / "t.csv", "--weight-column", "w", "--json").stdout)["parameters"]
    keep = np.arange(36) != 7
    assert found["alpha"] == pytest.approx(ziplaw.fit(N[keep], D[keep], loss[keep]).alpha, rel=1e-6)


def test_plot_draws_every_row_and_repeats_to_the_byte(grid_csv, tmp_path):
    for name in ("one", "two"):
        run("fit", grid_csv, "--plot", tmp_path / f"{name}.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    rows = read_csv(tmp_path / "one.csv")
    assert {row["panel"] for row in rows} == {"curves", "residuals", "frontier", "profile"}
    assert sum(row["panel"] == "curves" for row in rows) == sum(row["panel"] == "residuals" for row in rows) == 36
    fitted = ziplaw.fit(*planted(0.01))
    for row in rows:
        if row["panel"] == "residuals":
            assert row["y"] == pytest.approx(100 * (np.exp(-fitted.residuals[row_of(fitted, row)]) - 1), abs=1e-9)
        if row["panel"] == "frontier":
            assert row["N"] == pytest.approx(fitted.allocate(C=row["C"]).N, rel=1e-9)
    for name, estimate in (("E", fitted.E), ("alpha", fitted.alpha), ("beta", fitted.beta)):
        profile = [row for row in rows if row["series"] == name]
        lowest = min(profile, key=lambda row: row["y"])
        assert abs(lowest["x"] - estimate) <= profile[1]["x"] - profile[0]["x"]
        assert profile[0]["y"] > 1 < profile[-1]["y"]


def row_of(fitted, row):
    """Index of the row of a fit with the N and D of a row of the figure's table."""
    return int(np.flatnonzero((fitted.N == row["N"]) & (fitted.D == row["D"]))[0])


def test_plot_of_an_unusable_law_draws_no_frontier(tmp_path):
    N, D, loss = planted(0.4)
    write_csv(tmp_path / "t.csv", [{"N": n, "D": d, "loss": v} for n, d, v in zip(N, D, loss)])
    run("fit", tmp_path / "t.csv", "--plot", tmp_path / "law.svg")
    assert "frontier" not in {row["panel"] for row in read_csv(tmp_path / "law.csv")}


def test_other_laws_say_what_follows_from_them(tmp_path, capsys):
    rng = np.random.default_rng(0)
    N, D, U = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 5e9, 5), np.geomspace(1e8, 5e10, 6), [1e8, 1e9]))
    U = np.minimum(U, D)
    loss = constrained.data_constrained_loss(N, D, U) * np.exp(0.002 * rng.normal(size=N.size))
    rows = [dict(zip(("N", "D", "U", "loss"), map(float, row))) for row in zip(N, D, U, loss)]
    write_csv(tmp_path / "t.csv", rows)
    arguments = ["--law", "data-constrained", "--bootstrap", "100", "--flops", "1e20", "--keep-duplicates"]
    document = json.loads(run("fit", tmp_path / "t.csv", *arguments, "--json").stdout)
    (plan,) = document["allocation"]
    assert plan["U"] == 1e9
    published = constrained.repeating_plan(1e20, 1e9)
    assert plan["N"] == pytest.approx(published.N, rel=0.1)
    assert plan["intervals"]["loss"][0] < plan["loss"] < plan["intervals"]["loss"][1]
    show_other(document)
    assert "with 1e+09 unique tokens" in capsys.readouterr().out
    kaplan_csv = tmp_path / "k.csv"
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 2e10, 6)))
    loss = kaplan.joint_loss(N, D) * np.exp(0.002 * rng.normal(size=N.size))
    write_csv(kaplan_csv, [{"N": n, "D": d, "loss": v} for n, d, v in zip(N, D, loss)])
    bound = json.loads(run("fit", kaplan_csv, "--law", "kaplan", "--json").stdout)["overfitting_bound"]
    for name, value in zip("kp", kaplan.overfitting_bound(0.02)):
        assert bound[f"{name}_interval"][0] < value < bound[f"{name}_interval"][1]


def test_other_laws_and_comparison(grid_csv):
    text = run("fit", grid_csv, "--law", "kaplan", "--bootstrap", "300").output
    assert "alpha_N" in text
    assert "300 refits" in text
    text = run("fit", grid_csv, "--compare").output
    assert "holdout_rms" in text
    assert "kaplan-coupled" in text
