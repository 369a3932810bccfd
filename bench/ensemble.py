"""Several runs of one size: one job against a job each, and a model axis against a step for each, side by side in one
run.

Whole runs: M processes of `ziplaw train` against one process that trains all M; processor seconds of the processes,
pairs in turn. Steps: M models with a step of their own against one batched model with a leading model axis, in one
process; blocks in turn, processor time on a CPU (one thread), wall time on a GPU. Medians of ratios; above 1 the
ensemble is faster.

    python bench/ensemble.py steps                    # widths 6 to 64, 6 runs
    python bench/ensemble.py steps --device cuda      # on a GPU, where the model axis is the default
    python bench/ensemble.py runs
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch

from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.device import resolve_device, torch_settings
from ziplaw.training.ensemble import Ensemble
from ziplaw.training.recipe.recipe import TrainConfig


def clock(device):
    """Seconds so far; on a GPU after all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def steps_row(device, hidden, layers, vocab_size, context, documents, runs, blocks, steps):
    """Seconds a step of M models, each by itself and batched."""
    shape = ModelConfig(hidden, layers, vocab_size, context=context)
    total = (blocks + 1) * steps + 1
    rng = np.random.default_rng(0)
    corpora = [rng.integers(0, vocab_size, (64, context), dtype=np.uint16) for _ in range(runs)]
    settings = {"schedule": "constant", "batch_documents": documents, "epochs": 10**6, "device": device.type}
    configs = [TrainConfig([total * documents * context], seed=m, **settings) for m in range(runs)]
    names = [str(m) for m in range(runs)]
    ways = [Ensemble(corpora, corpora, [shape] * runs, configs, names, batched=b).trainers for b in (False, True)]
    times = []
    for _ in range(blocks + 1):
        pair = []
        for trainers in ways:
            began = clock(device)
            for trainer in trainers:
                trainer.advance(trainer.plans[0].steps, trainer.plans[0], steps)
            pair.append(clock(device) - began)
        times.append(pair)
    each, batched = (median(t) for t in zip(*times[1:]))
    last = total - 2
    tokens = runs * steps * documents * context
    return {
        "device": device.type,
        "hidden": hidden,
        "layers": layers,
        "vocab_size": vocab_size,
        "context": context,
        "documents": documents,
        "runs": runs,
        "each_tokens_per_s": round(tokens / each),
        "batched_tokens_per_s": round(tokens / batched),
        "batched_speedup": round(median(a / b for a, b in times[1:]), 2),
        "largest_loss_difference": max(
            abs(float(a.engine.losses[last] / b.engine.losses[last]) - 1.0) for a, b in zip(*ways)
        ),
    }


def processor_seconds(commands):
    """User and system seconds of commands run one after the other."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run([sys.executable, "-m", "ziplaw", *map(str, command)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def runs_row(folder, corpora, hidden, tokens, blocks):
    """Processor seconds of M runs, a process each and in one process; and whether their files are the same."""
    shape = ["--hidden", hidden, "--layers", 2, "--budgets", f"{tokens // 4},{tokens // 2},{tokens}"]
    each = [["train", c, *shape, "-o", folder / "each" / c.name] for c in corpora]
    outputs = [part for c in corpora for part in ("-o", folder / "one" / c.name)]
    times = [
        (processor_seconds(each), processor_seconds([["train", *corpora, *shape, *outputs]])) for _ in range(blocks)
    ]
    same = all(
        (folder / "each" / c.name / file).read_bytes() == (folder / "one" / c.name / file).read_bytes()
        for c in corpora
        for file in ("curve.csv", "run.json")
    )
    return {
        "hidden": hidden,
        "tokens": tokens,
        "runs": len(corpora),
        "each_s": round(median(t for t, _ in times), 2),
        "one_job_s": round(median(t for _, t in times), 2),
        "speedup": round(median(a / b for a, b in times), 2),
        "same_bytes": same,
    }


def write(output, rows):
    """Write rows as they come."""
    print(f"# torch {torch.__version__}", file=sys.stderr)
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(output, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
        output.flush()


def numbers(context, parameter, value):
    """Whole numbers of a comma-separated list."""
    return [int(part) for part in value.split(",")]


output = click.option("-o", "--output", type=click.File("w"), default="-", help="CSV file [default: standard output].")


@click.group()
def main():
    """Compare ways to train several runs of one size."""


@main.command("steps")
@click.option("--hidden", default="6,8,16,32,64", show_default=True, callback=numbers, help="Widths.")
@click.option("--context", default="32,256", show_default=True, callback=numbers, help="Lengths of documents.")
@click.option("--layers", default=2, show_default=True)
@click.option("--vocab-size", default=301, show_default=True)
@click.option("--documents", default=4, show_default=True, help="Documents a step.")
@click.option("--runs", default=6, show_default=True, help="Runs side by side.")
@click.option("--blocks", default=5, show_default=True, help="Pairs.")
@click.option("--steps", default=5, show_default=True, help="Steps of each run in a block.")
@click.option("--device", default="cpu", type=click.Choice(["cpu", "cuda"]), show_default=True)
@output
def steps_command(hidden, context, layers, vocab_size, documents, runs, blocks, steps, device, output):
    """Time a step of several models, each by itself and batched."""
    device = resolve_device(device)
    with torch_settings(device, 1):
        shapes = [(h, s) for h in hidden for s in context]
        write(output, (steps_row(device, h, layers, vocab_size, s, documents, runs, blocks, steps) for h, s in shapes))


@main.command("runs")
@click.option("--hidden", default="8,16", show_default=True, callback=numbers, help="Widths.")
@click.option("--tokens", default=131072, show_default=True, help="Largest budget.")
@click.option("--runs", default=6, show_default=True)
@click.option("--blocks", default=3, show_default=True, help="Pairs.")
@output
def runs_command(hidden, tokens, runs, blocks, output):
    """Time whole runs on a CPU, a process each and all in one."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        corpora = [Path(scratch) / f"corpus{m}" for m in range(runs)]
        for corpus in corpora:
            with CorpusWriter(corpus, tokens // 256, 64, 256, 301, {"grammar": "none"}) as out:
                out.train[:], out.valid[:] = (rng.integers(1, 301, part.shape) for part in (out.train, out.valid))
        write(output, (runs_row(Path(scratch), corpora, h, tokens, blocks) for h in hidden))


if __name__ == "__main__":
    main()
