"""Where training runs: precision, leases of GPUs, the meter; nothing here needs a GPU."""

import contextlib
import subprocess
import sys
import threading
import time
import types

import pytest
import torch

from ziplaw.errors import TrainError
from ziplaw.training import device as devices

CUDA, CPU = torch.device("cuda"), torch.device("cpu")
pytestmark = pytest.mark.no_gpu


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """Make torch believe in three CUDA devices."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: types.SimpleNamespace(uuid=f"GPU-{i}"))
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(devices, "WAIT_S", 0.01)
    return tmp_path


def test_every_run_gets_a_device_of_its_own(gpus):
    with devices.lease(CUDA) as a, devices.lease(CUDA) as b:
        with devices.lease(CUDA) as c:
            assert [a.index, b.index, c.index] == [0, 1, 2]
        with devices.lease(CUDA) as again:
            assert again.index == 2


def test_the_memory_of_a_device_is_that_of_the_smallest(monkeypatch):
    sizes = [80 << 30, 24 << 30]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: types.SimpleNamespace(total_memory=sizes[i]))
    assert devices.device_bytes(CUDA) == 24 << 30
    assert devices.device_bytes(CPU) is None


def test_a_cpu_or_a_named_device_needs_no_lease(gpus):
    for device in (CPU, torch.device("cuda", 1)):
        with devices.lease(device) as got, devices.lease(device) as other:
            assert got == other == device
    assert list(gpus.iterdir()) == []


def test_the_only_device_trains_one_run_at_a_time(gpus, monkeypatch, capsys):
    """As many runs as Snakemake has cores are started at once on a machine with one GPU."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    at_once, most, got = [0], [], []
    guard = threading.Lock()

    def run():
        with devices.lease(CUDA) as device:
            with guard:
                at_once[0] += 1
                most.append(at_once[0])
                got.append(device)
            time.sleep(0.005)
            with guard:
                at_once[0] -= 1

    runs = [threading.Thread(target=run) for _ in range(16)]
    for one in runs:
        one.start()
    for one in runs:
        one.join(30)
    assert got == [torch.device("cuda", 0)] * 16
    assert max(most) == 1
    assert set(capsys.readouterr().err.splitlines()) == {
        "ziplaw: the CUDA device is held by other runs: waiting for one"
    }


def test_a_run_waits_for_a_free_device(gpus, capsys):
    got = []

    def wait():
        with devices.lease(CUDA) as device:
            got.append(device.index)

    with devices.lease(CUDA), devices.lease(CUDA):
        third = devices.lease(CUDA)
        third.__enter__()
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.2)
        assert got == []
        third.__exit__(None, None, None)
        thread.join(5)
    assert got == [2]
    assert capsys.readouterr().err == "ziplaw: all 3 CUDA devices are held by other runs: waiting for one\n"


def test_a_killed_run_holds_nothing(gpus):
    folder = gpus / f"ziplaw-devices-{devices.os.getuid()}"
    code = (
        "import fcntl, sys, time; s = open(sys.argv[1], 'a'); fcntl.flock(s, fcntl.LOCK_EX); print('held', flush=True);"
        "time.sleep(60)"
    )
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", code, folder / "GPU-0.lock"], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"held\n"
            with devices.lease(CUDA) as got:
                assert got.index == 1
        finally:
            other.kill()
    with devices.lease(CUDA) as got:
        assert got.index == 0


def test_precision(monkeypatch):
    assert devices.resolve_precision("auto", CPU) == devices.resolve_precision("fp32", CPU) == "float32"
    with pytest.raises(TrainError, match="capability 8"):
        devices.resolve_precision("bf16", CPU)
    for capability, auto in (((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, capability=capability: capability)
        assert devices.resolve_precision("auto", CUDA) == auto
        assert devices.resolve_precision("fp32", CUDA) == "float32"


def test_fp32_is_no_tf32_on_a_gpu(monkeypatch):
    """By both of torch's ways to ask; an LSTM's recurrence is cuDNN's, and torch lets that take TF32 by default."""
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    backends = torch.backends

    def allowed():
        precisions = [where.fp32_precision for where in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)]
        return [backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, *("tf32" in name for name in precisions)]

    before = allowed()
    assert before == [False, True, False, True, True]
    with devices.torch_settings(CUDA, torch.get_num_threads()):
        assert allowed() == [False] * 5
    assert allowed() == before


def test_peaks():
    names = {
        "NVIDIA H100 80GB HBM3": 989e12,
        "NVIDIA H100 PCIe": 756e12,
        "NVIDIA H200": 989e12,
        "NVIDIA A100-SXM4-80GB": 312e12,
        "NVIDIA L40S": 362e12,
        "NVIDIA L4": 121e12,
        "": None,
    }
    assert {name: devices.peak_flops(name) for name in names} == names
