"""Under torchrun: two processes on a CPU train one run; stopped, they go on to the bytes of one never stopped."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from teams import in_threads
from tiny_runs import grammar_corpus, model

from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import TrainError
from ziplaw.training.jobs import train_members
from ziplaw.training.parallel.processes import joined, launched, speaks
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.trainer import Trainer

BUDGETS, CPU = (32_000, 128_000), torch.device("cpu")


def torchrun(corpus, out, *more):
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "ziplaw"]
    words += ["train", corpus, "--hidden", "8", "--layers", "1", "--budgets", ", ".join(map(str, BUDGETS))]
    words += ["--epochs", "10", "--device", "cpu", "-o", out, *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        list(map(str, words)), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def test_two_processes_train_stop_and_go_on(tmp_path):
    corpus, out = grammar_corpus(tmp_path / "corpus"), tmp_path / "run"
    first = torchrun(corpus, out, "--checkpoint-minutes", "0.001")
    began = time.monotonic()
    while not (out / "checkpoint.npz").exists() and first.poll() is None and time.monotonic() - began < 200:
        time.sleep(0.02)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=200)
    assert "stopped; the same command goes on from" in said, said[-3000:]
    assert [path.name for path in out.iterdir()] == ["checkpoint.npz"]
    second = torchrun(corpus, out)
    printed, said = second.communicate(timeout=300)
    assert second.returncode == 0, said[-3000:]
    assert printed.count("loss") == 1  # one of them speaks
    assert sorted(path.name for path in out.iterdir()) == ["curve.csv", "run.json"]
    record = json.loads((out / "run.json").read_text())
    assert record["execution"] == {
        "device": "cpu", "step": f"torch {torch.__version__}", "machine_dependent": True, "processes": 2,
    }  # fmt: skip
    opened = open_corpus(corpus)

    def whole(processes):
        config = TrainConfig(BUDGETS, epochs=10, device="cpu")
        one = Trainer(
            opened.train, opened.valid, model(), config, opened.meta["sha256_train"], processes=processes
        )  # fmt: skip
        one.run()
        return one.points

    assert record["points"] == in_threads(2, whole)[0]


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # of another launcher
    monkeypatch.setenv("RANK", "3")
    assert not launched()
    assert speaks()
    with joined(CPU) as found:
        assert found == (CPU, None)


@pytest.mark.no_gpu
def test_what_torchrun_cannot_do_is_said(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert launched()
    assert not speaks()
    with pytest.raises(TrainError, match="3 runs, and torchrun, which is for one large run"):
        train_members([None] * 3)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(TrainError, match="more processes than the 1 GPU"), joined(torch.device("cuda")):
        pass
