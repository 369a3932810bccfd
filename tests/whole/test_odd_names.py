"""Datasets and models whose names look like numbers, truth values or nothing keep them through the whole chain."""

import csv
import json

import pytest
from synthetic_sweep import build
from verbs import run

from ziplaw.base.documents import read_json
from ziplaw.report.figures import FIGURES

NAMES = ("007", "1_2", "1e5", "nan", "inf", "true")
MODELS = {6: "007", 8: "1_2", 12: "1e5", 16: "nan", 24: "inf", 32: "true"}


def column(path, name):
    """The texts of one column of a CSV, whatever they look like."""
    with open(path, newline="") as stream:
        return {row[name] for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep folder whose tables, fits and figures the command line made from its runs."""
    folder = build(tmp_path_factory.mktemp("odd") / "names", NAMES, models=MODELS, references=False, presets=False)
    tables = []
    for name in NAMES:
        beside = ["--corpus", folder / "corpora" / name, "--score", folder / "scores" / f"{name}.json"]
        beside += ["--floor", folder / "floors" / f"{name}.json"]
        tables.append(folder / "runs" / name / "runs.csv")
        run("collect", *sorted((folder / "runs" / name).glob("*/*/run.json")), *beside, "-o", tables[-1])
    runs, fits = folder / "runs.csv", [folder / "fits" / f"{name}.json" for name in NAMES]
    run("collect", *tables, "-o", runs)
    for name, path in zip(NAMES, fits):
        run("fit", runs, "--dataset", name, "--bootstrap", 100, "-o", path)
    run("fits-table", *fits, "-o", folder / "fits.csv")
    run("regress", "--runs", runs, "--fits", *fits, "--scores", folder / "scores", "--bootstrap", 0,
        "-o", folder / "regression.json", "--claims", folder / "claims.csv")  # fmt: skip
    run("frontier", "--regression", folder / "regression.json", "--fits", *fits, "-o", folder / "frontier.csv")
    for kind in FIGURES:
        run("plot", kind, "--sweep-dir", folder, "-o", folder / "figures" / f"{kind}.svg")
    run("report", "--sweep-dir", folder, "-o", folder / "report.html")
    return folder


def test_tables_hold_the_names_as_they_are(sweep):
    assert column(sweep / "runs.csv", "dataset") == set(NAMES)
    assert column(sweep / "runs.csv", "model") == set(MODELS.values())
    assert column(sweep / "fits.csv", "dataset") == set(NAMES)
    assert set(NAMES) <= column(sweep / "frontier.csv", "source")


def test_every_dataset_takes_part_in_the_regression(sweep):
    regression = read_json(sweep / "regression.json", "regression")
    assert [entry["dataset"] for entry in regression["datasets"]] == list(NAMES)
    assert regression["left_out"] == []
    for name in NAMES:
        assert read_json(sweep / "fits" / f"{name}.json", "fit")["dataset"] == name


def test_figures_show_them(sweep):
    for kind in ("training_curves", "loss_contours", "parameters_vs_h", "predicted_vs_measured"):
        assert set(NAMES) <= column(sweep / "figures" / f"{kind}.csv", "dataset"), kind
    assert column(sweep / "figures" / "training_curves.csv", "model") == {*MODELS.values(), ""}  # of the floor: none
    assert column(sweep / "figures" / "predicted_vs_measured.csv", "model") == set(MODELS.values())
    assert set(NAMES) <= column(sweep / "figures" / "frontiers.csv", "source")


def test_the_report_shows_them(sweep):
    page = (sweep / "report.html").read_text()
    for name in NAMES:
        assert f">{name}<" in page, name


def test_covariates_find_their_datasets(sweep, tmp_path):
    (tmp_path / "c.csv").write_text("dataset,zstd\n" + "".join(f"{n},{0.2 + i / 20}\n" for i, n in enumerate(NAMES)))
    fits = [sweep / "fits" / f"{name}.json" for name in NAMES]
    found = json.loads(
        run("regress", "--runs", sweep / "runs.csv", "--fits", *fits, "--covariates", tmp_path / "c.csv",
            "--bootstrap", 0, "--json").stdout
    )  # fmt: skip
    assert "zstd" not in found["comparison"]["skipped"]
    assert {"H", "zstd"} <= {row["covariate"] for row in found["comparison"]["rows"]}


@pytest.mark.parametrize("name", NAMES)
def test_one_of_them_can_be_asked_for(sweep, name, tmp_path):
    run("plot", "training_curves", "--sweep-dir", sweep, "--dataset", name, "-o", tmp_path / "one.svg")
    assert column(tmp_path / "one.csv", "dataset") == {name}
