"""regress and what predicts from its law: files that repeat to the byte, rivals of H, one line for nonsense."""

import json

import pytest
from laws_in_H import planted_regression, planted_sweep
from splits_in_H import sweep_of_splits
from verbs import ended

from ziplaw.base.documents import read_csv, write_csv, write_json
from ziplaw.tables.declared import RUNS


@pytest.fixture
def document():
    return planted_regression()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("sweep")
    rows, fits = planted_sweep()
    RUNS.write(where / "runs.csv", rows)
    for fit in fits:
        write_json(where / "fits" / f"{fit['dataset']}.json", fit, kind="fit")
    return where


def test_commands_write_the_same_bytes_twice(folder, tmp_path, capsys):
    fits = sorted((folder / "fits").glob("*.json"))
    for name in ("one", "two"):
        code, out, _ = ended(capsys, "regress", "--runs", folder / "runs.csv", "--fits", *fits, "--bootstrap", 20,
                           "-o", tmp_path / f"{name}.json", "--claims", tmp_path / f"{name}.csv")  # fmt: skip
        assert code == 0
        assert "permutation p" in out
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    law = tmp_path / "one.json"
    alone = ("--prior", "none", "--law", law)
    code, out, _ = ended(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, *alone)
    assert code == 0
    assert "orders of magnitude outside" in out
    assert "Chinchilla" in out
    assert "fitted on 5 datasets" in out
    code, out, _ = ended(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, *alone, "--json")
    assert json.loads(out)["N"] > 0
    (tmp_path / "ids.txt").write_bytes(b"the same words, again and again; " * 400)
    code, out, _ = ended(capsys, "plan", tmp_path / "ids.txt", "--tokenizer", "bytes", "--flops", 1e12, *alone,
                       "--threads", 1)  # fmt: skip
    assert code == 0
    assert "Best split" in out
    assert "H = 0." in out


def test_rivals_of_H_from_a_table(folder, tmp_path, capsys):
    write_csv(tmp_path / "rivals.csv", [{"dataset": f"d{k}", "zstd": 0.2 + 0.01 * k * k} for k in range(5)])
    fits = sorted((folder / "fits").glob("*.json"))
    code, out, _ = ended(capsys, "regress", "--runs", folder / "runs.csv", "--covariates", tmp_path / "rivals.csv",
                       "--bootstrap", 0, "--json", "--fits", *fits)  # fmt: skip
    assert code == 0
    found = json.loads(out)["comparison"]
    assert {row["covariate"] for row in found["rows"]} == {"none", "H", "floor", "unigram_entropy", "zstd"}
    assert "vocab_size" in found["skipped"]
    write_csv(tmp_path / "wrong.csv", [{"name": "d0", "zstd": 1.0}])
    code, _, error = ended(
        capsys, "regress", "--runs", folder / "runs.csv", "--covariates", tmp_path / "wrong.csv", *fits
    )
    assert code == 2
    assert "no column dataset" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--gzip", "0.3", "--flops", "-1"], "'--flops': -1 must"),
        (["predict", "--gzip", "7", "--flops", "1e20"], "'--gzip': 7 must"),
        (["predict", "--gzip", "0.3", "--flops", "1e20", "--level", "2"], "'--level': 2 must"),
        (["predict", "--gzip", "0.3", "--flops", "1e20", "--epsilon", "-1"], "'--epsilon': -1 must"),
    ],
)
def test_nonsense_gets_one_line(document, tmp_path, capsys, arguments, message):
    write_json(tmp_path / "law.json", document, kind="regression")
    code, _, error = ended(capsys, *arguments, "--law", tmp_path / "law.json")
    assert code == 2
    assert error.count("\n") == 1
    assert message in error


def test_regress_without_fits(folder, capsys):
    code, _, error = ended(capsys, "regress", "--runs", folder / "runs.csv")
    assert code == 2
    assert "no fits given" in error


