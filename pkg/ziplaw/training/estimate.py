"""What a run would take: parameters by group, FLOPs, memory and time, before anything is trained."""

from __future__ import annotations

import time

import numpy as np
import torch

from ..base.numerals import format_seconds
from ..corpora.storage.format import Corpus
from ..models import roof
from ..models.memory import checkpoint_bytes, memory_bytes
from ..models.shape.counts import count_params
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.flops import forward_flops_per_token, training_flops_per_token
from ..models.shape.lstm_config import LstmConfig
from .device import resolve_device, torch_settings
from .members import check_corpus
from .meter import total_steps
from .recipe.batches import check_supply
from .recipe.recipe import TrainConfig
from .recipe.schedule import plan_budgets
from .trainer import Trainer
from .tune import tuning_budget

TRIAL_STEPS = 3
TRIAL_LIMIT_PARAMETERS = 50_000_000


def tried_seconds(model: ModelConfig | LstmConfig, config: TrainConfig) -> float | None:
    """Time a few steps on random tokens; None for models too large to try in passing."""
    if count_params(model).N_total > TRIAL_LIMIT_PARAMETERS:
        return None
    tokens = np.random.default_rng(0).integers(0, model.vocab_size, (config.batch_documents, model.context))
    device = resolve_device(config.device)
    with torch_settings(device, config.threads):
        trial = TrainConfig(
            [(TRIAL_STEPS + 1) * tokens.size],
            schedule="constant",
            batch_documents=config.batch_documents,
            epochs=10**6,
            device=device.type,
            precision=config.precision,
            threads=config.threads,
        )
        trainer = Trainer(tokens, tokens, model, trial)
        plan = trainer.plans[0]
        trainer.advance(1, plan)
        began = time.perf_counter()
        trainer.advance(plan.steps, plan)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / TRIAL_STEPS


def dry_run(corpus: Corpus, model: ModelConfig | LstmConfig, config: TrainConfig) -> str:
    """Check everything that ``train`` would check and describe the run.

    Returns
    -------
    str
        Lines of text: parameters by group, FLOPs a token by part, budgets in steps, memory, time.

    Raises
    ------
    TrainError
        As ``train`` would.
    """
    config = config.resolved()
    check_corpus(corpus, model)
    step_tokens = config.batch_documents * model.context
    plans = plan_budgets(config.budgets, step_tokens, config.cooldown, config.schedule)
    check_supply(len(corpus.train), plans[-1].steps, config.batch_documents, config.epochs)
    params, forward = count_params(model), forward_flops_per_token(model)
    per_token = training_flops_per_token(model)
    steps = total_steps(plans)
    shape = "  ".join(f"{key} {value}" for key, value in model.to_dict().items())
    lines = [f"model       {shape}", "parameters"]
    for name in ("attention", "mlp", "norms", "recurrent", "biases", "embedding", "head"):
        if getattr(params, name):
            lines.append(f"  {name:<10}{getattr(params, name):>15,}")
    lines += [f"  {'N':<10}{params.N:>15,}", f"  {'N_total':<10}{params.N_total:>15,}"]
    lines.append("FLOPs a token, forward and backward")
    lines += [f"  {name:<12}{3 * value:>13,}" for name, value in forward.items()]
    lines += [f"  {'total':<12}{per_token:>13,}", "budgets (tokens, steps, C)"]
    lines += [f"  {p.D:>13,} {p.steps:>9,}  {per_token * p.D:.3e}" for p in plans]
    lines.append(
        f"steps       {steps:,} in all (trunk and branches), {step_tokens:,} tokens each, "
        f"{steps * step_tokens * per_token:.3e} FLOPs"
    )
    if config.learning_rate is None:
        lines.append(f"tuning      several runs of {tuning_budget(config.budgets):,} tokens come first")
    each = tried_seconds(model, config)
    here = resolve_device(config.device).type
    for name, gpu in (("CPU", False), ("GPU", True)):
        parts = memory_bytes(model, config.batch_documents, gpu, len(corpus.train), config.threads)
        detail = ", ".join(f"{part} {value / 2**20:,.1f}" for part, value in parts.items())
        lines.append(f"memory {name}  {sum(parts.values()) / 2**20:,.1f} MiB ({detail})")
    saved = checkpoint_bytes(model)
    branch = f", {2 * saved / 2**20:,.1f} MiB on a branch" if len(plans) > 1 else ""
    lines.append(f"checkpoint  {saved / 2**20:,.1f} MiB{branch}; the one before stays on the disk until it is whole")
    if each is None:
        lines.append("time        not tried: the model is large")
    else:
        lines.append(
            f"time {here.upper():<4}   {format_seconds(each * steps)} and evaluation "
            f"({each * 1e3:.2f} ms a step, {step_tokens / each:,.0f} tokens/s, "
            f"{step_tokens * per_token / each / 1e9:,.1f} GFLOP/s, tried just now)"
        )
    if isinstance(model, LstmConfig):
        return "\n".join(lines)
    arithmetic, traffic = roof.least_seconds(model, config.batch_documents)
    least = max(arithmetic, traffic)
    lines.append(
        f"time {roof.H100.name}   at least {format_seconds(least * steps)} ({least * 1e3:.3f} ms a step, bound by "
        f"{'arithmetic' if arithmetic > traffic else 'memory'}): a floor by calculation, not a measurement"
    )
    return "\n".join(lines)
