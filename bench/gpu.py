"""The GPU part of the trainer: checks it, times it beside its peers and against the roof, and writes a CSV.

Runs from a plain checkout: ``python setup.py build_ext --inplace`` (optional, for the sampler), then

    PYTHONPATH=pkg python bench/gpu.py -o gpu.csv                        # everything, about twenty minutes
    PYTHONPATH=pkg python bench/gpu.py --part correctness --part peers --hidden 64,256
    PYTHONPATH=pkg python bench/gpu.py --dry-run                         # tiny shapes on the CPU, no GPU needed

It needs torch, triton, numpy, scipy and click; peers that are not installed are left out with a row that says so. Rows
are written as they come, so a run that meets its time limit keeps what it had. Times are medians over blocks of steps
that alternate between the candidates, by device events, after a warm-up; compilation is reported apart.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import importlib.util
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("tests", "tests/helpers", "bench", "bench/on_gpu")]

import gpu_checks  # noqa: E402
import gpu_ensemble  # noqa: E402
import gpu_kernels  # noqa: E402

from ziplaw.models import roof  # noqa: E402
from ziplaw.models.decoder import Decoder  # noqa: E402
from ziplaw.models.flat import init_seed  # noqa: E402
from ziplaw.models.shape.decoder_config import ModelConfig  # noqa: E402
from ziplaw.models.shape.flops import training_flops_per_token  # noqa: E402
from ziplaw.training.device import peak_flops, torch_settings  # noqa: E402
from ziplaw.training.meter import total_steps  # noqa: E402
from ziplaw.training.recipe.batches import Batches  # noqa: E402
from ziplaw.training.recipe.recipe import BUDGETS, TrainConfig  # noqa: E402
from ziplaw.training.recipe.schedule import plan_budgets, stretches  # noqa: E402
from ziplaw.training.steps.graph_step import GraphStep  # noqa: E402
from ziplaw.training.trainer import VOCABULARY_PAD  # noqa: E402

PARTS = ("device", "correctness", "kernels", "throughput", "peers", "ensemble", "grid")
LAYERS = {64: 2, 128: 4, 256: 6, 512: 10, 1024: 20, 2048: 30}
# tokens/s on one H100 with a vocabulary of 2001, for the column `goal`
GOALS = {64: 20e6, 128: 12e6, 256: 4e6, 512: 1.2e6, 1024: 270e3, 2048: 60e3}
COLUMNS = ("part", "case", "metric", "value", "unit", "note")
PROVENANCE = ("device", "torch", "triton", "commit")


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

    def measured_roof(self) -> roof.Roof:
        """Rates of a large product and a large copy on this device, read once."""
        if not hasattr(self, "_roof"):
            n = 64 if self.dry else 8192
            a = torch.randn(n, n, device=self.device, dtype=torch.bfloat16)
            big = torch.zeros(1 << (12 if self.dry else 30), device=self.device, dtype=torch.uint8)
            other = torch.empty_like(big)
            found = self.alternate({"product": lambda: a @ a, "copy": lambda: other.copy_(big)})
            self._roof = roof.Roof("here", 2 * n**3 / median(found["product"]), 2 * big.numel() / median(found["copy"]))
        return self._roof


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
    model.initialise(init_seed(config.seed, shape), config.init)
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


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Give peers torch as it comes: no deterministic algorithms, cuDNN attention, reductions in bf16."""
    matmul = torch.backends.cuda.matmul
    before = (
        torch.get_deterministic_debug_mode(),
        torch.backends.cuda.cudnn_sdp_enabled(),
        matmul.allow_bf16_reduced_precision_reduction,
    )
    torch.set_deterministic_debug_mode("default")
    torch.backends.cuda.enable_cudnn_sdp(True)
    matmul.allow_bf16_reduced_precision_reduction = True
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        torch.backends.cuda.enable_cudnn_sdp(before[1])
        matmul.allow_bf16_reduced_precision_reduction = before[2]


def step_seconds(bench: Bench, shape: ModelConfig) -> float:
    """Seconds a step of a shape, measured once in a run; its rows go to the part throughput."""
    if shape not in bench.measured:
        case = f"h={shape.hidden} V={shape.vocab_size}"
        gpu = bench.device.type == "cuda"
        if gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        step, seconds = make_step(bench, shape, 4 if bench.dry else 2000, TrainConfig([1]))
        bench.row("throughput", case, "compile", seconds, "s", "kernels, warm-up and capture")
        bench.measured[shape] = median(bench.alternate({"ziplaw": endless(step)})["ziplaw"])
        if gpu:
            bench.row("throughput", case, "memory", torch.cuda.max_memory_allocated() / 2**30, "GiB")
        del step
        speed_rows(bench, "throughput", case, shape, bench.measured[shape])
    return bench.measured[shape]


