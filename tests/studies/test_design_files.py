"""A design from the command line to the files of a sweep."""

import json

import pytest

from ziplaw.base.documents import read_json
from ziplaw.cli import main
from ziplaw.studies.design_files import is_study_config
from ziplaw.sweep.config import load_config
from ziplaw.tables.declared import DESIGN

SMALL = "--candidates 20 --documents 20 --terminals 60 90 --one-vocabulary 80 --productions 60 120 --draws 200"


def run(line, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["design", *line.split(), *SMALL.split()])
    return stop.value.code, *capsys.readouterr()


def test_a_design_is_a_config_a_table_and_a_summary(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wanted = "--grammars 4 --fix-vocabulary 4 -o mine.yaml --table t.csv --summary s.json"
    code, said, error = run(wanted, capsys)
    assert code == 0, error
    assert "8 grammars of 20 candidates" in said
    config = load_config("mine.yaml")
    rows = DESIGN.read("t.csv")
    assert config.sweep == "mine"
    assert list(config.datasets) == [row["dataset"] for row in rows]
    for row in rows:
        dataset = config.datasets[row["dataset"]]
        assert dataset.grammar.seed == row["seed"]
        assert " ".join(map(str, dataset.seeds)) == row["training_seeds"]
    assert len(config.models) == len(config.budgets) == 6
    document = read_json("s.json", "design")
    assert document["request"]["varied"] == 4
    assert {line["quantity"] for line in document["power"]} == {"ln_N", "a", "alpha", "beta"}
    # the command that the config names makes the same bytes again, on other threads
    text = (tmp_path / "mine.yaml").read_text()
    assert "# ziplaw design --grammars 4 --fix-vocabulary 4 --candidates 20 --terminals 60 90" in text
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(f"{wanted} --threads 1", capsys)[0] == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    # edited, it is the user's
    assert is_study_config(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text(text.replace("seeds: [0]", "seeds: [1]"))
    assert not is_study_config(tmp_path / "mine.yaml")
    code, _, error = run("--grammars 4 -o mine.yaml", capsys)
    assert (code, error.count("\n")) == (2, 1)


def test_scatter_and_effects_as_given(capsys):
    code, said, error = run("--grammars 6 --halves 1 --scatter a=0.03 --effect a=0.2 --json", capsys)
    assert code == 0, error
    document = json.loads(said)
    assert document["scatter"]["a"] == {"sd": 0.03, "df": None, "source": "as given"}
    assert {line["change"] for line in document["power"] if line["quantity"] == "a"} == {0.2}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--grammars 0", "nothing to choose"),
        ("--scatter b=1", "'b=1' must be NAME=NUMBER"),
        ("--effect a=0", "'a=0' must be NAME=NUMBER"),
        ("--grammars 100", "10 candidates in the exploratory half, 50 grammars are wanted"),
        ("--grammars 0 --fix-H 4 --at-H 1.5", "0 candidates within 0.005 of H 1.500"),
    ],
)
def test_what_is_refused(line, words, capsys):
    code, _, error = run(line, capsys)
    assert (code, error.count("\n")) == (2, 1)
    assert words in error
