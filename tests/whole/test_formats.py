"""docs/formats.md names every key and column that the program writes."""

import json
import re

import numpy as np
import pytest
import zstandard
from houses import ROOT
from splits_in_H import sweep_of_splits

from ziplaw.cli import main
from ziplaw.corpora import scoring
from ziplaw.corpora.scoring import score_builtin
from ziplaw.corpora.storage.format import CorpusWriter, open_corpus
from ziplaw.laws.dependence.splits.split_on_H import split_on_H
from ziplaw.sweep.fits_table import PARAMETERS
from ziplaw.tables.declared import DECLARED

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def documented(section):
    """Every word in code quotes of a section of the page."""
    body = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {word for quoted in re.findall(r"`([^`]*)`", body) for word in quoted.split()}


DATA_PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in DATA_PAGE.splitlines() if line.startswith("    ziplaw ")]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """The files that the commands of docs/data.md are about."""
    folder = tmp_path_factory.mktemp("data")
    text = "".join(f"def f{i}(x):  # the {i % 17}th of many\n    return x + {i}\n\n" for i in range(20_000))
    (folder / "my_code").mkdir()
    for i in range(20):
        (folder / "my_code" / f"m{i}.py").write_text(text[i * 50_000 :][:50_000])
    (folder / "notes.txt").write_text(text[:50_000])
    (folder / "data.jsonl.zst").write_bytes(zstandard.compress(json.dumps({"text": text[:50_000]}).encode()))
    (folder / "mail.jsonl").write_text("".join(json.dumps({"text": text[i:][:999]}) + "\n" for i in range(40)))
    (folder / "docs").mkdir()
    (folder / "docs" / "page.md").write_text(text[50_000:400_000])
    (folder / "my_dataset").mkdir()
    (folder / "my_dataset" / "README.md").write_text("Nested records.")
    (folder / "my_dataset" / "train.jsonl").write_text(json.dumps({"data": {"text": text[:50_000]}}) + "\n")
    np.save(folder / "ids.npy", np.arange(5000, dtype=np.uint16))
    return folder


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_data_page_run(line, data_folder, monkeypatch, capsys):
    monkeypatch.chdir(data_folder)
    monkeypatch.setattr(scoring, "TEXT_BYTES", 1 << 18)
    words = line.replace("--documents 4096", "--documents 128").split()[1:]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--samples", "30"] if words[0] == "score" else words)
    assert stop.value.code == 0, capsys.readouterr().err


def test_the_data_page_has_commands():
    assert len(COMMANDS) >= 5


def test_corpus(tmp_path):
    with CorpusWriter(tmp_path, 1, 1, 8, 10, {}) as writer:
        writer.train[:] = np.arange(8)
    meta = open_corpus(tmp_path).meta
    assert set(meta) - {"kind", "format", "sha256"} <= documented("corpus")


@pytest.mark.parametrize("tokenizer", ["bytes"])
def test_score(tokenizer):
    assert set(score_builtin("prose", tokenizer, samples=2)) <= documented("score")


# the table's section, and the columns that its words stand for
SECTIONS = {"curve.csv": "run", "architectures.csv": "figures/architectures.csv"}
FAMILIES = {"fits.csv": [f"{name}{end}" for name in PARAMETERS for end in ("", "_lo", "_hi")]}


@pytest.mark.parametrize("name", DECLARED)
def test_columns(name):
    columns = set(DECLARED[name].names) - set(FAMILIES.get(name, ()))
    assert columns <= documented(SECTIONS.get(name, name))


def test_the_split_of_a_regression():
    split, _ = split_on_H(*sweep_of_splits(5))
    entry = split["by"]["bounded"]
    parts = [split, entry, split["choice"]["bounded"], *entry["lines"].values(), split["datasets"][0]]
    parts += [
        entry["covariates"][1],
        entry["covariates"][1]["ln_N"],
        split["multiplicity"],
        split["rivals"],
        split["disagreement"],
    ]
    parts += [split["datasets"][0]["splits"]["bounded"], split["disagreement"]["datasets"][0], {"split_message": ""}]
    assert {key for part in parts for key in part} <= documented("regression")
