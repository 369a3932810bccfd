"""The part `ensemble` of bench/gpu.py: several models of one size side by side, beside one alone."""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

import torch
from gpu_bench import endless, make_step, random_documents

from ziplaw.models.decoder_stack import Decoders
from ziplaw.models.flat import init_seed
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.stacked_step import SideBySide
from ziplaw.training.trainer import VOCABULARY_PAD

COUNTS = (2, 4, 8, 16)
WIDEST = 256


def build(bench, hidden: int, models: int, documents) -> tuple[SideBySide, float]:
    """Captured step of so many models that differ in their seed; and the seconds that this took."""
    shape, tokens = bench.shape(hidden), bench.documents * bench.context
    steps = 4 if bench.dry else 2000
    configs = [
        replace(TrainConfig([steps * tokens]), batch_documents=bench.documents, seed=seed).resolved()
        for seed in range(models)
    ]
    decoders = Decoders([shape] * models, bench.device, compute=torch.bfloat16, pad=VOCABULARY_PAD)
    decoders.initialise([init_seed(config.seed, shape) for config in configs], configs[0].init)
    program = stretches(plan_budgets(configs[0].budgets, tokens, configs[0].cooldown))
    batches = [Batches(documents, bench.documents, config.seed) for config in configs]
    began = time.perf_counter()
    return SideBySide(decoders, configs, batches, program, [documents[:9]] * models), time.perf_counter() - began


def beside(bench, hidden: int, models: int, documents) -> None:
    """Tokens/s of so many models together, in turn with one alone."""
    case, tokens = f"h={hidden} {models} models", bench.documents * bench.context
    single = endless(make_step(bench, bench.shape(hidden), 4 if bench.dry else 2000, TrainConfig([1]))[0])
    step, seconds = build(bench, hidden, models, documents)
    bench.row("ensemble", case, "compile", seconds, "s", "kernels, warm-up and capture")

    def together():
        if step.position == step.idle:
            step.position = 0
            step.cursor.zero_()
        step.advance(step.position, 0, 0.0)

    times = bench.alternate({"alone": single, "together": together})
    bench.row("ensemble", case, "tokens_per_s", models * tokens / median(times["together"]), "tokens/s", "all")
    ratio = median(models * a / b for a, b in zip(times["alone"], times["together"]))
    bench.row("ensemble", case, "against_alone", ratio, "times")


def run(bench) -> None:
    """Every narrow width with two models and more."""
    documents = random_documents(bench.vocab_size, bench.context)
    for hidden in [h for h in bench.hidden if h <= WIDEST]:
        for models in COUNTS[: 1 if bench.dry else None]:
            case = f"h={hidden} {models} models"
            if not bench.late("ensemble", case):
                bench.attempt("ensemble", case, beside, bench, hidden, models, documents)
