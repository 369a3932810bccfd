"""C beside which a step is timed, compiled here and called in this process: the core's peak, and llm.c's trainer."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import click
import numpy as np

HERE = Path(__file__).parent
# floats of a vector of each build of the training core
WIDTHS = {"v4": 16, "v3": 8, "v2": 4, "plain": 4}
# llm.c's Makefile compiles so
LLM_C_FLAGS = ("-Ofast", "-march=native", "-w")


def compiled(source, *flags):
    """Load a C file as a library; the compiler is $CC, or cc."""
    with tempfile.TemporaryDirectory() as folder:
        made, library = f"{folder}/made.o", f"{folder}/made.so"
        compiler = shlex.split(os.environ.get("CC", "cc"))
        try:
            subprocess.run([*compiler, *flags, "-fPIC", "-c", HERE / source, "-o", made], check=True)
            # apart from the flags: to link with -Ofast would change how the whole process rounds
            subprocess.run([*compiler, "-shared", made, "-o", library, "-lm"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise click.ClickException(f"cannot compile {source}: {error}; set CC to a C compiler") from None
        return ctypes.CDLL(library)


class Peak:
    """Multiply-adds in registers alone with the vectors of a build; :meth:`step` does ``flops`` of them."""

    def __init__(self, build, rounds=100_000):
        library = compiled("peak.c", "-O3", "-march=native", f"-DWIDTH={WIDTHS[build]}")
        library.spin.argtypes = [ctypes.c_long, ctypes.c_float, ctypes.c_float]
        library.flops_of.restype = ctypes.c_long
        self.spin, self.rounds, self.flops = library.spin, rounds, library.flops_of(ctypes.c_long(rounds))

    def step(self, t):
        """Spin."""
        self.spin(self.rounds, 0.999, 1e-3)


class LlmC:
    """llm.c's GPT-2 on one thread: LayerNorm, GELU, an MLP of width 4h, learned positions, a tied head.

    Of the same width, depth, heads, vocabulary and context, and trained on the same documents. Its forward and backward
    passes have `flops_per_token` by the rules of :mod:`ziplaw.models.shape.flops`.

    Parameters
    ----------
    checkout : str
        A folder with llm.c's train_gpt2.c and llmc/.
    shape : ModelConfig
    batches : Batches
    """

    def __init__(self, checkout, shape, batches):
        if not (Path(checkout) / "train_gpt2.c").exists():
            raise click.BadParameter(f"{checkout} has no train_gpt2.c: give a checkout of github.com/karpathy/llm.c")
        library = compiled("llm_c.c", *LLM_C_FLAGS, f"-I{checkout}")
        h, layers, vocab_size, S = shape.hidden, shape.layers, shape.vocab_size, shape.context
        tensors = [vocab_size * h, S * h]
        for size in (h, h, 3 * h * h, 3 * h, h * h, h, h, h, 4 * h * h, 4 * h, 4 * h * h, h):
            tensors.append(layers * size)
        tensors += [h, h]
        rng = np.random.default_rng(0)
        # GPT-2's: gains are one, all else is small
        gains = {2, 8, 14}
        parts = [np.ones(n) if i in gains else 0.02 * rng.standard_normal(n) for i, n in enumerate(tensors)]
        header = np.zeros(256, np.int32)
        header[:8] = 20240326, 3, S, vocab_size, layers, shape.heads, h, vocab_size
        library.ziplaw_load.restype = ctypes.c_void_p
        library.ziplaw_step.restype = ctypes.c_float
        with tempfile.NamedTemporaryFile() as file:
            file.write(header.tobytes() + np.concatenate(parts).astype(np.float32).tobytes())
            file.flush()
            self.model = ctypes.c_void_p(library.ziplaw_load(file.name.encode()))
        self.library, self.batches, self.shape = library, batches, shape
        self.flops_per_token = 3 * (24 * h * h * layers + 2 * h * (S + 1) * layers + 2 * h * vocab_size)

    def step(self, t, rate):
        """Take step t; returns the loss, nats per token."""
        targets = self.batches[t].astype(np.int32)
        inputs = np.zeros_like(targets)
        inputs[:, 1:] = targets[:, :-1]
        places = [ctypes.c_void_p(ids.ctypes.data) for ids in (inputs, targets)]
        return self.library.ziplaw_step(self.model, *places, *targets.shape, ctypes.c_float(rate), t + 1)
