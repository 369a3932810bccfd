"""``ziplaw arms``: a file an arm or a column of arms, text and JSON, and what it refuses in one line."""

import json
import re
import shlex

import click
import numpy as np
import pytest
from designs import LAW, grid
from houses import ROOT
from verbs import run

import ziplaw.cli
from ziplaw.base.documents import write_csv
from ziplaw.laws.forms.chinchilla import additive


def rows(factor, seed, **more):
    N, D = grid(5, 5)
    noise = np.exp(0.003 * np.random.default_rng(seed).standard_normal(len(N)))
    loss = additive(LAW, N, factor * D) * noise
    return [{"N": n, "D": d, "val_loss": v} | more for n, d, v in zip(N, D, loss)]


@pytest.fixture
def folder(tmp_path):
    write_csv(tmp_path / "adamw.csv", rows(1.0, 0))
    write_csv(tmp_path / "muon.csv", rows(1.5, 1))
    both = rows(1.0, 0, optimizer="adamw") + rows(1.5, 1, optimizer="muon") + rows(0.7, 2, optimizer="sgd")
    write_csv(tmp_path / "both.csv", both)
    return tmp_path


def refusal(*arguments):
    with pytest.raises((click.ClickException, ziplaw.ZiplawError)) as caught:
        ziplaw.cli.command(["arms", *map(str, arguments)], standalone_mode=False)
    return str(getattr(caught.value, "message", caught.value))


def test_two_files_are_two_arms(folder):
    text = run("arms", folder / "adamw.csv", folder / "muon.csv", "--bootstrap", "100", "--size", "1B").output
    assert "muon.csv against" in text
    assert "25 and 25 runs, 25 in pairs, a grid of N and D" in text
    assert "times the compute; each parameter" in text
    assert "one factor for all C? nothing says otherwise" in text
    assert "tokens of the base that one of the arm's is worth" in text


def test_a_column_tells_arms_apart(folder):
    arguments = ["arms", folder / "both.csv", "--column", "optimizer", "--bootstrap", "100", "--json"]
    document = json.loads(run(*arguments).stdout)
    assert (document["base"], document["loss_unit"]) == ("adamw", "nats per token")
    found = {row["arm"]: row["factor"]["interval"] for row in document["arms"]}
    assert found["muon"][0] < 1.5 < found["muon"][1]
    assert found["sgd"][0] < 0.7 < found["sgd"][1]
    document = json.loads(run(*arguments, "--base", "muon").stdout)
    assert [row["arm"] for row in document["arms"]] == ["adamw", "sgd"]


def keys_of(document):
    """Every key at any depth, but those of models and parameters, which are many."""
    if isinstance(document, list):
        return set().union(*map(keys_of, document)) if document else set()
    if not isinstance(document, dict):
        return set()
    return set(document).union(*map(keys_of, document.values()))


def test_the_page_of_formats_names_every_key(folder):
    arguments = ["--bootstrap", "100", "--size", "1e9", "--json"]
    document = json.loads(run("arms", folder / "adamw.csv", folder / "muon.csv", *arguments).stdout)
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page.split("\n## arms\n")[1].split("\n## ")[0]
    named = {word for quoted in re.findall(r"`([^`]*)`", section) for word in quoted.split()}
    assert keys_of(document) <= named


PAGE = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^    ziplaw (arms .*)$", PAGE, re.MULTILINE))
def test_commands_of_the_page_run(line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name, source in (("runs", "both"), ("web", "adamw"), ("code", "muon")):
        (folder / f"{name}.csv").write_bytes((folder / f"{source}.csv").read_bytes())
    assert "times the compute" in run(*shlex.split(line), "--bootstrap", "100").output


def test_python_of_the_page_runs():
    N, D = grid(5, 5)
    loss, other_loss = (additive(LAW, N, factor * D) * (1 + 1e-3 * np.sin(N)) for factor in (1.0, 1.5))
    block = next(text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "compare_arms" in text)
    exec(block, {"N": N, "D": D, "loss": loss, "other_loss": other_loss})


def test_what_it_refuses(folder):
    both = folder / "both.csv"
    assert refusal(folder / "adamw.csv").startswith("one arm alone: give a file for each arm, or --column")
    assert refusal(both, "--column", "optimizer", "--where", "optimizer=sgd") == (
        "one arm alone: optimizer is sgd throughout"
    )
    assert "there is no column 'arm'" in refusal(both, "--column", "arm")
    assert "there is no arm 'lion': choose one of adamw, muon, sgd" in refusal(
        both, "--column", "optimizer", "--base", "lion"
    )
    assert "give one" in refusal(both, both, "--column", "optimizer")
    other = [{("train_loss" if key == "val_loss" else key): v for key, v in row.items()} for row in rows(1.5, 1)]
    write_csv(folder / "train.csv", other)
    assert "compare one evaluation in one unit" in refusal(folder / "adamw.csv", folder / "train.csv")