def part_device(bench: Bench) -> None:
    """What the device reaches on one large product and one large copy."""
    here = bench.measured_roof()
    bench.row("device", "8192^3 bf16 product", "flops", here.flops / 1e12, "TFLOP/s")
    bench.row("device", "1 GiB copy", "bandwidth", here.bandwidth / 1e12, "TB/s", "read and write")
    peak = peak_flops(bench.provenance["device"])
    bench.row("device", "data sheet", "peak", "" if peak is None else peak / 1e12, "TFLOP/s", "what MFU refers to")


def speed_rows(bench: Bench, part: str, case: str, shape: ModelConfig, seconds: float) -> None:
    """Rows that turn seconds a step into tokens/s, MFU and percent of the roofs."""
    tokens = bench.documents * bench.context
    flops = training_flops_per_token(shape) * tokens
    goal = "" if bench.dry or shape.hidden not in GOALS else f"goal {GOALS[shape.hidden]:.3g} at V = 2001"
    bench.row(part, case, "tokens_per_s", tokens / seconds, "tokens/s", goal)
    bench.row(part, case, "step", seconds * 1e3, "ms")
    peak = peak_flops(bench.provenance["device"])
    if peak:
        bench.row(part, case, "mfu", flops / seconds / peak, "of data sheet")
    for limit in (roof.H100, bench.measured_roof()):
        least = max(roof.least_seconds(shape, bench.documents, limit))
        bench.row(part, case, f"of_roof_{limit.name}", least / seconds, "", f"{least * 1e3:.4g} ms by calculation")


def part_throughput(bench: Bench) -> None:
    """Tokens/s of every width: one model, one captured graph; the grid's vocabulary and the paper's."""
    for hidden in bench.hidden:
        for vocab_size in sorted({bench.vocab_size, 33 if bench.dry else 32001}):
            if not bench.late("throughput", f"h={hidden} V={vocab_size}"):
                step_seconds(bench, replace(bench.shape(hidden), vocab_size=vocab_size))


def peer_settings(bench: Bench, case: str) -> dict[str, dict[str, bool]]:
    """Return name and settings of the peers that are installed; a row says why another is left out."""
    if importlib.util.find_spec("transformers") is None:
        bench.row("peers", case, "left out", "", note="transformers is not installed")
        return {}
    found: dict[str, dict[str, bool]] = {"transformers eager": {}}
    if bench.dry:
        bench.row("peers", case, "left out", "", note="torch.compile takes minutes without a GPU")
    else:
        found["transformers compiled"] = {"compiled": True}
    if importlib.util.find_spec("liger_kernel") is None:
        bench.row("peers", case, "left out", "", note="liger-kernel is not installed")
    else:
        found["transformers with Liger"] = {"liger": True}
    return found


def part_peers(bench: Bench) -> None:
    """Pairs in one run: ziplaw beside transformers eager, compiled with CUDA graphs, and with Liger's kernels."""
    for hidden in bench.hidden:
        if not bench.late("peers", f"h={hidden}"):
            beside_peers(bench, bench.shape(hidden))
            if bench.device.type == "cuda":
                torch._dynamo.reset()
                torch.cuda.empty_cache()


