"""What a batch system is to give a training job: memory and time from its size alone, before its corpus is there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.memory import memory_bytes
from ..models.shape.architectures import make_config
from ..models.shape.counts import count_params
from ..models.shape.flops import training_flops_per_token
from .meter import total_steps
from .recipe.recipe import TrainConfig
from .recipe.schedule import plan_budgets
from .tune import tuning_budget

# Python and torch; with a GPU its libraries too
CPU_BASE_MB, GPU_BASE_MB = 1000, 4000
# Rates that every machine reaches, steps of small models that take a while whatever their arithmetic, and a margin: a
# job that is ended by its time limit costs more than one that waits a little longer for its turn
CPU_FLOPS, GPU_FLOPS, STEP_S = 1e9, 5e13, 0.01
MARGIN = 2.0
START_MINUTES = 10
TUNING_RUNS = 8


@dataclass(frozen=True)
class Needs:
    """Memory of the host in MB, and minutes."""

    mem_mb: int
    minutes: int


def job_needs(shapes: Sequence[Mapping[str, Any]], config: TrainConfig, *, context: int, gpu: bool) -> Needs:
    """Return what a job takes that trains these models side by side.

    Parameters
    ----------
    shapes : sequence of mapping
        Of each run: architecture, hidden, layers, heads, vocab_size.
    config : TrainConfig
        Their settings.
    context : int
        Tokens a document.
    gpu : bool
        Whether it gets one.

    Returns
    -------
    Needs
        Upper bounds, in steps of 500 MB and 10 minutes.
    """
    config = config.resolved()
    models = [make_config(**{**shape, "context": context}) for shape in shapes]
    tokens = config.batch_documents * context
    steps = total_steps(plan_budgets(config.budgets, tokens, config.cooldown, config.schedule))
    if config.learning_rate is None:
        steps += TUNING_RUNS * math.ceil(tuning_budget(config.budgets) / tokens)
    held, seconds = 0.0, 0.0
    largest = 4 * max(count_params(model).N_total for model in models)
    for model in models:
        parts = memory_bytes(model, config.batch_documents, gpu, threads=config.threads)
        # of what lies on a GPU the host sees one tensor of the state at a time, when it is saved or read
        held = MARGIN * largest if gpu else held + MARGIN * sum(parts.values())
        flops = tokens * training_flops_per_token(model)
        seconds += steps * (STEP_S + flops / (GPU_FLOPS if gpu else CPU_FLOPS))
    megabytes = (GPU_BASE_MB if gpu else CPU_BASE_MB) + held / 1e6
    minutes = START_MINUTES + MARGIN * seconds / 60
    return Needs(mem_mb=500 * math.ceil(megabytes / 500), minutes=10 * math.ceil(minutes / 10))
