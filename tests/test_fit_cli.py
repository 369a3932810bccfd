"""``ziplaw fit`` and ``fits-table``: sweeps, guessed columns, plain warnings, one line for nonsense."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from test_fit import DATA, planted, table
from ziplaw.cli import command, main
from ziplaw.io import read_csv, read_json, write_csv
from ziplaw.tables import COLUMNS, regime


def run(*arguments):
    """Run the command line; return what it printed. A failure of it is the caller's."""
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)


def refuses(capsys, *arguments):
    """Run as a user does and return the one line of the refusal."""
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return lines[-1]


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
                    dict.fromkeys(COLUMNS)
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
    write_csv(tmp_path / "runs.csv", sweep_rows() + sweep_rows("d2"), COLUMNS)
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
    write_csv(tmp_path / "runs.csv", sweep_rows(), COLUMNS)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "--cells", "all", "-o", tmp_path / "a.json")
    assert read_json(tmp_path / "a.json")["variants"]["free"]["n"] == 30


def test_dataset_that_has_not_started_is_fitted_but_not_reported(tmp_path):
    rows = sweep_rows(floor=0.3, unigram=7.0, law=(3e5, 3e5, 0.1, 0.05))
    write_csv(tmp_path / "runs.csv", rows, COLUMNS)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["regime"] == "not started"
    assert fit["reportable"] is False
    assert "0 of 30 cells scale" in fit["reason"]


def test_dataset_without_a_floor_and_diverged_cells(tmp_path):
    rows = sweep_rows(floor=None)
    rows[3] |= {"loss": None, "status": "diverged"}
    write_csv(tmp_path / "runs.csv", rows, COLUMNS)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["regime"] is None
    assert fit["reportable"] is True
    assert fit["variants"]["floor"] is None
    assert (fit["n_points"], fit["n_diverged"]) == (29, 1)


def test_dataset_with_too_few_cells_is_a_failed_fit_not_a_crash(tmp_path):
    write_csv(tmp_path / "runs.csv", sweep_rows()[:4], COLUMNS)
    run("fit", tmp_path / "runs.csv", "--dataset", "d1", "-o", tmp_path / "a.json")
    fit = read_json(tmp_path / "a.json")
    assert fit["reportable"] is False
    assert fit["variants"]["free"]["converged"] is False
    assert "4 rows" in fit["variants"]["free"]["message"]
    run("fits-table", tmp_path / "a.json", "-o", tmp_path / "fits.csv")
    assert read_csv(tmp_path / "fits.csv")[0]["alpha"] is None


def test_fits_table_has_a_row_for_each_variant(tmp_path):
    write_csv(tmp_path / "runs.csv", sweep_rows(seeds=2) + sweep_rows("d0", floor=None), COLUMNS)
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
    assert "1e+21*" in text  # beyond the largest run
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
        (["--level", "95"], "between 0 and 1"),
        (["--intervals", "jackknife"], "--cluster"),
        (["--d-column", "a*b"], "no column 'a'"),
        (["--law", "data-constrained"], "--u-column"),
        (["--target-loss", "0.5", "--serve", "1e12"], "not above the law's floor"),
        (["--delta", "-1"], "delta"),
        (["--flops", "-1"], "C is"),
    ],
)
def test_bad_options_get_one_clear_line(grid_csv, capsys, arguments, message):
    assert message in refuses(capsys, "fit", grid_csv, *arguments)


def test_kept_duplicates(grid_csv, capsys):
    text = grid_csv.read_text()
    grid_csv.write_text(text + text.splitlines()[5] + "\n")
    assert "37 rows" in run("fit", grid_csv, "--keep-duplicates").output


def test_serving_plan_other_laws_and_comparison(grid_csv):
    assert "To serve 1e+12 tokens" in run("fit", grid_csv, "--serve", "1e12", "--target-loss", "2.6").output
    text = run("fit", grid_csv, "--law", "kaplan", "--bootstrap", "100").output
    assert "alpha_N" in text
    text = run("fit", grid_csv, "--compare").output
    assert "holdout_rms" in text
    assert "kaplan-coupled" in text
