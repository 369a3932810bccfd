"""The part `profile` of bench/gpu.py: where the time of a step goes, kernel by kernel, over twenty replays."""

from __future__ import annotations

import os

import torch
from gpu_bench import Bench, endless, make_step
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.recipe.recipe import TrainConfig

REPLAYS = 20
# kernels that get a row of their own
LONGEST = 40
NAME = 100


def traced(bench: Bench) -> profile:
    """The tracer of the device, and of a CPU."""
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if bench.device.type == "cuda" else [])]
    return profile(activities=kinds, acc_events=True)


def kernels(bench: Bench, one, replays: int) -> list[tuple[str, float, float]]:
    """Name, microseconds and launches a step of all kernels in ``replays`` calls of ``one``, longest first.

    On a GPU what its own clock saw (CUPTI, which ships with torch), nodes of captured graphs among them; on a CPU
    torch's operations.
    """
    gpu = bench.device.type == "cuda"
    with traced(bench) as seen:
        for _ in range(replays):
            one()
        if gpu:
            torch.cuda.synchronize()
    found = []
    for event in seen.key_averages():
        if event.device_type == (DeviceType.CUDA if gpu else DeviceType.CPU):
            spent = event.self_device_time_total if gpu else event.self_cpu_time_total
            found.append((event.key, spent / replays, event.count / replays))
    return sorted(found, key=lambda kernel: -kernel[1])


def others(rest: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """All kernels that get no row of their own, as one."""
    return [(f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))] if rest else []


def at_shape(bench: Bench, shape: ModelConfig) -> None:
    """A row a kernel, and how much of a step no kernel runs."""
    replays = 2 if bench.dry else REPLAYS
    step, _ = make_step(bench, shape, 4 if bench.dry else 2000, TrainConfig([1]))
    one = endless(step)
    for _ in range(3):
        one()
    wall = bench.seconds(one, replays) * 1e6
    found = kernels(bench, one, replays)
    case = f"h={shape.hidden} V={shape.vocab_size}"
    if not found:
        raise RuntimeError("the profiler saw no kernel: is libcupti there, and may this user trace?")
    busy = sum(spent for _, spent, _ in found)
    bench.row("profile", case, "step", wall, "us", f"without the profiler, mean of {replays} replays")
    bench.row("profile", case, "kernels", busy, "us a step", "sum over kernels")
    bench.row("profile", case, "launches", sum(count for _, _, count in found), "a step")
    bench.row(
        "profile", case, "idle", 1 - busy / wall, "of the step", "below zero where the profiler slows kernels down"
    )
    for name, spent, count in [*found[:LONGEST], *others(found[LONGEST:])]:
        bench.row("profile", f"{case} {name[:NAME]}", "time", spent, "us a step", f"{count:g} a step")


def run(bench: Bench) -> None:
    """Every width at the bench's vocabulary."""
    # a tracer that is taken down and brought up again beside a CUDA graph may crash, and a graph that is captured
    # before it was ever up may hide its kernels; torch sees to that only for graphs of its own compiler
    os.environ |= {"TEARDOWN_CUPTI": "0", "DISABLE_CUPTI_LAZY_REINIT": "1"}
    with traced(bench):
        torch.zeros(1, device=bench.device).add_(1)
    for hidden in bench.hidden:
        case = f"h={hidden}"
        if not bench.late("profile", case):
            bench.attempt("profile", case, at_shape, bench, bench.shape(hidden))
