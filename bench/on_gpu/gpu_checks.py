"""The part `correctness` of bench/gpu.py: kernels, repeatability, resuming, bf16 beside fp32, and what users run."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import replace

import gpu_runs
import kernel_cases
import numpy as np
import torch
from gpu_bench import random_documents

from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep
from ziplaw.training.trainer import Trainer


def kernel(bench, case) -> bool:
    """One kernel against float64, and its bits in ten calls."""
    device = bench.device.type
    worst = max(error / limit for error, limit in kernel_cases.compare(case, device))
    differ = kernel_cases.repeats_differ(case, device, 2 if bench.dry else 10)
    passed = worst <= 1 and not differ
    note = "error of the worst output beside its limit" + ("; its bits differ between calls" if differ else "")
    bench.row("correctness", case.name, "error" if passed else "failed", worst, "of the limit", note)
    return passed


def kernels(bench) -> bool:
    """Every kernel; one that breaks is a row, and the others are looked at."""
    good = True
    for case in kernel_cases.cases(large=not bench.dry):
        if bench.late("correctness", case.name):
            break
        good &= bench.attempt("correctness", case.name, kernel, bench, case, small=True) is True
    return good


def documents(bench, n: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out documents of a grammar where the sampler is built, else of a walk."""
    try:
        importlib.import_module("ziplaw._pcfg")
        from ziplaw.grammars.random_grammars import random_grammar
        from ziplaw.grammars.sampling import sample
    except ImportError:
        bench.row("correctness", "documents", "left out", "", note="the sampler is not built: a walk instead")
        walk = random_documents(bench.vocab_size, bench.context, n + 200)
        return walk[:n], walk[n:]
    grammar = random_grammar(10, min(20 if bench.dry else 300, bench.vocab_size - 1), 20, 4, seed=0)
    return sample(grammar, n, bench.context), sample(grammar, 200, bench.context, stream=1)


def trainer(bench, hidden, arrays, steps, between=None, **settings) -> Trainer:
    shape = ModelConfig(hidden, 2, bench.vocab_size, context=bench.context)
    config = gpu_runs.config(bench, steps, **settings)
    return Trainer(*arrays, shape, config, between_steps=between, engine=GraphStep)


def resuming(bench, hidden: int, arrays) -> bool:
    """Ten same runs, and one stopped and resumed, end with the same bits."""
    steps = 8 if bench.dry else 100
    whole = [trainer(bench, hidden, arrays, steps) for _ in range(2 if bench.dry else 10)]
    for one in whole:
        one.run()
    same = all(torch.equal(whole[0].model.flat, one.model.flat) and whole[0].points == one.points for one in whole)
    left, saved = [steps * 2 // 3], []

    def between(one):
        left[0] -= 1
        if left[0] == 0:
            saved.append(one.state())
            raise Stopped

    with contextlib.suppress(Stopped):
        trainer(bench, hidden, arrays, steps, between).run()
    second = trainer(bench, hidden, arrays, steps)
    second.load_state(*saved[0])
    second.run()
    resumed = torch.equal(second.model.flat, whole[0].model.flat) and second.points == whole[0].points
    for name, passed in (("repeated runs bit-equal", same), ("resumed run bit-equal", resumed)):
        bench.row("correctness", f"h={hidden} {name}", "passed" if passed else "failed", int(passed))
    return same and resumed


def beside_cpu(bench, hidden: int, arrays) -> bool:
    """The first losses in fp32 are those of the plain step on a CPU."""
    steps = 8 if bench.dry else 20
    here = trainer(bench, hidden, arrays, steps, precision="fp32")
    here.run()
    config = replace(here.config, device="cpu")
    # a GPU machine need not have built the cores
    there = Trainer(*arrays, here.model_config, config, engine=PlainStep)
    there.run()
    mine, theirs = (one.engine.losses[: len(there.engine.losses)].double().cpu() for one in (here, there))
    error = float(((mine - theirs).abs() / theirs).max())
    passed = error < 1e-3
    bench.row(
        "correctness", f"h={hidden} beside the plain step on a CPU", "error" if passed else "failed", error, "relative"
    )
    return passed


def precision(bench, hidden: int, arrays) -> bool:
    """Final losses of bf16 and fp32 differ by less than those of two seeds do."""
    steps, seeds = (8, 2) if bench.dry else (1000, 4)
    losses = {}
    for name in ("fp32",) if bench.dry else ("fp32", "bf16"):
        runs = [trainer(bench, hidden, arrays, steps, seed=seed, precision=name) for seed in range(seeds)]
        for one in runs:
            one.run()
        losses[name] = np.array([one.points[-1]["loss"] for one in runs], float)
        bench.row(
            "correctness", f"h={hidden} {name}", "final_loss", float(losses[name].mean()), "nats", f"{seeds} seeds"
        )
    noise = float(losses["fp32"].std(ddof=1))
    bench.row("correctness", f"h={hidden} fp32", "seed_noise", noise, "nats")
    if "bf16" not in losses:
        return True
    # paired by seed: weights and documents are the same
    difference = float(np.abs(losses["bf16"] - losses["fp32"]).mean())
    passed = difference < 2 * noise
    bench.row("correctness", f"h={hidden} bf16 - fp32", "error" if passed else "failed", difference, "nats")
    return passed


def run(bench) -> bool:
    """Run all checks; False when one failed."""
    good = kernels(bench)
    arrays = documents(bench)
    widths = [h for h in bench.hidden if h <= 256]
    for hidden in widths:
        # the CPU takes minutes for the wider ones
        checks = [beside_cpu] if hidden == min(widths) else []
        for check in (*checks, resuming, precision):
            case = f"h={hidden} {check.__name__}"
            if not bench.late("correctness", case):
                good &= bench.attempt("correctness", case, check, bench, hidden, arrays) is True
        good &= gpu_runs.run(bench, hidden, arrays)
    return good
