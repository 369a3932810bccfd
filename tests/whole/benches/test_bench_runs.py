"""The checks of bench/gpu.py on what users run, on a CPU: all of them are made, pass here, and can fail."""

import subprocess
import sys

import pytest
import torch
from houses import ROOT

from ziplaw.models.lstm import Lstm


class Bench:
    device, dry, vocab_size, documents, context, hidden = torch.device("cpu"), True, 21, 2, 16, [8]

    def __init__(self):
        self.rows = {}

    def late(self, part, case):
        return False

    def attempt(self, part, case, work, *given):
        try:
            return work(*given)
        except RuntimeError as error:
            self.row(part, case, "broke", "", note=str(error))

    def row(self, part, case, metric, value, unit="", note=""):
        assert part == "correctness"
        self.rows[case] = metric, value, note


@pytest.fixture
def gpu_runs(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / part) for part in ("bench", "bench/on_gpu")] + sys.path)
    import gpu_runs

    return gpu_runs


def documents():
    walk = torch.randint(0, 3, (200, 16), generator=torch.Generator().manual_seed(0)).cumsum(1) % 21
    return walk[:150].numpy().astype("uint16"), walk[150:].numpy().astype("uint16")


def test_all_that_users_run_is_checked(gpu_runs):
    bench = Bench()
    assert gpu_runs.run(bench, 8, documents()), bench.rows
    assert {case: metric for case, (metric, _, _) in bench.rows.items()} == {
        "h=8 side by side, repeated: bit-equal": "passed",
        "h=8 side by side against each alone": "error",
        "h=8 lstm, gradient in fp32": "error",
        "h=8 lstm, repeated: bit-equal": "passed",
        "h=8 alone, resumed from its file: bytes equal": "passed",
        "h=8 side by side, resumed from its file: bytes equal": "passed",
        "h=8 ziplaw train: bytes equal": "passed",
    }


def test_an_lstm_in_tf32_fails(gpu_runs, monkeypatch):
    """TF32 keeps ten bits of each factor: so many of the weights, and the check must see it."""
    exact = Lstm.loss_and_grad

    def cut(self, targets):
        if self.flat.dtype == torch.float32:
            self.flat.view(torch.int32).bitwise_and_(-1 << 13)
        return exact(self, targets)

    monkeypatch.setattr(Lstm, "loss_and_grad", cut)
    bench = Bench()
    assert not gpu_runs.lstm(bench, 8, documents())
    metric, error, _ = bench.rows["h=8 lstm, gradient in fp32"]
    assert metric == "failed"
    assert error > gpu_runs.FP32_ERROR


def test_what_breaks_is_a_row_and_the_rest_runs(gpu_runs, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(gpu_runs, "side_by_side", broken)
    monkeypatch.setattr(gpu_runs, "lstm", lambda bench, *_: gpu_runs.verdict(bench, "third", True))
    monkeypatch.setitem(sys.modules, "ziplaw._decoder", None)
    bench = Bench()
    assert not gpu_runs.run(bench, 8, documents())
    assert bench.rows == {
        "h=8 broken": ("broke", "", "no such kernel"),
        "third": ("passed", 1, ""),
        "h=8 files": ("left out", "", "the cores are not built: setup.py build_ext --inplace"),
    }


def test_all_but_files_runs_without_built_cores():
    """Read by Python alone: what trains on a GPU asks for no compiled core."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys('ziplaw._%s' % n for n in "
        "('numerics', 'decoder', 'pcfg', 'gzip', 'earley', 'laws')));"
        "import ziplaw.training.run, ziplaw.training.ensemble, ziplaw.training.jobs"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "pkg"}, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
