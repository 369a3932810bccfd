"""``ziplaw covariates`` from files to a table that regress takes."""

import json

import numpy as np
import pytest
from houses import ROOT
from verbs import ended, refuses

from ziplaw.base.documents import read_json
from ziplaw.sweep.beside_laws import covariates_of
from ziplaw.tables.declared import MEASURED

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").split("\n## covariates.csv\n")[1].split("\n## ")[0]


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(ord(name)).geometric(0.1, 9000).astype(np.uint16))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys_of(value):
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from keys_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys_of(one)


def test_a_table_and_its_details(here, capsys):
    code, said, error = ended(capsys, "covariates", "a.npy", "b.npy", "-o", "c.csv", "--details", "d.json")
    assert code == 0, error
    assert said.splitlines() == ["c.csv: 2 rows", "d.json: errors, ranges and reasons"]
    assert error.count("read ") == 2
    rows = MEASURED.read("c.csv")
    assert [row["dataset"] for row in rows] == ["a.npy", "b.npy"]
    # what regress reads
    read = covariates_of("c.csv")
    assert read["bigram_information"] == {row["dataset"]: row["bigram_information"] for row in rows}
    document = read_json("d.json", "covariates")
    assert [one["covariates"] for one in document["datasets"]] == [
        {name: row[name] for name in MEASURED.names[1:]} for row in rows
    ]
    measured = [{key: one[key] for key in one if key != "source"} for one in document["datasets"]]
    assert [key for key in set(keys_of(measured)) if key not in PAGE] == []
    # its own outputs are replaced, and nothing else
    assert ended(capsys, "covariates", "b.npy", "-o", "c.csv", "--details", "d.json")[0] == 0
    (here / "mine.csv").write_text("dataset,mine\n")
    assert "mine.csv" in refuses(capsys, "covariates", "a.npy", "-o", "mine.csv")


def test_without_files_it_prints(here, capsys):
    code, said, _ = ended(capsys, "covariates", "a.npy", "--no-zstd", "--window", "64")
    assert code == 0
    assert "bigram_information" in said
    code, said, _ = ended(capsys, "covariates", "a.npy", "--no-zstd", "--json")
    assert json.loads(said)["datasets"][0]["covariates"]["zstd"] is None


def test_what_is_refused(here, capsys):
    assert "35 windows" not in refuses(capsys, "covariates", "a.npy", "--tokens", "10")
    assert "16 are needed" in refuses(capsys, "covariates", "a.npy", "--window", "1000")
    assert "PATHS" in refuses(capsys, "covariates")
