"""Trends under other learning rates: planted arms whose trends keep and change their signs, or that never start."""

from dataclasses import replace
from math import exp

import pytest
from houses import ROOT
from planted_study import planted_study, write_study

from ziplaw.studies.answers.training_arms import ANY, NOT_MEASURED, QUANTITIES, rows, summed_up
from ziplaw.studies.measured import read_study
from ziplaw.sweep.config import load_config
from ziplaw.tables.declared import DESIGN, RUNS

FAMILIES = (("v", 6), ("f", 6))


def planted(slope, seed=3):
    return planted_study(FAMILIES, effects={"H": slope}, scatter=0.02, noise=0.002, seed=seed).half("exploratory")


def folder_with(folder, **arms):
    write_study(folder, planted(8.0))
    for arm, runs in arms.items():
        (folder / "arms" / arm).mkdir(parents=True)
        RUNS.write(folder / "arms" / arm / "runs.csv", runs)
    return read_study(folder)


def first_seeds(study):
    least = {row["dataset"]: int(row["training_seeds"].split()[0]) for row in study.design}
    return [row for row in study.runs if row["seed"] == least[row["dataset"]]]


def summed(table, arm, covariate="H"):
    told = (row for row in table if (row["arm"], row["covariate"], row["kind"]) == (arm, covariate, ANY))
    return {row["quantity"]: row["verdict"] for row in told}


def test_signs_that_stay_and_change(tmp_path):
    study = folder_with(tmp_path, tuned=first_seeds(planted(9.0)), paper=first_seeds(planted(-8.0)))
    table = rows(study)
    assert summed(table, "tuned")["ln_N"] == "same sign"
    assert summed(table, "paper")["ln_N"] == "sign changes"
    assert set(summed(table, "tuned")) == set(QUANTITIES)
    wanted = ("paper", "H", "ln_N", "bounded")
    (one,) = [row for row in table if (row["arm"], row["covariate"], row["quantity"], row["kind"]) == wanted]
    assert one["n"] == one["datasets"] == 12
    assert one["slope_low"] < -8 < one["slope_high"]
    assert one["mup_low"] < 8 < one["mup_high"]
    assert one["change_low"] < -16 < one["change_high"]
    assert one["cells"] == 12 * 36


def test_another_covariate_is_told_where_the_study_has_it(tmp_path):
    study = folder_with(tmp_path, tuned=first_seeds(planted(9.0)))
    known = {name: {**values, "beyond_bigram": exp(-values["H"])} for name, values in study.covariates.items()}
    table = rows(replace(study, covariates=known))
    assert summed(table, "tuned", "beyond_bigram") == summed(table, "tuned")
    slopes = {row["covariate"]: row["slope"] for row in table if (row["quantity"], row["kind"]) == ("ln_N", "bounded")}
    assert slopes["beyond_bigram"] == pytest.approx(-slopes["H"])
    few = {name: {**values, "beyond_bigram": None} for name, values in study.covariates.items()}
    assert {row["covariate"] for row in rows(replace(study, covariates=few))} == {"H"}


def test_an_arm_that_has_not_started_measures_nothing(tmp_path):
    runs = [row | {"regime": "not started"} for row in first_seeds(planted(8.0))]
    table = rows(folder_with(tmp_path, paper=runs))
    assert set(summed(table, "paper").values()) == {NOT_MEASURED}
    assert {row["not_started"] for row in table} == {12 * 36}
    assert all(row["n"] == 0 for row in table if row["kind"] != ANY)


def test_no_arms_no_rows(tmp_path):
    assert rows(folder_with(tmp_path)) == []
    assert rows(planted(8.0)) == []
    few = [row for row in first_seeds(planted(8.0)) if row["dataset"] in ("ev01", "ef01")]
    assert set(summed(rows(folder_with(tmp_path / "few", tuned=few)), "tuned").values()) == {NOT_MEASURED}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (["same sign", "undecided", "not measured"], "same sign"),
        (["same sign", "sign changes"], "depends on the form"),
        (["sign changes", "undecided"], "sign changes"),
        (["undecided", "not measured"], "undecided"),
        (["not measured"], "not measured"),
    ],
)
def test_kinds_are_summed_up(said, verdict):
    assert summed_up([{"verdict": one} for one in said]) == verdict


def test_the_twelve_grammars_are_the_rules():
    # of each family, numbered in the order of H, evenly spaced ones with both ends
    paper, study = (load_config(ROOT / "config" / f"{name}.yaml") for name in ("study_paper", "study"))
    design = [row for row in DESIGN.read(ROOT / "results/reference/study/design.csv") if row["half"] == "exploratory"]
    wanted = []
    for family, count in (("varied", 5), ("vocabulary", 5), ("H", 2)):
        mine = [row for row in design if row["family"] == family]
        wanted += [mine[int(i * (len(mine) - 1) / (count - 1) + 0.5)]["dataset"] for i in range(count)]
    assert list(paper.datasets) == wanted
    for name, dataset in paper.datasets.items():
        assert dataset.grammar == study.datasets[name].grammar
        assert dataset.seeds == study.datasets[name].seeds[:1]
    for part in ("budgets", "corpus", "scoring"):
        assert getattr(paper, part) == getattr(study, part)
    assert paper.models == study.models
    assert (paper.training.arm, paper.recipe().learning_rate, paper.batch_documents()) == ("paper", 5e-5, 32)
