"""Small inputs of the kinds that real users bring, kept beside the project: each must behave as its row says."""

import json
import os
import subprocess
import sys
import threading

import pytest
import yaml
from houses import ROOT

from ziplaw.cli import main

CASES = ROOT.parent / "shared" / "cases"
pytestmark = [
    pytest.mark.skipif(not CASES.is_dir(), reason="the folder of shared cases does not lie beside this checkout"),
    pytest.mark.timeout(120),
]


def ziplaw(capsys, *arguments):
    """Run the command line; return its status, standard output and standard error."""
    code = 0
    try:
        main([str(a) for a in arguments])
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def fitted(capsys, *arguments):
    """Fit a table; return the document and what was said beside it."""
    code, out, err = ziplaw(capsys, "fit", *arguments, "--bootstrap", 100, "--json")
    assert code == 0, err
    return json.loads(out), err


def exponents(document):
    p = document["parameters"]
    return p["alpha"], p["beta"], p["beta"] / (p["alpha"] + p["beta"])


def refused(capsys, *arguments):
    code, out, err = ziplaw(capsys, *arguments)
    assert code == 2, out
    assert "error:" in err.splitlines()[-1]
    return err


TABLES = ["runs.jsonl", "runs.csv.gz", "utf16.csv", "sep_line.csv", "comment_line.csv", "semicolons.csv"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_as_people_have_it(capsys, name):
    document, _ = fitted(capsys, CASES / name)
    alpha, beta, a = exponents(document)
    assert document["n"] == 30
    assert alpha == pytest.approx(0.34, abs=0.03)
    assert beta == pytest.approx(0.28, abs=0.03)
    assert a == pytest.approx(0.452, abs=0.02)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_through_a_pipe(capsys, tmp_path, name):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes((CASES / name).read_bytes()))
    writer.start()
    through, _ = fitted(capsys, pipe)
    writer.join()
    assert through["parameters"] == fitted(capsys, CASES / name)[0]["parameters"]


def test_a_ladder_is_no_plan(capsys):
    for more in ([], ["--tie"]):
        code, out, err = ziplaw(capsys, "fit", CASES / "ladder_20n.csv", "--flops", "1e21", *more)
        assert "N and D move together (D = 20 N)" in out + err
        assert "not identified" in out + err
        assert code == 2 or "usable" not in out
        assert "inf" not in (out + err).split()
        code, out, _ = ziplaw(capsys, "fit", CASES / "ladder_20n.csv", "--flops", "1e21", "--json", *more)
        if code == 0:
            assert not json.loads(out)["allocation"]


def test_few_runs_get_the_intervals_they_were_promised(capsys):
    code, out, err = ziplaw(capsys, "fit", CASES / "histories_4_runs.csv", "--cluster", "run", "--json")
    if code == 0:
        assert "jackknife" in json.loads(out)["interval_method"]
    else:
        assert code == 2
        assert "run" in err


def test_the_held_out_loss_is_taken_and_said(capsys):
    document, _ = fitted(capsys, CASES / "train_and_val_loss.csv")
    assert document["columns"]["loss"] == "val_loss"
    assert exponents(document)[2] == pytest.approx(0.462, abs=0.005)
    _, out, err = ziplaw(capsys, "fit", CASES / "train_and_val_loss.csv", "--bootstrap", 100)
    assert "val_loss" in out + err


def test_non_embedding_parameters_are_taken_and_said(capsys):
    document, _ = fitted(capsys, CASES / "two_sizes.csv")
    assert document["columns"]["N"] == "params_non_embedding"
    alpha, _, a = exponents(document)
    assert alpha == pytest.approx(0.34, abs=0.01)
    assert a == pytest.approx(0.452, abs=0.005)
    _, out, err = ziplaw(capsys, "fit", CASES / "two_sizes.csv", "--bootstrap", 100)
    assert "params_non_embedding" in out + err


def test_millions_and_billions_are_asked_about(capsys):
    line = refused(capsys, "fit", CASES / "millions_billions.csv", "--flops", "1e21")
    assert "units" in line
    assert "--n-unit" in line
    document, _ = fitted(
        capsys, CASES / "millions_billions.csv", "--n-unit", "1e6", "--d-unit", "1e9", "--flops", "1e21"
    )
    assert document["allocation"][0]["N"] == pytest.approx(1.85e9, rel=0.02)


def test_a_pure_isoflop_table_gives_its_exponent(capsys):
    document, _ = fitted(capsys, CASES / "isoflop_only.csv")
    found = document["approaches"]["isoflop"]
    assert found["a"] == pytest.approx(0.450, abs=0.005)
    low, high = found["interval"]
    assert low < 0.452 < high


def test_a_typo_names_the_right_key():
    from ziplaw.errors import ConfigError
    from ziplaw.sweep.config import parse_config

    with pytest.raises(ConfigError, match=r"unknown key seed \(did you mean seeds\?\)"):
        parse_config(yaml.safe_load((CASES / "typo_seed.yaml").read_text()))


SCORES = {
    "hub_folder": 0.4326,
    "saved_to_disk": 0.4326,
    "json_lines.json": 0.4316,
    "llmc_uint32.bin": 0.415,
    "megatron_int32.bin": 0.415,
}


@pytest.mark.parametrize("name", SCORES)
def test_the_right_thing_is_scored(capsys, name):
    from ziplaw.corpora.scoring import score_path

    code, out, err = ziplaw(capsys, "score", CASES / name, "--json")
    assert code == 0, err
    assert json.loads(out)["H"] == pytest.approx(SCORES[name], abs=6e-5)
    assert score_path(CASES / name)["H"] == json.loads(out)["H"]
    if name == "hub_folder":
        assert "README.md" in err


def test_json_lines_under_another_name_are_json_lines(capsys, tmp_path):
    from ziplaw.corpora.scoring import score_path

    same = tmp_path / "same.jsonl"
    same.write_bytes((CASES / "json_lines.json").read_bytes())
    code, out, err = ziplaw(capsys, "score", CASES / "json_lines.json", "--json")
    assert code == 0, err
    assert json.loads(out)["H"] == score_path(same)["H"]


def test_32_bit_ids_without_their_index_are_asked_about(capsys, tmp_path):
    alone = tmp_path / "megatron.bin"
    alone.write_bytes((CASES / "megatron_int32.bin").read_bytes())
    line = refused(capsys, "score", alone)
    assert "--dtype" in line
    code, out, err = ziplaw(capsys, "score", alone, "--dtype", "uint32", "--json")
    assert code == 0, err
    assert json.loads(out)["H"] == pytest.approx(0.415, abs=0.0006)


def test_a_header_that_promises_too_much_is_an_error(capsys, tmp_path):
    short = tmp_path / "short.bin"
    short.write_bytes((CASES / "llmc_uint32.bin").read_bytes()[:-4000])
    line = refused(capsys, "score", short)
    assert "short.bin" in line


def test_a_table_is_read_from_standard_input():
    done = subprocess.run(
        [sys.executable, "-m", "ziplaw", "fit", "/dev/stdin", "--bootstrap", "100", "--json"],
        input=(CASES / "runs.csv.gz").read_bytes(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "pkg")},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert exponents(json.loads(done.stdout))[2] == pytest.approx(0.452, abs=0.02)
