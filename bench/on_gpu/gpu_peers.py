"""The part `peers` of bench/gpu.py: ziplaw beside the trainers that people use, on the same weights and documents."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import numpy as np
import torch
from gpu_bench import Bench, endless, make_step, random_documents
from gpu_speed import speed_rows

from ziplaw.models.decoder import Decoder
from ziplaw.models.memory import memory_bytes
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.recipe.recipe import TrainConfig

# what autograd keeps of a layer, bytes a token and feature: activations of products, norms and rotations in bf16 and
# fp32, none of them fused or computed twice (eager); and bytes a parameter: weight, gradient, two moments, bf16 copy
KEPT, STATE = 52, 18
# weights are copied, and freed blocks do not fit new ones at once
MARGIN = 1.25
RATE = 1e-3


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Give peers torch as it comes: no deterministic algorithms, cuDNN attention, reductions in bf16, TF32."""
    matmul = torch.backends.cuda.matmul
    before = (
        torch.get_deterministic_debug_mode(),
        torch.backends.cuda.cudnn_sdp_enabled(),
        matmul.allow_bf16_reduced_precision_reduction,
        matmul.allow_tf32,
    )
    torch.set_deterministic_debug_mode("default")
    torch.backends.cuda.enable_cudnn_sdp(True)
    matmul.allow_bf16_reduced_precision_reduction = matmul.allow_tf32 = True
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        torch.backends.cuda.enable_cudnn_sdp(before[1])
        matmul.allow_bf16_reduced_precision_reduction, matmul.allow_tf32 = before[2:]


def peers(bench: Bench, case: str) -> dict[str, tuple[str, dict]]:
    """Module and settings of every peer that is installed, by name; a row says why another is left out."""
    # a dry run traces and differentiates what it is to compile, which takes seconds, and compiles nothing
    graphs = {"backend": "aot_eager"} if bench.dry else {"mode": "reduce-overhead"}
    found: dict[str, tuple[str, dict]] = {"nano compiled with graphs": ("nano", {"compile_as": graphs})}
    if not bench.dry:
        found["nano compiled"] = "nano", {"compile_as": {}}
    if importlib.util.find_spec("transformers") is None:
        bench.row("peers", case, "left out", "", note="transformers is not installed")
        return found
    found["transformers eager"] = "llama", {}
    found["transformers compiled"] = "llama", {"compile_as": graphs}
    if importlib.util.find_spec("liger_kernel") is None:
        bench.row("peers", case, "left out", "", note="liger-kernel is not installed")
    else:
        found["transformers with Liger"] = "llama", {"liger": True}
    return found


def peer_bytes(shape: ModelConfig, documents: int) -> float:
    """Memory that training takes as peers do it, by calculation: state, what autograd keeps, logits and theirs."""
    tokens = documents * shape.context
    kept = tokens * (shape.layers * shape.hidden * KEPT + 12 * shape.vocab_size)
    return MARGIN * (STATE * count_params(shape).N_total + kept)


@dataclass
class Pairs:
    """One width: the same weights, documents and rates for ours and every peer."""

    bench: Bench
    shape: ModelConfig
    config: TrainConfig
    steps: int
    documents: torch.Tensor
    order: torch.Tensor
    rates: list[float]
    # seconds a step of ours by block, where it is not timed in turn with a peer
    apart: list[float] = field(default_factory=list)

    @property
    def case(self) -> str:
        """How rows name the width."""
        return f"h={self.shape.hidden}"

    @property
    def tail(self) -> int:
        """Last steps, over which a final loss is a mean."""
        return max(1, self.steps // 10)

    def ours(self):
        """Our step, captured."""
        return make_step(self.bench, self.shape, self.steps, self.config)[0]

    def time_apart(self) -> None:
        """Time ours with no peer in memory; once before and once after them all, so that drift shows."""
        self.apart += self.bench.alternate({"ziplaw": endless(self.ours())})["ziplaw"]

    def beside(self, name: str, module: str, settings: dict, ours=None) -> None:
        """Train a peer to the same loss, then time it: in turn with ours where that is there."""
        bench, case = self.bench, f"{self.case} {name}"
        began = time.perf_counter()
        peer = self.peer(module, settings)
        losses = [float(peer.step(self.documents[self.order[s]], self.rates[s])) for s in range(self.steps)]
        seconds = time.perf_counter() - began
        bench.row("peers", case, "first_steps", seconds, "s", f"{self.steps} steps, compilation included")
        bench.row("peers", case, "final_loss", float(np.mean(losses[-self.tail :])), "nats")
        batch = self.documents[: bench.documents].clone()
        candidates = {name: partial(peer.step, batch, RATE)}
        times = bench.alternate({"ziplaw": endless(ours), **candidates} if ours else candidates)
        speed_rows(bench, "peers", case, self.shape, median(times[name]))
        if ours:
            speed_rows(bench, "peers", f"{self.case} ziplaw beside {name}", self.shape, median(times["ziplaw"]))
            ratio, note = median(b / a for a, b in zip(times["ziplaw"], times[name])), "in turn"
        else:
            ratio, note = median(times[name]) / median(self.apart), "ours timed before: both do not fit in memory"
        bench.row("peers", case, "ziplaw_is_faster", ratio, "times", note)

    def peer(self, module: str, settings: dict):
        """A peer from the weights that ours started from."""
        start = Decoder(self.shape, self.bench.device)
        self.bench.initialise(start, self.config)
        return importlib.import_module(f"peers.{module}").peer(start, self.config, torch.bfloat16, **settings)


def at_width(bench: Bench, shape: ModelConfig) -> None:
    """Ours, then every peer: in turn with it where the device holds both."""
    case, steps = f"h={shape.hidden}", 4 if bench.dry else 200
    config = TrainConfig([steps * bench.documents * bench.context], batch_documents=bench.documents).resolved()
    documents = torch.from_numpy(random_documents(shape.vocab_size, bench.context).astype(np.int64)).to(bench.device)
    mine = sum(memory_bytes(shape, bench.documents, gpu=True).values())
    both = bench.room() > mine + peer_bytes(shape, bench.documents)
    ours, _ = make_step(bench, shape, steps, config)
    pairs = Pairs(bench, shape, config, steps, documents, ours.order[:steps].long(), ours.settings[:steps, 0].tolist())
    # equal quality first: the same weights, documents and rates must end at the same loss
    for _ in range(steps):
        ours.advance(0, 0, 0.0)
    loss = float(ours.losses[steps - pairs.tail : steps].mean())
    bench.row("peers", f"{case} ziplaw", "final_loss", loss, "nats")
    if not both:
        ours = None
        bench.free()
        pairs.time_apart()
        speed_rows(bench, "peers", f"{case} ziplaw apart", shape, median(pairs.apart))
    # ours is captured, so these settings are the peers' alone
    with torch_defaults():
        for name, (module, settings) in peers(bench, case).items():
            if not bench.late("peers", f"{case} {name}"):
                bench.attempt("peers", f"{case} {name}", pairs.beside, name, module, settings, ours, ours=False)
    if not both:
        before = median(pairs.apart)
        pairs.apart.clear()
        pairs.time_apart()
        bench.row("peers", f"{case} ziplaw apart", "drift", median(pairs.apart) / before, "times", "after the peers")


def run(bench: Bench) -> None:
    """Ours beside nano, transformers eager and compiled with CUDA graphs, and transformers with Liger's kernels."""
    for hidden in bench.hidden:
        if not bench.late("peers", f"h={hidden}"):
            bench.attempt("peers", f"h={hidden}", at_width, bench, bench.shape(hidden))
