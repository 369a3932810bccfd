"""Where training runs: choosing a device, and torch's settings while it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

import torch

from .errors import TrainError


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


@contextlib.contextmanager
def torch_settings(device: torch.device, threads: int) -> Iterator[None]:
    """Deterministic algorithms and a fixed thread count, put back afterwards."""
    before = (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    else:
        _keep_pages()
    torch.set_num_threads(threads)
    # filling every new tensor with NaN, which deterministic mode does by default, costs a pass over memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    # not use_deterministic_algorithms, which imports the compiler, two seconds of a short run
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]


def _keep_pages() -> None:
    # glibc gives large blocks back to the kernel and takes page faults for them at every step; keep them instead
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((-4, 0), (-1, 1 << 30), (-2, 64 << 20)):  # MMAP_MAX, TRIM_THRESHOLD, TOP_PAD
            mallopt(parameter, value)
