"""Runs that are stopped, killed or damaged: checkpoints, resuming bit for bit, the command line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest
import torch
from tiny_runs import grammar_corpus, model, run, training

from ziplaw.base.documents import read_json
from ziplaw.cli import main
from ziplaw.errors import TrainError
from ziplaw.training.recipe.recipe import TrainConfig

checkpoint = import_module("ziplaw.training.checkpoint")
run_folder = import_module("ziplaw.training.run_folder")
trainers = import_module("ziplaw.training.trainer")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


# --- checkpoints -----------------------------------------------------------------------------------------------------


class StopAt:
    """Save and stop after so many steps, counted over trunk and branches."""

    def __init__(self, path, steps):
        self.path, self.left = path, steps

    def __call__(self, trainer):
        self.left -= 1
        if self.left == 0:
            checkpoint.save(self.path, {"run": 1}, *trainer.state())
            raise checkpoint.Stopped


@pytest.mark.parametrize("stop", [1, 10, 57, 60, 61, 80])
@pytest.mark.parametrize("arm", ["mup", "paper"])
def test_resumed_run_is_bitwise_the_uninterrupted_one(corpus, tmp_path, stop, arm):
    arrays = np.load(corpus / "train.npy"), np.load(corpus / "valid.npy")
    settings = TrainConfig([640, 5000, 10000], arm=arm, batch_documents=4)
    whole = trainers.Trainer(*arrays, model(), settings)
    whole.run()
    path = tmp_path / "c.npz"
    first = trainers.Trainer(*arrays, model(), settings, between_steps=StopAt(path, stop))
    with pytest.raises(checkpoint.Stopped):
        first.run()
    second = trainers.Trainer(*arrays, model(), settings)
    second.load_state(*checkpoint.load(path, {"run": 1}))
    second.run()
    assert second.points == whole.points
    assert second.curve() == whole.curve()
    assert torch.equal(second.model.flat, whole.model.flat)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {"learning_rate": 0.01, "seed": 0}, {"step": 3}, {"flat": np.arange(4.0)})
    state, arrays = checkpoint.load(path, {"learning_rate": 0.01, "seed": 0})
    assert state == {"step": 3}
    assert arrays["flat"].tolist() == [0, 1, 2, 3]
    with pytest.raises(TrainError, match=r"learning_rate is 0\.01 there and 0\.02 here"):
        checkpoint.load(path, {"learning_rate": 0.02, "seed": 0})
    assert checkpoint.load(tmp_path / "none.npz", {}) is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "pickle"])
def test_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {}, {}, {"flat": np.arange(1000.0)})
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[len(data) // 2] ^= 255
    elif damage == "empty":
        data = b""
    elif damage == "text":
        data = b"not a checkpoint"
    path.write_bytes(data)
    if damage == "pickle":
        np.savez(path, header=np.array([{"evil": 1}], dtype=object))
    with pytest.raises(TrainError, match="delete it"):
        checkpoint.load(path, {})


def test_timer():
    timer = checkpoint.Timer(0)
    assert not timer.due()
    with timer.signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert timer.due()
    assert checkpoint.Timer(1e-9).due()
    assert not checkpoint.Timer(5).due()


def test_spikes_are_marked():
    losses = torch.linspace(3, 2, 100) + 0.01 * torch.randn(100, generator=torch.Generator().manual_seed(0))
    losses[70] += 1.0
    segment = trainers.Segment(None, 0, 100, 0, losses, torch.ones(100))
    assert segment.spikes().nonzero()[0].tolist() == [70]
    rows = segment.rows(10, 4, lambda step: 0.1)
    assert [row["spikes"] for row in rows] == [0] * 7 + [1] + [0] * 2


# --- command line ----------------------------------------------------------------------------------------------------


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
    for part in ("memory CPU", "memory GPU", "tokens/s", "time H100   at least"):
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


def start_long_run(corpus, out, *more):
    arguments = ["train", corpus, "--hidden", 8, "--layers", 1, "--budgets", "640,100000000", "--epochs", 100000, *more]
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments), "-o", str(out)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_killed_run_leaves_nothing(corpus, tmp_path):
    with start_long_run(corpus, tmp_path / "run") as process:
        try:
            time.sleep(5)
            assert process.poll() is None
        finally:
            process.kill()
    assert not (tmp_path / "run").exists()


def test_stopped_run_goes_on(corpus, tmp_path):
    out = tmp_path / "run"
    with start_long_run(corpus, out, "--checkpoint-minutes", 0.001) as process:
        try:
            for _ in range(300):
                time.sleep(0.1)
                if (out / checkpoint.NAME).exists():
                    break
            process.terminate()
            _, message = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert "the same command goes on" in message
    assert os.listdir(out) == [checkpoint.NAME]
    settings = {"budgets": [640, 100_000_000], "epochs": 100_000}
    with pytest.raises(TrainError, match="seed is 0 there and 1 here"):
        training.train(corpus, out, model(), TrainConfig(**settings, seed=1))
    done = []

    def after_one_step(trainer):
        done.append(trainer.step)
        raise checkpoint.Stopped

    trainer = trainers.Trainer(
        np.load(corpus / "train.npy"),
        np.load(corpus / "valid.npy"),
        model(),
        TrainConfig(**settings),
        "",
        between_steps=after_one_step,
    )
    identity = run_folder.run_identity(trainer, read_json(corpus / "meta.json")["sha256_train"])
    trainer.load_state(*checkpoint.load(out / checkpoint.NAME, identity))
    with pytest.raises(checkpoint.Stopped):
        trainer.run()
    assert done[0] > 1


def test_finished_run_deletes_its_checkpoint(corpus, tmp_path):
    run(corpus, tmp_path / "plain", [640, 5120])
    config = TrainConfig([640, 5120])
    training.train(corpus, tmp_path / "saved", model(), config, checkpoint_minutes=1e-9)
    assert sorted(os.listdir(tmp_path / "saved")) == ["curve.csv", "run.json"]
    for name in ("curve.csv", "run.json"):
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
