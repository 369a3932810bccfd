"""What `ziplaw verify` finds in a folder of results, what --fix removes, and what it never touches."""

import json
import shutil

import houses
import pytest
import yaml
from tiny_sweep import CONFIG, working_in
from verbs import ended, run

from ziplaw import versions
from ziplaw.audit.layout import asked_for, recorded
from ziplaw.audit.verified import verify
from ziplaw.base.checksums import write_checksums
from ziplaw.base.documents import read_json, sha256_file, write_csv, write_json
from ziplaw.sweep.config import load_config, parse_config

FOLDER = "results/try"
RUN = "runs/low/h8/s0"
FILES = {"documents": 64, "valid-documents": 8, "context": 64}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A grammar, its corpus, score and floor, a run that nobody trained, and the table of it."""
    house = tmp_path_factory.mktemp("made")
    with working_in(house):
        shape = ("--nonterminals", 3, "--terminals", 60, "--rhs-options", 40, "--rhs-length", 3)
        run("grammar", "new", *shape, "-o", f"{FOLDER}/grammars/low.json")
        sizes = [word for name, value in FILES.items() for word in (f"--{name}", value)]
        run("sample", f"{FOLDER}/grammars/low.json", *sizes, "-o", f"{FOLDER}/corpora/low")
        corpus = (f"{FOLDER}/corpora/low", "--dataset", "low")
        run("score", *corpus, "--window", 64, "--samples", 32, "-o", f"{FOLDER}/scores/low.json")
        run("floor", f"{FOLDER}/grammars/low.json", "--corpus", *corpus, "-o", f"{FOLDER}/floors/low.json")
        write_csv(f"{FOLDER}/{RUN}/curve.csv", [{"kind": "point", "loss": 3.5}])
        write_json(f"{FOLDER}/{RUN}/run.json", _run(), kind="run")
        write_csv(f"{FOLDER}/runs/low/runs.csv", [{"dataset": "low", "loss": 3.5}])
        write_checksums([f"{FOLDER}/runs/low/runs.csv"], [f"{FOLDER}/{RUN}/run.json"], "TABLES", versions.TABLES)
    return house


def _run():
    recipe = parse_config(CONFIG).recipe()
    return {
        "arm": "mup",
        "seed": 0,
        "model": {"hidden": 8, "layers": 1},
        "training": recipe.record(),
        "corpus_sha256": read_json(f"{FOLDER}/corpora/low/meta.json")["sha256_train"],
        "curve_sha256": sha256_file(f"{FOLDER}/{RUN}/curve.csv"),
        "versions": {"ziplaw_trainer": versions.TRAINER},
    }


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    shutil.copytree(made / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path / FOLDER


def found(**given):
    return {one.path: one.kind for one in verify(FOLDER, **given)[0]}


def rewrite(path, **changes):
    """Change a document as its writer would have written it."""
    document = {key: value for key, value in read_json(path).items() if key not in ("sha256", "kind", "format")}
    write_json(path, document | changes, kind=read_json(path)["kind"].removeprefix("ziplaw/"))


def test_an_untouched_folder_is_as_it_was_written(folder, capsys):
    status, told, _ = ended(capsys, "verify", FOLDER)
    assert (status, told) == (0, f"10 files of {FOLDER} are as they were written\n")


def test_a_folder_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("mine\n")
    status, _, said = ended(capsys, "verify", tmp_path)
    assert status == 2
    assert "holds no results" in said


@pytest.mark.parametrize(
    ("damaged", "removed"),
    [
        ("corpora/low/valid.npy", {"corpora/low/train.npy", "corpora/low/valid.npy", "corpora/low/meta.json"}),
        (f"{RUN}/curve.csv", {f"{RUN}/curve.csv", f"{RUN}/run.json"}),
        ("runs/low/runs.csv", {"runs/low/runs.csv", "runs/low/runs.csv.sha256"}),
        ("runs/low/runs.csv.sha256", {"runs/low/runs.csv", "runs/low/runs.csv.sha256"}),
        ("scores/low.json", {"scores/low.json"}),
    ],
)
def test_fix_removes_what_one_job_made_and_nothing_else(folder, damaged, removed, capsys):
    with open(folder / damaged, "ab") as stream:
        stream.write(b"1\n")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    status, told, said = ended(capsys, "verify", FOLDER)
    assert status == 2
    assert f"{damaged} " in told
    assert f"ziplaw verify {FOLDER} --fix" in said
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == there
    status, told, _ = ended(capsys, "verify", FOLDER, "--fix")
    assert status == 0
    assert "snakemake" in told
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == there - removed


def test_a_table_of_other_runs_is_outdated_and_goes_but_the_run_stays(folder, capsys):
    rewrite(folder / RUN / "run.json", status="finished")
    assert found() == {"runs/low/runs.csv": "outdated"}
    assert ended(capsys, "verify", FOLDER, "--fix")[0] == 0
    assert not (folder / "runs/low/runs.csv").exists()
    assert (folder / RUN / "run.json").exists()


def test_a_table_of_another_version_is_outdated(folder):
    write_checksums([folder / "runs/low/runs.csv"], [], "TABLES", versions.TABLES - 1)
    assert found() == {"runs/low/runs.csv": "outdated"}


@pytest.mark.parametrize(
    "changes", [{"corpus_sha256": "0" * 64}, {"seed": 5}, {"versions": {"ziplaw_trainer": versions.TRAINER - 1}}]
)
def test_a_run_that_differs_is_told_and_never_removed(folder, changes, capsys):
    rewrite(folder / RUN / "run.json", **changes)
    write_checksums([folder / "runs/low/runs.csv"], [folder / RUN / "run.json"], "TABLES", versions.TABLES)
    assert found() == {f"{RUN}/run.json": "differs"}
    assert ended(capsys, "verify", FOLDER, "--fix")[0] == 2
    assert (folder / RUN / "run.json").exists()


def test_measures_of_another_corpus_or_grammar_are_outdated(folder):
    rewrite(folder / "scores/low.json", source={"kind": "corpus", "sha256_train": "0" * 64})
    rewrite(folder / "floors/low.json", grammar_sha256="0" * 64)
    assert found() == {"scores/low.json": "outdated", "floors/low.json": "outdated"}
    meta = read_json(folder / "corpora/low/meta.json")
    rewrite(folder / "corpora/low/meta.json", source=meta["source"] | {"grammar_sha256": "0" * 64})
    assert found()["corpora/low/meta.json"] == "differs"


def test_what_does_not_belong_is_told_and_stays(folder, capsys):
    for name in ("notes.txt", "runs/low/h8/s0/run (copy).json", "fits.csv"):
        (folder / name).write_text("mine\n")
    assert found() == dict.fromkeys(("notes.txt", "runs/low/h8/s0/run (copy).json", "fits.csv"), "foreign")
    assert ended(capsys, "verify", FOLDER, "--fix")[0] == 2
    assert (folder / "notes.txt").exists()


def test_a_document_that_lost_its_checksum_is_damaged(folder):
    document = read_json(folder / "scores/low.json")
    document.pop("sha256")
    (folder / "scores/low.json").write_text(json.dumps(document))
    assert found() == {"scores/low.json": "damaged"}


def test_a_config_tells_what_is_missing_and_what_was_made_otherwise(folder, tmp_path):
    config = json.loads(json.dumps(CONFIG))
    (tmp_path / "try.yaml").write_text(yaml.safe_dump(config))
    told = found(config=load_config(tmp_path / "try.yaml"))
    assert set(told.values()) == {"missing"}
    assert "runs/high/h4/s0/run.json" in told
    config["training"]["learning_rate"] = 0.5
    config["corpus"]["valid_documents"] = 16
    config["datasets"]["low"]["grammar"]["max_rhs_options"] = 41
    config["datasets"].pop("high")
    told = found(config=parse_config(config))
    differs = {path for path, kind in told.items() if kind == "differs"}
    assert differs == {f"{RUN}/run.json", "corpora/low/meta.json", "grammars/low.json"}
    config["datasets"] = {"high": CONFIG["datasets"]["high"]}
    assert found(config=parse_config(config))["scores/low.json"] == "foreign"


def test_as_json(folder, capsys):
    (folder / "notes.txt").write_text("mine\n")
    told = json.loads(ended(capsys, "verify", FOLDER, "--json")[1])
    assert (told["n_files"], told["removed"]) == (11, [])
    assert [(one["path"], one["kind"]) for one in told["findings"]] == [("notes.txt", "foreign")]


@pytest.mark.parametrize("name", ["smoke", "architecture", "study"])
def test_a_config_asks_here_for_what_the_rules_make(name, tmp_path):
    house = houses.build(tmp_path)
    code, output = houses.dry_run(house, "--summary", "--configfile", f"config/{name}.yaml")
    assert code == 0, output
    rules = {line.split("\t")[0] for line in output.splitlines() if line.startswith("results/")}
    wanted = asked_for(load_config(house / "config" / f"{name}.yaml"))
    assert {f"results/{name}/{path}" for path in wanted} == rules
    assert any(recorded(path) for path in wanted)
