"""--checksums: beside which output they lie, what they name, and what they may not replace."""

import os

import pytest
from verbs import refuses, run

from ziplaw.base.checksums import read_checksums

TABLE = "N,D,loss\n" + "".join(
    f"{n}e6,{d}e8,{1.7 + 400 / (n * 1e6) ** 0.34 + 410 / (d * 1e8) ** 0.28}\n"
    for n in (1, 2, 4, 8)
    for d in (1, 2, 4, 8)
)


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)


FIT = ("fit", "t.csv", "--bootstrap", 100)


def test_without_the_option_nothing_is_written_beside(tmp_path):
    run(*FIT, "-o", "fit.json")
    assert sorted(os.listdir(tmp_path)) == ["fit.json", "t.csv"]


def test_they_name_what_was_made_and_read_and_are_replaced():
    for _ in range(2):
        run(*FIT, "-o", "fit.json", "--checksums")
    found = read_checksums("fit.json.sha256")
    assert (found.stage, list(found.made), list(found.read)) == ("FITTER", ["fit.json"], ["t.csv"])


def test_files_outside_of_a_sweep_are_not_named_in_it():
    run(*FIT, "-o", "results/try/fit.json", "--checksums")
    assert read_checksums("results/try/fit.json.sha256").read == {}


def test_they_replace_no_file_of_the_users(tmp_path, capsys):
    (tmp_path / "fit.json.sha256").write_text("mine\n")
    assert "fit.json.sha256" in refuses(capsys, *FIT, "-o", "fit.json", "--checksums")
    assert not (tmp_path / "fit.json").exists()


def test_they_need_an_output(capsys):
    assert "give one that is a file" in refuses(capsys, *FIT, "--checksums")
    assert "give one that is a file" in refuses(capsys, *FIT, "-o", "/dev/stdout", "--checksums")


def test_a_table_that_changed_since_is_not_fitted(tmp_path, capsys):
    run("fit", "t.csv", "--bootstrap", 100, "-o", "fit.json", "--plot", "fit.svg", "--checksums")
    assert set(read_checksums("fit.json.sha256").made) == {"fit.json", "fit.svg", "fit.csv"}
    (tmp_path / "fit.csv").write_text(TABLE)
    assert "fit.csv does not match" in refuses(capsys, "fit", "fit.csv")
    (tmp_path / "own.csv").write_text(TABLE)
    run("fit", "own.csv", "--bootstrap", 100)