def test_two_datasets_still_write_their_files(folder, tmp_path, capsys):
    fits = sorted((folder / "fits").glob("*.json"))[:2]
    code, out, _ = ended(capsys, "regress", "--runs", folder / "runs.csv", "--fits", *fits, "-o", tmp_path / "r.json",
                       "--claims", tmp_path / "c.csv")  # fmt: skip
    assert code == 0
    assert "not enough datasets" in out
    assert {row["verdict"] for row in read_csv(tmp_path / "c.csv")} == {"undecided"}
    code, _, error = ended(
        capsys, "predict", "--gzip", 0.3, "--flops", 1e20, "--prior", "none", "--law", tmp_path / "r.json"
    )
    assert code == 2
    assert "holds no law" in error


@pytest.fixture(scope="module")
def folder_of_splits(tmp_path_factory):
    """Five datasets whose best N rises with H by every link, with their grammars."""
    where = tmp_path_factory.mktemp("splits")
    rows, fits = planted_sweep()
    RUNS.write(where / "runs.csv", rows)
    for fit, found in zip(fits, sweep_of_splits(5, 9.0)[1]):
        links = {"links": found["links"], "isoflop": found["isoflop"]}
        write_json(where / "fits" / f"{fit['dataset']}.json", fit | links, kind="fit")
        productions = ["N0 -> '1' [1.0]"] * (400 + int(fit["dataset"][1:]) ** 2)
        write_json(where / "grammars" / f"{fit['dataset']}.json", {"productions": productions}, kind="grammar")
    return where


def test_the_best_split_is_asked_first(folder_of_splits, tmp_path, capsys):
    fits = sorted((folder_of_splits / "fits").glob("*.json"))
    code, out, _ = ended(capsys, "regress", "--runs", folder_of_splits / "runs.csv", "--fits", *fits, "--bootstrap", 0,
                         "--grammars", folder_of_splits / "grammars", "--claims", tmp_path / "c.csv",
                         "-o", tmp_path / "r.json")  # fmt: skip
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("the best N at a given compute rises with H: x")
    assert "by the bounded link" in lines[0]
    table = next(i for i, line in enumerate(lines) if line.startswith("by "))
    assert [line.split()[0] for line in lines[table + 1 : table + 6]] == [
        "identity", "power", "bounded", "free", "isoflop"]  # fmt: skip
    assert "bounded (chosen)" in lines[table + 3]
    assert "by each of them N_opt rises with H" in out
    assert "n_productions" in out
    assert "corrected for one another (Holm)" in out
    first = read_csv(tmp_path / "c.csv")[:2]
    assert [(row["claim"], row["verdict"]) for row in first] == [
        ("best_N_depends_on_H", "supported"), ("best_N_falls", "not supported")]  # fmt: skip
    split = json.loads((tmp_path / "r.json").read_text())["split"]
    assert split["link"] == "bounded"
    assert "n_productions" in [row["covariate"] for row in split["by"]["free"]["covariates"]]


def test_a_link_left_out_and_old_fits_are_said(folder_of_splits, tmp_path, capsys):
    for path in sorted((folder_of_splits / "fits").glob("*.json")):
        fit = json.loads(path.read_text())
        fit["isoflop"] = {"split": None, "note": "one budget"}
        write_json(tmp_path / "none" / path.name, fit, kind="fit")
        write_json(tmp_path / "old" / path.name, {k: v for k, v in fit.items() if k != "links"}, kind="fit")
    runs = folder_of_splits / "runs.csv"
    code, out, _ = ended(capsys, "regress", "--runs", runs, "--bootstrap", 0, *sorted((tmp_path / "none").glob("*")))
    assert code == 0
    assert "isoflop left out: identified in 0 of 5 datasets only (one budget)" in out
    code, out, _ = ended(capsys, "regress", "--runs", runs, "--bootstrap", 0, *sorted((tmp_path / "old").glob("*")))
    assert code == 0
    assert out.startswith("no split on H: ")
    assert "hold no splits: fit again" in out.splitlines()[0]
