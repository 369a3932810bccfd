"""``ziplaw train``: what it prints, writes, refuses and estimates."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from tiny_runs import grammar_corpus

from ziplaw.cli import main


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


def ziplaw(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "ziplaw", *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )


def test_command_line(corpus, tmp_path, capsys):
    shape = ("--hidden", 8, "--layers", 1)
    done = ziplaw("train", corpus, *shape, "--budgets", "640,2_560", "-o", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "ziplaw: --budgets 640,2_560 is read as 640, 2560\n")
    assert done.stdout.startswith(f"{tmp_path / 'run'}: loss ")
    assert "after 2560 tokens, N = " in done.stdout
    assert sorted(os.listdir(tmp_path / "run")) == ["curve.csv", "run.json"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["points"][1]["D"] == 2560
    before = {name: (tmp_path / "run" / name).read_bytes() for name in ("curve.csv", "run.json")}
    for other in (["--hidden", "12", "--layers", "1"], [*map(str, shape), "--seed", "7"]):
        with pytest.raises(SystemExit) as ended:
            main(["train", str(corpus), *other, "--budgets", "640,2_560", "-o", str(tmp_path / "run")])
        assert ended.value.code == 2
        assert "is of another run that is finished: " in (error := capsys.readouterr().err)
        assert ("hidden is 8 there and 12 here" in error) or ("seed is 0 there and 7 here" in error)
    assert before == {name: (tmp_path / "run" / name).read_bytes() for name in ("curve.csv", "run.json")}
    with pytest.raises(SystemExit) as ended:
        main(["train", str(corpus), *map(str, shape), "--budgets", "640", "--dry-run"])
    assert ended.value.code == 0
    dry = capsys.readouterr().out
    for part in ("N_total", "attention", "FLOPs a token", "MiB", "ms a step"):
        assert part in dry
    for part in ("memory CPU", "memory GPU", "checkpoint  ", "tokens/s", "time H100   at least"):
        assert part in dry
    for arguments, message in (
        (("--hidden", 7, "--layers", 1, "--budgets", "640"), "hidden is 7"),
        ((*shape, "--budgets", "paper"), "the largest budget needs 3125000 documents"),
        ((*shape, "--budgets", "640", "--precision", "bf16"), "precision is bf16"),
        ((*shape, "--budgets", "640", "--vocab-size", 20), "the model's vocabulary is 20"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["train", str(corpus), *map(str, arguments), "-o", str(tmp_path / "bad")])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith(f"ziplaw: error: {message}")
        assert error.count("\n") == 1
    assert not (tmp_path / "bad").exists()


def test_damaged_corpus_is_noticed(corpus, tmp_path, capsys):
    damaged = tmp_path / "corpus"
    shutil.copytree(corpus, damaged)
    for part in ("train", "valid"):
        data = bytearray((corpus / f"{part}.npy").read_bytes())
        data[-1] ^= 1
        (damaged / f"{part}.npy").write_bytes(data)
        with pytest.raises(SystemExit) as ended:
            main(
                ["train", str(damaged), "--hidden", "8", "--layers", "1", "--budgets", "640", "-o", str(tmp_path / "r")]
            )
        assert ended.value.code == 2
        assert f"{part}.npy" in capsys.readouterr().err
        assert not (tmp_path / "r").exists()
        shutil.copy(corpus / f"{part}.npy", damaged)
