"""The parts `device`, `throughput` and `grid` of bench/gpu.py: how fast the device is, and our step on it."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import torch
from gpu_bench import Bench, endless, make_step

from ziplaw.models import roof
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import training_flops_per_token
from ziplaw.training.device import peak_flops
from ziplaw.training.meter import total_steps
from ziplaw.training.recipe.recipe import BUDGETS, TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets

# tokens/s on one H100 with a vocabulary of 2001, for the column `goal`
GOALS = {64: 20e6, 128: 12e6, 256: 4e6, 512: 1.2e6, 1024: 270e3, 2048: 60e3}


def device(bench: Bench) -> None:
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


def step_seconds(bench: Bench, shape: ModelConfig) -> float:
    """Seconds a step of a shape, measured once in a run; its rows go to the part throughput."""
    if shape not in bench.measured:
        case = f"h={shape.hidden} V={shape.vocab_size}"
        gpu = bench.device.type == "cuda"
        if gpu:
            torch.cuda.reset_peak_memory_stats()
        step, seconds = make_step(bench, shape, 4 if bench.dry else 2000, TrainConfig([1]))
        bench.row("throughput", case, "compile", seconds, "s", "kernels, warm-up and capture")
        bench.measured[shape] = median(bench.alternate({"ziplaw": endless(step)})["ziplaw"])
        if gpu:
            bench.row("throughput", case, "memory", torch.cuda.max_memory_allocated() / 2**30, "GiB")
        speed_rows(bench, "throughput", case, shape, bench.measured[shape])
    return bench.measured[shape]


def throughput(bench: Bench) -> None:
    """Tokens/s of every width: one model, one captured graph; the grid's vocabulary and the paper's."""
    for hidden in bench.hidden:
        for vocab_size in sorted({bench.vocab_size, 33 if bench.dry else 32001}):
            case = f"h={hidden} V={vocab_size}"
            if not bench.late("throughput", case):
                shape = replace(bench.shape(hidden), vocab_size=vocab_size)
                bench.attempt("throughput", case, step_seconds, bench, shape)


def grid(bench: Bench) -> None:
    """GPU-seconds of the paper's grid, six widths and six budgets, from measured steps."""
    plans = plan_budgets(BUDGETS["paper"], bench.documents * bench.context, 0.2)
    ways = {"trunk and branches": total_steps(plans), "a run a budget": sum(p.steps for p in plans)}
    totals, widths = dict.fromkeys(ways, 0.0), []
    for hidden in bench.hidden:
        if bench.late("grid", f"h={hidden}"):
            return
        seconds = bench.attempt("grid", f"h={hidden}", step_seconds, bench, bench.shape(hidden))
        if seconds is None:
            continue
        widths.append(hidden)
        for name, steps in ways.items():
            bench.row("grid", f"h={hidden} {name}", "time", steps * seconds, "GPU-seconds", f"{steps} steps")
            totals[name] += steps * seconds
    for name, seconds in totals.items():
        bench.row("grid", name, "time", seconds, "GPU-seconds", f"widths {widths}, evaluation not counted")
