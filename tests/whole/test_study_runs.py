"""Any run of the study made anew is the one that was committed: three of them, from grammar to rows of runs.csv."""

import pytest
from houses import ROOT

from ziplaw.cli import main
from ziplaw.sweep.config import load_config

COMMITTED = ROOT / "results" / "reference" / "study" / "runs.csv"
CONFIG = load_config(ROOT / "config" / "study.yaml")
# one of each family; whole trunks of small models take seconds
RUNS = [("ev01", "h6"), ("ef02", "h8"), ("eh06", "h12")]


def options(settings, **names):
    return [
        word
        for key, value in settings.items()
        if value is not None
        for word in (f"--{names.get(key, key).replace('_', '-')}", str(value))
    ]


@pytest.mark.parametrize(("dataset", "model"), RUNS)
def test_a_run_made_anew_has_its_committed_rows(dataset, model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    seed = CONFIG.seeds_of(dataset)[-1]

    def ziplaw(*words):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert stop.value.code == 0, capsys.readouterr().err

    shape = options(
        CONFIG.datasets[dataset].grammar.model_dump(),
        n_nonterminals="nonterminals", n_terminals="terminals",
        max_rhs_options="rhs_options", max_rhs_length="rhs_length",
    )  # fmt: skip
    size = {"documents": CONFIG.train_documents(), **CONFIG.corpus.model_dump(exclude={"documents"})}
    training = CONFIG.training.model_dump(exclude={"ensemble"})
    where, run = f"corpora/{dataset}", f"runs/{dataset}/{model}/s{seed}"
    ziplaw("grammar", "new", *shape, "-o", "grammar.json")
    ziplaw("sample", "grammar.json", *options(size), "--threads", 1, "-o", where)
    ziplaw("score", where, "--dataset", dataset, *options(CONFIG.scoring.model_dump()), "-o", "score.json")
    ziplaw("floor", "grammar.json", "--corpus", where, "--dataset", dataset, "-o", "floor.json")
    ziplaw(
        "train", where, *options(CONFIG.models[model].model_dump(exclude_defaults=True)), *options(training),
        "--budgets", ",".join(map(str, CONFIG.budgets)), "--seed", seed, "--threads", 1, "-o", run,
    )  # fmt: skip
    ziplaw(
        "collect", f"{run}/run.json", "--corpus", where, "--score", "score.json", "--floor", "floor.json",
        "-o", "runs.csv",
    )  # fmt: skip
    header, *rows = COMMITTED.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if row.startswith(f"{dataset},{model},{seed},")]
    assert len(kept) == len(CONFIG.budgets)
    assert (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines() == [header, *kept]
