"""Memory of training: what it takes, what there is, and one line where it does not suffice."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from ..errors import TrainError
from ..kernels import HEAD_CHUNK
from ..kernels.reference_head import default_chunk
from .shape.counts import count_params
from .shape.decoder_config import ModelConfig
from .shape.lstm_config import LstmConfig

REMEDY = "take a smaller model, or fewer --batch-documents"
# what torch says of a failed allocation on a CPU, and C++ of any
_FAILED = ("can't allocate memory", "bad_alloc", "Cannot allocate memory", "can't start new thread", "out of memory")


def core_floats(model: ModelConfig) -> tuple[int, int]:
    """Documents that the compiled core works on together, and the floats of scratch space that takes at most.

    As ``ext/src/decoder/layout.h`` lays them out; by calculation, since a sweep asks before the cores are built.
    """
    h, m, heads, layers = model.hidden, model.intermediate, model.heads, model.layers
    # a document is a whole number of panels of 16 tokens, a group at least 256 tokens
    positions = -(-model.context // 16) * 16
    documents = max(1, 256 // positions)
    tokens, width, blocks = documents * positions, h // heads + 8, -(-positions // 64)
    # the weights of causal attention, in blocks of 64 queries; too many of them are computed a second time
    weights = documents * heads * layers * blocks * (blocks + 1) * 2048
    kept = layers * tokens * (6 * h + 3 * m + 2 * heads + 2) + (weights if weights <= 4 << 20 else 0)
    here = tokens * (4 * h + 1) + 6 * positions * width + 128 * positions + 64 * (2 * h + 5 * m + 16)
    # gradients of matrices with rows of a multiple of eight, sums for those of norms, a panel of logits
    wide, inner = h + 7, m + 7
    padded = layers * (4 * h * wide + 2 * m * wide + h * inner) + model.vocab_size * (wide + 16)
    return documents, kept + here + padded + 16 * (2 * layers + 1) * h + 1024 * (layers + 1)


def memory_bytes(
    model: ModelConfig | LstmConfig, documents: int, gpu: bool = False, n_train: int = 0, threads: int = 1
) -> dict[str, int]:
    """Memory of training by part.

    Parameters
    ----------
    model : ModelConfig or LstmConfig
    documents : int
        Documents a step.
    gpu : bool
        bf16 with fp32 masters, as on a GPU; else fp32, as on a CPU.
    n_train : int
        Documents of the corpus, which lie on the device.
    threads : int
        Threads of a CPU: each holds scratch space and a gradient.

    Returns
    -------
    dict of str to int
        Bytes of state (parameters, gradient, two moments, one snapshot of three; on a GPU the bf16 copy), of a decoder
        on a CPU what its threads hold; else saved activations, one block of logits, and on a GPU the corpus.
    """
    tokens, n, h = documents * model.context, count_params(model).N_total, model.hidden
    if gpu:
        if isinstance(model, LstmConfig):
            kept = model.activation_floats()
        else:
            kept = model.layers * (8 * h + 3 * model.intermediate) + 16 * h + 4 * model.intermediate
        return {
            "state": n * (4 * 4 + 4 * 3 + 2 + 1),
            "activations": 2 * tokens * kept,
            "logits": 2 * default_chunk(tokens, model.vocab_size, 2) * model.vocab_size,
            "corpus": n_train * model.context * (2 if model.vocab_size <= 1 << 16 else 4),
        }
    if isinstance(model, LstmConfig):
        logits = 4 * min(HEAD_CHUNK, tokens) * model.vocab_size
        # with what torch's optimiser holds for the length of a step
        return {"state": 4 * 9 * n, "activations": 4 * tokens * model.activation_floats(), "logits": logits}
    group, floats = core_floats(model)
    n_groups = -(-documents // group)
    gradient = n if n_groups > 1 else 0
    return {"state": (4 * 7 + 1) * n, "threads": 4 * min(threads, n_groups) * (floats + gradient)}


def checkpoint_bytes(model: ModelConfig | LstmConfig) -> int:
    """Bytes of a checkpoint on the trunk: parameters, two moments, fp32. On a branch the trunk's stand beside them."""
    return 4 * 3 * count_params(model).N_total


def free_bytes(root: str | os.PathLike = "/") -> int | None:
    """Memory that this process may still take: of the machine, its control group and ``ulimit -v``; None if unknown.

    Parameters
    ----------
    root : path-like
        Where ``proc`` and ``sys`` lie.
    """
    root, found = Path(root), []
    with contextlib.suppress(OSError, ValueError, LookupError):
        lines = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        found.append(1024 * int(lines["MemAvailable"].split()[0]) + 1024 * int(lines["SwapFree"].split()[0]))
    with contextlib.suppress(OSError, ValueError, KeyError):
        group = root / "sys/fs/cgroup"
        held = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(held["inactive_file"])  # the kernel gives those back
        found.append(int((group / "memory.max").read_text()) - used)
    with contextlib.suppress(OSError, ValueError, IndexError):
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int((root / "proc/self/statm").read_text().split()[0])
        if limit != resource.RLIM_INFINITY:
            found.append(limit - pages * resource.getpagesize())
    return max(0, min(found)) if found else None


def check_memory(models: Iterable[ModelConfig | LstmConfig], documents: int, threads: int = 1) -> None:
    """Refuse to train on a CPU what cannot fit, before anything is allocated.

    Raises
    ------
    TrainError
        With what it takes and what is free.
    """
    need = sum(sum(memory_bytes(model, documents, threads=threads).values()) for model in models)
    free = free_bytes()
    if free is not None and need > free:
        raise TrainError(f"training takes about {need / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free: {REMEDY}")


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Turn every way in which torch and C++ run out of memory into one :class:`TrainError`."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError among them
        if not (isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _FAILED)):
            raise
        raise TrainError(f"out of memory in training: {REMEDY}") from None
    except MemoryError:
        raise TrainError(f"out of memory in training: {REMEDY}") from None
