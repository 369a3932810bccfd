"""Checkpoints: refused when of another run or damaged; runs that are stopped or killed go on bit for bit."""

import os
import signal
import subprocess
import sys
import time
import types
import weakref
from typing import ClassVar

import numpy as np
import pytest
import torch
from tiny_runs import CONTEXT, documents, grammar_corpus, model, run, training

from ziplaw.base.documents import read_json
from ziplaw.errors import TrainError
from ziplaw.models.memory import checkpoint_bytes
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training import checkpoint, run_folder
from ziplaw.training import trainer as trainers
from ziplaw.training.recipe.recipe import TrainConfig


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


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


def test_checkpoints_have_the_same_bytes_at_any_thread_count_and_go_on_at_another(tmp_path):
    train, valid = documents(400), documents(20, 1)
    found = {}
    for threads in (1, 3):
        settings = TrainConfig([6400], batch_documents=20, threads=threads, device="cpu")
        trainer = trainers.Trainer(train, valid, model(), settings)
        assert trainer.advance(5, None)
        path = tmp_path / f"{threads}.npz"
        checkpoint.save(path, run_folder.run_identity(trainer, "ab"), *trainer.state())
        found[threads] = path.read_bytes(), trainer
    assert found[1][0] == found[3][0]
    one, other = (trainer for _, trainer in found.values())
    other.load_state(*checkpoint.load(tmp_path / "1.npz", run_folder.run_identity(other, "ab")))
    for trainer in (one, other):
        trainer.run()
    assert one.points == other.points
    assert torch.equal(one.model.flat, other.model.flat)


def test_a_checkpoint_of_an_lstm_is_of_its_torch_and_threads():
    shape = LstmConfig(4, 1, 21, CONTEXT)
    identities = []
    for threads in (1, 2):
        trainer = trainers.Trainer(documents(), documents(9), shape, TrainConfig([640], threads=threads, device="cpu"))
        identities.append(run_folder.run_identity(trainer, "ab"))
    assert identities[0]["torch"] == torch.__version__
    assert {key for key in identities[0] if identities[0][key] != identities[1][key]} == {"threads"}


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
        dict(checkpoint.load(path, {})[1])


def test_timer():
    timer = checkpoint.Timer(0)
    assert not timer.due()
    with timer.signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert timer.due()
    assert checkpoint.Timer(1e-9).due()
    assert not checkpoint.Timer(5).due()


def on_a_branch():
    """A trainer in the middle of a branch: its trunk is kept beside it."""
    one = trainers.Trainer(
        documents(), documents(9), model(), TrainConfig([640, 2500], batch_documents=4, device="cpu")
    )
    one.reach_branch()
    one.open_branch()
    one.reach_budget(1)
    assert one.trunk is not None
    return one


class Counted(torch.Tensor):
    """A tensor of a device: what is copied to the host is watched."""

    alive: ClassVar[list] = []

    def cpu(self):
        copy = self.as_subclass(torch.Tensor).clone()
        assert [one() for one in self.alive if one() is not None] == [], "two copies on the host at once"
        self.alive.append(weakref.ref(copy))
        return copy


def test_a_checkpoint_is_written_tensor_by_tensor(tmp_path):
    one = on_a_branch()
    place, tensors = one.state()
    # nothing is copied before it is written
    assert tensors["flat"].data_ptr() == one.model.flat.data_ptr()
    assert tensors["trunk_flat"].data_ptr() == one.trunk[1]["flat"].data_ptr()
    watched = {name: value.as_subclass(Counted) for name, value in tensors.items()}
    checkpoint.save(tmp_path / "c.npz", {}, place, watched)
    assert len(Counted.alive) == len(tensors) == 8
    saved = checkpoint.load(tmp_path / "c.npz", {})[1]
    assert {name: value.tobytes() for name, value in saved.items()} == {
        name: value.numpy().tobytes() for name, value in tensors.items()
    }
    # as numpy wrote and reads it
    with np.load(tmp_path / "c.npz") as archive:
        assert set(archive.files) == {"header", *tensors}


def test_a_checkpoint_is_read_tensor_by_tensor_into_what_is_there(tmp_path):
    one = on_a_branch()
    checkpoint.save(tmp_path / "c.npz", {}, *one.state())
    place, saved = checkpoint.load(tmp_path / "c.npz", {})
    alive = []

    class Watched(checkpoint.Part):
        def __getitem__(self, name):
            assert [gone() for gone in alive if gone() is not None] == [], "two arrays of the file at once"
            array = super().__getitem__(name)
            alive.append(weakref.ref(array))
            return array

    other = on_a_branch()
    other.model.flat.zero_()
    there = other.model.flat.data_ptr()
    other.load_state(place, Watched(saved, ""))
    assert len(alive) == 8
    assert other.model.flat.data_ptr() == there
    assert torch.equal(other.model.flat, one.model.flat)
    assert all(torch.equal(other.trunk[1][name], value) for name, value in one.trunk[1].items())


def test_what_a_checkpoint_takes():
    one = on_a_branch()
    tensors = one.state()[1]
    size = sum(tensors[name].nbytes for name in tensors if name not in ("losses", "norms"))
    assert size == 2 * checkpoint_bytes(model())
    # the widest of the paper's grid, with its vocabulary: 33 GB
    assert 33e9 < 2 * checkpoint_bytes(ModelConfig(2048, 30, 32001)) < 34e9


def test_a_full_disk_ends_no_training(tmp_path, monkeypatch, capsys):
    path = tmp_path / "run" / "c.npz"
    one, timer = on_a_branch(), checkpoint.Timer(1e-9)
    timer.save_if_due(path, one, dict)
    before = path.read_bytes()
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=1000))
    timer.last = -1e9
    timer.save_if_due(path, one, dict)
    message = capsys.readouterr().err
    assert "1e-06 GB are free: make room (training goes on)" in message
    assert message.count("\n") == 1
    assert path.read_bytes() == before
    timer.stopped_by = signal.SIGTERM
    with pytest.raises(TrainError, match=r"are free: make room$"):
        timer.save_if_due(path, one, dict)
    assert os.listdir(tmp_path / "run") == ["c.npz"]


def test_a_checkpoint_that_takes_long_is_made_less_often(tmp_path, monkeypatch):
    clock, one = [0.0], on_a_branch()
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])
    timer, made = checkpoint.Timer(5), []

    def save(*arguments):
        made.append(clock[0])
        clock[0] += 60 if len(made) < 3 else 1

    monkeypatch.setattr(checkpoint, "save", save)
    while clock[0] < 4500:
        clock[0] += 10
        timer.save_if_due(tmp_path / "c.npz", one, dict)
    # five minutes after the start, then twenty times a minute after each that took one
    assert made == [300, 1560, 2820, 3121, 3422, 3723, 4024, 4325]


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
