"""``ziplaw train`` with several -o: every folder as if its run had been trained alone; stopped and gone on with."""

import os
import signal
import subprocess
import sys

import pytest
from tiny_runs import files, members, two_corpora

from ziplaw.cli import main
from ziplaw.training import run as training
from ziplaw.training.ensemble import CHECKPOINT


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return two_corpora(tmp_path_factory.mktemp("corpora"))


def ziplaw(*arguments, **options):
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


SHAPE = ("--hidden", 8, "--layers", 2, "--budgets", "640,2500,9000")


def test_command_line(corpora, tmp_path, capsys):
    a, b = corpora
    outputs = [part for i in range(3) for part in ("-o", tmp_path / str(i))]
    seeds = ("--seed", 0, "--seed", 0, "--seed", 1)
    with pytest.raises(SystemExit) as ended:
        main(["train", *map(str, (a, b, a, *SHAPE, *seeds, *outputs))])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert (printed.out.count(": loss "), printed.err) == (3, "")
    for i, member in enumerate(members(corpora, tmp_path / "alone")):
        training.train(member.corpus_dir, member.out_dir, member.model, member.config)
        assert files(tmp_path / str(i)) == files(member.out_dir)
    # one corpus, several seeds
    for arguments, message in (
        ((a, b, *SHAPE, "-o", tmp_path / "x"), "2 corpora for 1 folder"),
        ((a, *SHAPE, "--seed", 0, "--seed", 1, "-o", tmp_path / "x"), "2 seeds for 1 folder"),
        ((a, *SHAPE, "-o", tmp_path / "x", "-o", tmp_path / "y"), "the same corpus, seed and settings"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["train", *map(str, arguments)])
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_stopped_ensemble_goes_on(corpora, tmp_path):
    budgets = ("--budgets", "640,100000000", "--epochs", 100000)
    arguments = ["train", corpora[0], corpora[1], "--hidden", 8, "--layers", 2, *budgets, "--checkpoint-minutes", 0.001]
    outputs = ["-o", tmp_path / "0", "-o", tmp_path / "1"]
    command = [sys.executable, "-m", "ziplaw", *map(str, [*arguments, *outputs])]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(600):
                if (tmp_path / "0" / CHECKPOINT).exists() or process.poll() is not None:
                    break
                signal.sigtimedwait([], 0.1)
            process.terminate()
            _, message = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM, message
    assert "the same command goes on" in message
    assert os.listdir(tmp_path / "0") == [CHECKPOINT]
    done = ziplaw(*arguments, "--seed", 1, *outputs)
    assert done.returncode == 2
    assert "run 0: seed is 0 there and 1 here" in done.stderr
