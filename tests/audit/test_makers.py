"""provenance.json: what made a sweep, documented key by key, and refused of damaged results."""

import re

import pytest
from houses import ROOT
from tiny_sweep import FOLDER
from verbs import refuses, run

from ziplaw import versions
from ziplaw.audit import makers
from ziplaw.base.checksums import write_checksums
from ziplaw.base.documents import read_json, sha256_file, write_csv, write_json

pytestmark = pytest.mark.no_gpu


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Two runs, by a CPU and by a GPU, and their table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(makers, "_gpus", lambda: ["NVIDIA H100"])
    for model, execution in (("h4", {"device": "cpu", "step": "compiled"}), ("h8", {"device": "cuda"})):
        place = tmp_path / FOLDER / "runs" / "low" / model / "s0"
        write_csv(place / "curve.csv", [{"kind": "log"}])
        run_ = {"curve_sha256": sha256_file(place / "curve.csv"), "versions": {"ziplaw_trainer": 2}}
        write_json(place / "run.json", run_ | {"execution": execution}, kind="run")
    write_csv(f"{FOLDER}/runs.csv", [{"loss": 1.5}])
    write_checksums([f"{FOLDER}/runs.csv"], [], "TABLES", 2)
    return tmp_path


def test_it_says_what_made_everything_and_is_documented():
    run("provenance", FOLDER)
    found = read_json(f"{FOLDER}/provenance.json", "provenance")
    assert found["made_by"] == {"TABLES": [2]}
    assert found["trained_by"] == [
        {"trainer": 2, "execution": "cpu, compiled", "runs": 1},
        {"trainer": 2, "execution": "cuda", "runs": 1},
    ]
    assert found["versions"]["TRAINER"] == versions.TRAINER
    assert found["files"]["runs.csv"] == sha256_file(f"{FOLDER}/runs.csv")
    assert len(found["files"]) == 6
    assert found["machine"]["gpus"] == ["NVIDIA H100"]
    page = (ROOT / "docs" / "formats.md").read_text().split("\n## provenance\n")[1].split("\n## ")[0]
    words = {word for quoted in re.findall(r"`([^`]*)`", page) for word in quoted.split()}
    keys = {*found, *found["machine"], *found["trained_by"][0]} - {"kind", "format", "sha256"}
    assert keys <= words


def test_it_names_no_host_user_or_path(folder):
    import getpass
    import socket

    run("provenance", FOLDER)
    text = (folder / FOLDER / "provenance.json").read_text()
    for private in (socket.gethostname(), str(folder), str(ROOT)):
        assert private not in text
    assert f'"{getpass.getuser()}"' not in text


def test_the_config_decides_which_files_are_named(folder):
    (folder / "try.yaml").write_text(
        "sweep: try\nbudgets: [1024]\nmodels: {h4: {hidden: 4, layers: 1}}\n"
        "datasets: {low: {import: {builtin: code}}}\n"
    )
    run("provenance", FOLDER, "--config", "try.yaml")
    found = read_json(f"{FOLDER}/provenance.json")
    assert [one["name"] for one in found["configs"]] == ["try.yaml"]
    assert not [path for path in found["files"] if "h8" in path]
    assert sum(one["runs"] for one in found["trained_by"]) == 1


def test_damaged_results_have_no_provenance(folder, capsys):
    (folder / FOLDER / "runs.csv").write_text("loss\n1.25\n")
    said = refuses(capsys, "provenance", FOLDER)
    assert "runs.csv" in said
    assert f"ziplaw verify {FOLDER} --fix" in said
    assert not (folder / FOLDER / "provenance.json").exists()


def test_a_machine_without_proc_still_has_a_kind(tmp_path):
    assert {"system", "architecture", "cores"} <= set(makers.machine(tmp_path / "none"))


def test_a_commit_is_that_of_the_checkout():
    found = makers.commit()
    assert found is None or re.fullmatch("[0-9a-f]{40}", found["id"])