def beside_peers(bench: Bench, shape: ModelConfig) -> None:
    """For each peer: train both to the same loss, then time the pair in turn."""
    case, steps = f"h={shape.hidden}", 4 if bench.dry else 200
    config = replace(TrainConfig([1]), batch_documents=bench.documents).resolved()
    ours, _ = make_step(bench, shape, steps, config)
    documents = torch.from_numpy(random_documents(shape.vocab_size, bench.context).astype(np.int64)).to(bench.device)
    order, rates = ours.order[:steps].long(), ours.settings[:steps, 0].tolist()
    # equal quality first: the same weights, documents and rates must end at the same loss
    for _ in range(steps):
        ours.advance(0, 0, 0.0)
    tail = max(1, steps // 10)
    bench.row("peers", f"{case} ziplaw", "final_loss", float(ours.losses[steps - tail : steps].mean()), "nats")
    # ours is captured, so these settings are the peers' alone
    with torch_defaults():
        for name, settings in peer_settings(bench, case).items():
            start = Decoder(shape, bench.device)
            start.initialise(init_seed(config.seed, shape), config.init)
            began = time.perf_counter()
            try:
                peer = importlib.import_module("peers.llama").Peer(start, config, torch.bfloat16, **settings)
                del start
                losses = [float(peer.step(documents[order[s]], rates[s])) for s in range(steps)]
            except Exception as error:
                # a peer that breaks is a finding, not the end of the bench
                bench.row("peers", f"{case} {name}", "left out", "", note=" ".join(str(error).split())[:200])
                continue
            seconds = time.perf_counter() - began
            bench.row("peers", f"{case} {name}", "first_steps", seconds, "s", f"{steps} steps, compilation included")
            bench.row("peers", f"{case} {name}", "final_loss", float(np.mean(losses[-tail:])), "nats")
            batch = documents[: bench.documents].clone()
            times = bench.alternate({"ziplaw": endless(ours), name: partial(peer.step, batch, 1e-3)})
            speed_rows(bench, "peers", f"{case} {name}", shape, median(times[name]))
            speed_rows(bench, "peers", f"{case} ziplaw beside {name}", shape, median(times["ziplaw"]))
            ratio = median(b / a for a, b in zip(times["ziplaw"], times[name]))
            bench.row("peers", f"{case} {name}", "ziplaw_is_faster", ratio, "times")
            del peer, times


def part_grid(bench: Bench) -> None:
    """GPU-seconds of the paper's grid, six widths and six budgets, from measured steps."""
    plans = plan_budgets(BUDGETS["paper"], bench.documents * bench.context, 0.2)
    ways = {"trunk and branches": total_steps(plans), "a run a budget": sum(p.steps for p in plans)}
    totals = dict.fromkeys(ways, 0.0)
    for hidden in bench.hidden:
        if bench.late("grid", f"h={hidden}"):
            return
        seconds = step_seconds(bench, bench.shape(hidden))
        for name, steps in ways.items():
            bench.row("grid", f"h={hidden} {name}", "time", steps * seconds, "GPU-seconds", f"{steps} steps")
            totals[name] += steps * seconds
    for name, seconds in totals.items():
        bench.row("grid", name, "time", seconds, "GPU-seconds", f"widths {bench.hidden}, evaluation not counted")


def part_ensemble(bench: Bench) -> None:
    """Several models of one small size side by side."""
    documents = random_documents(bench.vocab_size, bench.context)

    def alone(shape: ModelConfig) -> Callable[[], None]:
        return endless(make_step(bench, shape, 4 if bench.dry else 2000, TrainConfig([1]))[0])

    gpu_ensemble.run(bench, documents, alone)


def provenance(device: torch.device) -> dict[str, str]:
    """Device, versions and commit of this measurement."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    triton = importlib.import_module("triton").__version__ if importlib.util.find_spec("triton") else "none"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return dict(zip(PROVENANCE, (name, torch.__version__, triton, commit.stdout.strip() or "unknown")))


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Run only this part (repeatable).")
@click.option("--hidden", help="Widths, comma-separated [default: 64 to 2048].")
@click.option("--vocab-size", type=int, help="Vocabulary [default: 2001].")
@click.option("--documents", type=int, help="Documents a step [default: 32].")
@click.option("--context", type=int, help="Tokens a document [default: 256].")
@click.option("--blocks", type=int, help="Alternations of all candidates [default: 7].")
@click.option("--budget-seconds", default=1500.0, show_default=True, help="Start nothing new after so many seconds.")
@click.option("--dry-run", is_flag=True, help="Exercise everything at tiny shapes on the CPU; its times mean nothing.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="CSV file [default: standard output].")
def main(parts, hidden, vocab_size, documents, context, blocks, budget_seconds, dry_run, output):
    """Check and time the trainer on one GPU."""
    if not dry_run and not torch.cuda.is_available():
        raise click.ClickException("torch finds no CUDA device: use --dry-run to exercise this script without one")
    device = torch.device("cpu" if dry_run else "cuda")
    stream = open(output, "w", newline="") if output else sys.stdout  # noqa: SIM115 (standard output stays open)
    writer = csv.DictWriter(stream, [*COLUMNS, *PROVENANCE], lineterminator="\n")
    writer.writeheader()
    bench = Bench(
        device=device,
        dry=dry_run,
        vocab_size=vocab_size or (21 if dry_run else 2001),
        documents=documents or (2 if dry_run else 32),
        context=context or (16 if dry_run else 256),
        hidden=[int(h) for h in hidden.split(",")] if hidden else ([8] if dry_run else list(LAYERS)),
        blocks=blocks or (2 if dry_run else 7),
        deadline=time.monotonic() + budget_seconds,
        writer=writer,
        stream=stream,
        provenance=provenance(device),
    )
    run = {
        "correctness": gpu_checks.run,
        "kernels": gpu_kernels.run,
        **{name: globals()[f"part_{name}"] for name in PARTS if name not in ("correctness", "kernels")},
    }
    failed = False
    try:
        with torch_settings(device, 1):
            for name in parts or PARTS:
                if not bench.late(name, "all"):
                    print(f"{name} ...", file=sys.stderr, flush=True)
                    failed |= run[name](bench) is False
    finally:
        if output:
            stream.close()
    if failed:
        raise click.ClickException("a check of correctness failed: see the rows with the metric `failed`")


if __name__ == "__main__":
    main()
