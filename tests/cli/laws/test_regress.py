"""regress and what predicts from its law: files that repeat to the byte, rivals of H, one line for nonsense."""

import json

import pytest
from laws_in_H import planted_regression, planted_sweep
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
    code, out, _ = ended(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, "--law", law)
    assert code == 0
    assert "orders of magnitude outside" in out
    assert "Chinchilla" in out
    assert "fitted on 5 datasets" in out
    code, out, _ = ended(capsys, "predict", "--gzip", 0.3, "--flops", 1e21, "--law", law, "--json")
    assert json.loads(out)["N"] > 0
    (tmp_path / "ids.txt").write_bytes(b"the same words, again and again; " * 400)
    code, out, _ = ended(capsys, "plan", tmp_path / "ids.txt", "--tokenizer", "bytes", "--flops", 1e12, "--law", law,
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
    code, _, error = ended(capsys, "predict", "--gzip", 0.3, "--flops", 1e20, "--law", tmp_path / "r.json")
    assert code == 2
    assert "holds no law" in error
