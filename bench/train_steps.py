"""The ways to take a decoder's training step on a CPU, in turn: compiled (what runs use), recorded torch calls,
hand-written passes, autograd.

Whole steps (documents, forward, backward, clip, AdamW) of one model, the same weights and documents; blocks of steps in
turn, one thread, processor time, medians of blocks. ``passes`` is the step of a GPU run eagerly: what it is for cannot
be seen on a CPU.

    python bench/train_steps.py                     # widths 8 to 64
"""

from __future__ import annotations

import csv
import sys
import time
from statistics import median

import click
import numpy as np
import torch
from peers.recorded_step import RecordedStep

from ziplaw.models.decoder import Decoder, ModelConfig
from ziplaw.models.flat import init_seed
from ziplaw.training.device import torch_settings
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep

WAYS = {"compiled": CompiledStep, "recorded": RecordedStep, "passes": GraphStep, "autograd": PlainStep}


def row(hidden, layers, vocab_size, documents, blocks, steps):
    """Tokens a processor second of every way, and the speed-up of the compiled step over the others."""
    shape = ModelConfig(hidden, layers, vocab_size)
    total = (blocks + 1) * steps
    settings = {"batch_documents": documents, "schedule": "constant", "warmup_steps": 0}
    config = TrainConfig([total * documents * shape.context], **settings).resolved()
    walk = np.random.default_rng(0).integers(0, 3, (64, shape.context)).cumsum(1) % vocab_size
    program = stretches(plan_budgets(config.budgets, documents * shape.context, config.cooldown, config.schedule))
    engines = {}
    for name, way in WAYS.items():
        model = Decoder(shape)
        model.initialise(init_seed(0, shape), config.init)
        engines[name] = way(model, config, Batches(walk.astype(np.uint16), documents, 0), program)
        engines[name].seek(0)
    times = {name: [] for name in WAYS}
    for block in range(blocks + 1):
        for name, engine in engines.items():
            began = time.process_time()
            for t in range(block * steps, (block + 1) * steps):
                engine.advance(t, t, config.learning_rate)
            times[name].append((time.process_time() - began) / steps)
    tokens = documents * shape.context
    # the first block warms up
    times = {name: found[1:] for name, found in times.items()}
    found = {"hidden": hidden, "layers": layers, "vocab_size": vocab_size, "documents": documents}
    found |= {f"{name}_tokens_per_s": round(tokens / median(t)) for name, t in times.items()}
    for name in ("recorded", "passes", "autograd"):
        ratios = [b / a for a, b in zip(times["compiled"], times[name])]
        found[f"speedup_over_{name}"] = round(median(ratios), 2)
    last = {name: float(engine.losses[total - 1]) for name, engine in engines.items()}
    return found | {"largest_loss_difference": max(abs(loss / last["autograd"] - 1) for loss in last.values())}


@click.command()
@click.option("--hidden", default="8,16,24,32,48,64", show_default=True, help="Widths, comma-separated.")
@click.option("--layers", default=2, show_default=True)
@click.option("--vocab-size", default=301, show_default=True)
@click.option("--documents", default=4, show_default=True, help="Documents of 256 tokens a step.")
@click.option("--blocks", default=7, show_default=True, help="Turns.")
@click.option("--steps", default=10, show_default=True, help="Steps in a block.")
@click.option("-o", "--output", type=click.File("w"), default="-", help="CSV file [default: standard output].")
def main(hidden, layers, vocab_size, documents, blocks, steps, output):
    """Compare the ways to take a step on one thread."""
    print(f"# torch {torch.__version__}", file=sys.stderr)
    writer = None
    with torch_settings(torch.device("cpu"), 1):
        for width in map(int, hidden.split(",")):
            found = row(width, layers, vocab_size, documents, blocks, steps)
            if writer is None:
                writer = csv.DictWriter(output, list(found), lineterminator="\n")
                writer.writeheader()
            writer.writerow(found)
            output.flush()


if __name__ == "__main__":
    main()
