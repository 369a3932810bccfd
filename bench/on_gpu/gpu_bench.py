"""What the parts of bench/gpu.py share: rows, time, the device's own roof, and the step that is timed."""

from __future__ import annotations

import contextlib
import csv
import gc
import itertools
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np
import torch

from ziplaw.models import roof
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import init_seed
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.trainer import VOCABULARY_PAD

LAYERS = {64: 2, 128: 4, 256: 6, 512: 10, 1024: 20, 2048: 30}
COLUMNS = ("part", "case", "metric", "value", "unit", "note")


@dataclass
class Bench:
    """What a part needs: where to run, how long, and where rows go."""

    device: torch.device
    dry: bool
    vocab_size: int
    documents: int
    context: int
    hidden: list[int]
    blocks: int
    deadline: float
    writer: csv.DictWriter
    stream: object
    provenance: dict[str, str]
    measured: dict[ModelConfig, float] = field(default_factory=dict)
    here: roof.Roof | None = None
    # seed and shape, and the weights that were drawn for them last
    drawn: tuple[object, dict[str, torch.Tensor]] = (None, {})
    broken: bool = False

    def row(self, part: str, case: str, metric: str, value: object, unit: str = "", note: str = "") -> None:
        """Write one row and flush it."""
        if isinstance(value, float):
            value = float(f"{value:.6g}")
        self.writer.writerow(dict(zip(COLUMNS, (part, case, metric, value, unit, note))) | self.provenance)
        self.stream.flush()

    def late(self, part: str, case: str) -> bool:
        """Whether the time is used up; then a row says what was left out."""
        if time.monotonic() < self.deadline:
            return False
        self.row(part, case, "left out", "", note="the time given by --budget-seconds was used up")
        return True

    def attempt(
        self,
        part: str,
        case: str,
        work: Callable[..., object],
        *given: object,
        ours: bool = True,
        small: bool = False,
    ) -> object:
        """Call ``work(*given)``; an error becomes a row, and what comes next finds the device's memory free again.

        A call of its own, so that no name here holds what broke. A failure of ours is one of the bench in the end,
        one of a peer a finding. After a small case memory is only looked for where it broke: that takes a fifth of a
        second.
        """
        try:
            return work(*given)
        except Exception as error:
            small = False
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            self.row(part, case, "broke" if ours else "left out", "", note=reason)
            if ours:
                self.broken = True
                traceback.print_exc()
            return None
        finally:
            # after the handler, which still holds the frames that broke
            if not small:
                self.free()

    def free(self) -> None:
        """Give back what no name holds any more."""
        gc.collect()
        if "torch._dynamo" in sys.modules:
            # compiled graphs hold memory pools of their own
            torch._dynamo.reset()
        if self.device.type == "cuda":
            # a device that a kernel broke answers every call with that error; rows say so, and the CSV goes on
            with contextlib.suppress(RuntimeError):
                torch.cuda.empty_cache()

    def room(self) -> float:
        """Bytes of the device that nothing holds."""
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else float("inf")

    def seconds(self, function: Callable[[], object], times: int) -> float:
        """Seconds a call, by device events around ``times`` calls."""
        if self.device.type != "cuda":
            began = time.perf_counter()
            for _ in range(times):
                function()
            return (time.perf_counter() - began) / times
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(times):
            function()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop) / 1e3 / times

    def alternate(self, candidates: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
        """Seconds a call of every candidate, one list entry a block, the candidates taking turns."""
        times = {}
        for name, function in candidates.items():
            for _ in range(3):
                function()
            # blocks of about a fifth of a second: long against the events' resolution, short against drifts
            once = self.seconds(function, 1)
            times[name] = 1 if self.dry else max(1, min(200, round(0.2 / max(once, 1e-9))))
        found = {name: [] for name in candidates}
        for _ in range(self.blocks):
            for name, function in candidates.items():
                found[name].append(self.seconds(function, times[name]))
        return found

    def shape(self, hidden: int) -> ModelConfig:
        """Return the model of a width."""
        return ModelConfig(hidden, LAYERS.get(hidden, 2), self.vocab_size, context=self.context)

    def initialise(self, model: Decoder, config: TrainConfig) -> None:
        """Give a model its initial weights; those of one shape are drawn once, which takes the host many seconds."""
        shape = model.config
        rows = {name: size[0] for name, size, _ in shape.layout()}
        key = config.seed, config.init, shape
        if self.drawn[0] == key:
            for name, value in self.drawn[1].items():
                model.parameters[name][: rows[name]].copy_(value)
            model.refresh()
            return
        model.initialise(init_seed(config.seed, shape), config.init)
        self.drawn = key, {name: value[: rows[name]].cpu().clone() for name, value in model.parameters.items()}

    def measured_roof(self) -> roof.Roof:
        """Rates of a large product and a large copy on this device, read once, before any part: memory is free then."""
        if self.here is None:
            n, size = (64, 1 << 12) if self.dry else (8192, 1 << 30)
            held = {}
            try:
                held["a"] = torch.randn(n, n, device=self.device, dtype=torch.bfloat16)
                held["from"] = torch.zeros(size, device=self.device, dtype=torch.uint8)
                held["to"] = torch.empty_like(held["from"])
                calls = {"product": lambda: held["a"] @ held["a"], "copy": lambda: held["to"].copy_(held["from"])}
                found = {name: median(times) for name, times in self.alternate(calls).items()}
            finally:
                held.clear()
                self.free()
            self.here = roof.Roof("here", 2 * n**3 / found["product"], 2 * size / found["copy"])
        return self.here


def random_documents(vocab_size: int, context: int, n: int = 4096) -> np.ndarray:
    """Documents with something to learn: a walk with short steps, uint16 (n, context)."""
    walk = np.random.default_rng(0).integers(0, 3, (n, context)).cumsum(1)
    return (walk % vocab_size).astype(np.uint16)


def make_step(
    bench: Bench, shape: ModelConfig, steps: int, config: TrainConfig, compute: torch.dtype = torch.bfloat16
) -> tuple[GraphStep, float]:
    """Build a captured step over a run of ``steps`` steps; return it and the seconds that compiling and capturing
    took.
    """
    tokens = bench.documents * bench.context
    config = replace(config, budgets=(steps * tokens,), batch_documents=bench.documents).resolved()
    model = Decoder(shape, bench.device, compute=compute, pad=VOCABULARY_PAD)
    bench.initialise(model, config)
    program = stretches(plan_budgets(config.budgets, tokens, config.cooldown, config.schedule))
    batches = Batches(random_documents(shape.vocab_size, bench.context), bench.documents, config.seed)
    began = time.perf_counter()
    step = GraphStep(model, config, batches, program)
    return step, time.perf_counter() - began


def endless(step: GraphStep) -> Callable[[], None]:
    """Step for ever: back to the first row of the program after the last."""
    place = itertools.cycle(range(step.idle))

    def one() -> None:
        if next(place) == 0:
            step.seek(0)
        step.advance(0, 0, 0.0)

    return one
