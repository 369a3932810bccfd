"""Where training runs: choosing a device, and torch's settings while it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..base.locks import lock
from ..errors import TrainError

# dense bf16 TFLOP/s by the makers' data sheets; the first name that the device's own name contains counts
PEAKS = (
    ("H100 PCIe", 756),
    ("H100 NVL", 835),
    ("H100", 989),
    ("H200", 989),
    ("GH200", 989),
    ("B200", 2250),
    ("A100", 312),
    ("L40S", 362),
    ("L4", 121),
    ("A10", 125),
    ("RTX 4090", 165),
    ("RTX 3090", 71),
)
WAIT_S = 1.0


def peak_flops(device_name: str) -> float | None:
    """Dense bf16 FLOP/s of a device by its data sheet; None when it is not in the table."""
    return next((1e12 * peak for name, peak in PEAKS if name in device_name), None)


def resolve_device(name: str) -> torch.device:
    """Turn auto, cpu or cuda into a device.

    Raises
    ------
    TrainError
        When cuda is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainError("device is cuda, but torch finds no CUDA device: use --device cpu, or a torch built for CUDA")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> str:
    """Turn auto, fp32 or bf16 into the name of the compute dtype: float32 or bfloat16.

    auto is bf16 on a CUDA device of compute capability 8 or newer, fp32 elsewhere. Parameters are fp32 in any case.

    Raises
    ------
    TrainError
        When bf16 is asked for where there is no hardware for it.
    """
    fast = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    if name == "bf16" and not fast:
        raise TrainError("precision is bf16, which needs a CUDA device of capability 8 or newer: use fp32 or auto")
    return "bfloat16" if fast and name != "fp32" else "float32"


def precision_of(architecture: str, wanted: str, device: torch.device) -> str:
    """Name of the compute dtype of an architecture, see :func:`resolve_precision`; an LSTM's is float32.

    Raises
    ------
    TrainError
        When bf16 is asked for where there is none.
    """
    if architecture != "lstm":
        return resolve_precision(wanted, device)
    if wanted == "bf16":
        raise TrainError("precision is bf16, but an LSTM computes in fp32: leave precision out")
    return "float32"


def device_bytes(device: torch.device) -> int | None:
    """Memory of a CUDA device in all, of several visible ones the smallest's; None of a CPU, whose memory is shared."""
    if device.type != "cuda":
        return None
    # of its properties: asking for what is free would open a context on a device that nobody holds yet
    return min(torch.cuda.get_device_properties(i).total_memory for i in range(torch.cuda.device_count()))


def _take(folder: Path, keys: list[str]) -> tuple[int, int] | None:
    # index of the first device that nobody holds, and the descriptor that holds its lock
    for index, key in enumerate(keys):
        handle = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(handle, wait=False)
        except BlockingIOError:
            os.close(handle)
            continue
        return index, handle
    return None


@contextlib.contextmanager
def lease(device: torch.device) -> Iterator[torch.device]:
    """Hold a CUDA device for as long as the context lasts.

    Schedulers that only count GPUs start several runs on one host and tell none of them which to use. Among the devices
    that are visible (CUDA_VISIBLE_DEVICES) the first is taken that no other run of this user holds; when all are held,
    this waits, where there is one device too: sixteen runs at once would share its memory and slow each other down. A
    lease is a lock on a file named after the device's UUID, so it ends with the process, however that dies. A CPU, or a
    device that is named by its index, needs no lease.

    Parameters
    ----------
    device : torch.device

    Yields
    ------
    torch.device
        The same, with the index of what is held.
    """
    if device.type != "cuda" or device.index is not None or os.name != "posix":
        yield device
        return
    folder = Path(tempfile.gettempdir()) / f"ziplaw-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise TrainError(f"{folder} belongs to another user: set TMPDIR to a folder of your own")
    keys = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    taken = _take(folder, keys)
    if taken is None:
        held = f"all {len(keys)} CUDA devices are" if len(keys) > 1 else "the CUDA device is"
        print(f"ziplaw: {held} held by other runs: waiting for one", file=sys.stderr, flush=True)
    while taken is None:
        time.sleep(WAIT_S)
        taken = _take(folder, keys)
    index, lock = taken
    try:
        yield torch.device("cuda", index)
    finally:
        os.close(lock)


@contextlib.contextmanager
def _cuda_settings(device: torch.device) -> Iterator[None]:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    matmul, cudnn, attention = (
        torch.backends.cuda.matmul,
        torch.backends.cudnn,
        torch.backends.cuda.cudnn_sdp_enabled(),
    )
    before = matmul.allow_tf32, matmul.allow_bf16_reduced_precision_reduction, cudnn.allow_tf32
    # fp32 is fp32, an LSTM's recurrence by cuDNN too, where torch allows TF32 by default; partial sums of a product
    # stay fp32; flash and efficient attention have deterministic backward passes, cuDNN's does not promise one
    matmul.allow_tf32 = matmul.allow_bf16_reduced_precision_reduction = cudnn.allow_tf32 = False
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        with torch.cuda.device(device):
            yield
    finally:
        matmul.allow_tf32, matmul.allow_bf16_reduced_precision_reduction, cudnn.allow_tf32 = before
        torch.backends.cuda.enable_cudnn_sdp(attention)


@contextlib.contextmanager
def torch_settings(device: torch.device, threads: int) -> Iterator[None]:
    """Deterministic algorithms, a fixed thread count and the device as the current one, put back afterwards."""
    deterministic: Any = torch.utils.deterministic
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode(), deterministic.fill_uninitialized_memory
    if device.type == "cpu":
        _keep_pages()
    torch.set_num_threads(threads)
    # filling every new tensor with NaN, which deterministic mode does by default, costs a pass over memory
    deterministic.fill_uninitialized_memory = False
    # not use_deterministic_algorithms, which imports the compiler, two seconds of a short run
    torch.set_deterministic_debug_mode("error")
    try:
        with _cuda_settings(device) if device.type == "cuda" else contextlib.nullcontext():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        deterministic.fill_uninitialized_memory = before[2]


def _keep_pages() -> None:
    # glibc gives large blocks back to the kernel and takes page faults for them at every step; keep them instead
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((-4, 0), (-1, 1 << 30), (-2, 64 << 20)):  # MMAP_MAX, TRIM_THRESHOLD, TOP_PAD
            mallopt(parameter, value)
