"""How the arm tuned of the study came to its rates: by bench/study/rates.py, from runs of five rates at each width."""

import importlib.util
import math

import yaml
from houses import ROOT

from ziplaw.base.documents import read_csv
from ziplaw.sweep.config import Model, parse_config

_spec = importlib.util.spec_from_file_location("rates", ROOT / "bench" / "study" / "rates.py")
tuning = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tuning)

MODELS = {f"h{h}_r{i}": Model(hidden=h, layers=2, learning_rate=i / 100) for h in (6, 8) for i in (1, 2, 3)}


def run(model, excess, dataset="a", budget=1, **more):
    return {"model": model, "dataset": dataset, "seed": 0, "budget": budget, "floor": 1.0, "loss": 1 + excess,
            "loss_stderr": 0.01, "status": "finished"} | more  # fmt: skip


def test_the_rate_of_the_least_loss_is_chosen():
    runs = [run(f"h6_r{i}", e, d) for d in "ab" for i, e in ((1, 0.5), (2, 0.4), (3, 0.45))]
    runs += [run("h8_r1", 0.3), run("h8_r2", 0.2), run("h8_r3", 0.1, status="diverged")]
    # a cell at the floor says nothing of rates
    runs += [run("h8_r1", 0.2, "b"), run("h8_r2", 0.001, "b"), run("h8_r3", 0.2, "b")]
    rows = tuning.rates(runs, MODELS)
    assert [row["learning_rate"] for row in rows if row["chosen"]] == [0.02, 0.02]
    assert [row["cells"] for row in rows] == [2, 2, 2, 1, 1, 0]
    assert rows[1]["mean_ln_excess"] == float(f"{math.log(0.4):.9g}")
    assert (rows[5]["diverged"], rows[5]["mean_ln_excess"]) == (1, None)


def test_the_committed_config_is_that_of_the_committed_rates():
    rows = read_csv(ROOT / "results/reference/study/rates.csv")
    chosen = {row["hidden"]: row["learning_rate"] for row in rows if row["chosen"]}
    paper = (ROOT / "config/study_paper.yaml").read_text()
    assert (ROOT / "config/study_tuned.yaml").read_text() == tuning.tuned_config(paper, chosen)
    for hidden, rate in chosen.items():
        mine = [row for row in rows if row["hidden"] == hidden]
        assert min(mine, key=lambda row: row["mean_ln_excess"])["learning_rate"] == rate


def test_the_config_of_the_arm_has_them():
    paper = (ROOT / "config" / "study_paper.yaml").read_text()
    chosen = dict(zip((6, 8, 12, 16, 24, 32), (0.04, 0.04, 0.02, 0.02, 0.01, 0.01)))
    made = parse_config(yaml.safe_load(tuning.tuned_config(paper, chosen)))
    assert {model.hidden: model.learning_rate for model in made.models.values()} == chosen
    assert (made.sweep, made.training.arm) == ("study_tuned", "tuned")
    assert made.datasets == parse_config(yaml.safe_load(paper)).datasets
