"""Whole runs by the compiled step and by the recorded torch step it replaced, in turn: losses reached, and seconds.

Both train the same model of the same documents at the same rates; every 50 steps it is the other's turn, so whatever
else the machine does meets both alike. Evaluation of held-out documents is by the compiled core for both, and not
timed.

    python tests/verification/studies/steps/step_study.py losses    # what the choice of a step does, beside the seed's
    python tests/verification/studies/steps/step_study.py sweep     # seconds of the default sweep's runs
"""

from __future__ import annotations

import csv
import importlib
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import torch

from ziplaw.corpora.storage.format import CorpusWriter, open_corpus
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.sweep.config import load_config
from ziplaw.training.device import torch_settings
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.trainer import Trainer

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "bench"))
RecordedStep = importlib.import_module("peers.recorded_step").RecordedStep

SWEEP = load_config(ROOT / "config" / "default.yaml")
TURN = 50


class Recorded(RecordedStep):
    """With the evaluation pass of the compiled step, which reads the same weights."""

    def __init__(self, model, config, batches, program):
        super().__init__(model, config, batches, program)
        self.other = CompiledStep(model, config, batches, program)

    def document_losses(self, documents, first=0):
        """See Engine."""
        return self.other.document_losses(documents, first)


def corpus_of(name, folder):
    """Documents of a dataset of the default sweep, as its rules make them."""
    grammar = random_grammar(**dict(SWEEP.datasets[name].grammar))
    context, held_out, seed = SWEEP.corpus.context, SWEEP.corpus.valid_documents, SWEEP.corpus.seed
    n = -(-max(SWEEP.budgets) // context)
    with CorpusWriter(folder, n, held_out, context, grammar.vocab_size, {"grammar": name}) as out:
        out.train[:] = sample(grammar, n, context, seed=seed)
        out.valid[:] = sample(grammar, held_out, context, seed=seed, stream=1)
    return open_corpus(folder)


def pair(corpus, hidden, layers, budgets, seed):
    """Train both in turn; points, processor seconds of all steps by way, and their tokens."""
    shape = ModelConfig(hidden, layers, corpus.vocab_size, context=corpus.context)
    config = TrainConfig(budgets, seed=seed).resolved()
    engines = {"compiled": CompiledStep, "recorded": Recorded}
    trainers = {
        name: Trainer(corpus.train, corpus.valid, shape, config, corpus.meta["sha256_train"], engine=engine)
        for name, engine in engines.items()
    }
    seconds = dict.fromkeys(trainers, 0.0)

    def in_turn(reach):
        waiting = list(trainers)
        while waiting:
            for name in list(waiting):
                began = time.process_time()
                if reach(trainers[name]):
                    waiting.remove(name)
                seconds[name] += time.process_time() - began

    for _ in budgets:
        in_turn(lambda trainer: trainer.reach_branch(TURN))
        for trainer in trainers.values():
            trainer.open_branch()
        in_turn(lambda trainer: trainer.reach_budget(TURN))
        for trainer in trainers.values():
            trainer.close_branch()
    tokens = sum(len(segment.losses) for segment in trainer.segments) * trainer.tokens_per_step
    return {name: trainer.points for name, trainer in trainers.items()}, seconds, tokens


def rows_of(dataset, corpus, model, hidden, layers, budgets, seed):
    """One row a budget; seconds are those of the whole run, in its last row."""
    points, seconds, tokens = pair(corpus, hidden, layers, budgets, seed)
    rows = []
    for ours, theirs in zip(points["compiled"], points["recorded"]):
        row = {"dataset": dataset, "model": model, "seed": seed, "D": ours["D"]}
        row |= {"compiled_loss": ours["loss"], "recorded_loss": theirs["loss"]}
        rows.append(row | {"run_tokens": "", "compiled_s": "", "recorded_s": ""})
    rows[-1] |= {"run_tokens": tokens, **{f"{name}_s": round(s, 2) for name, s in seconds.items()}}
    return rows


def write(path, rows):
    """Write a table."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@click.group()
def main():
    """Compare whole runs of both steps."""


@main.command()
@click.option("--datasets", default="g3x400,g30x40,g15x50", show_default=True)
@click.option("--models", default="h16", show_default=True)
@click.option("--tokens", default=1 << 20, show_default=True)
@click.option("--seeds", default=4, show_default=True)
@click.option("-o", "--output", default=str(HERE / "losses_study.csv"), show_default=True)
def losses(datasets, models, tokens, seeds, output):
    """Losses after one budget, by dataset and seed."""
    run(datasets, models, [tokens], range(seeds), output)


@main.command()
@click.option("--datasets", default="g3x400", show_default=True)
@click.option("--models", default=",".join(SWEEP.models), show_default=True)
@click.option("-o", "--output", default=str(HERE / "sweep_study.csv"), show_default=True)
def sweep(datasets, models, output):
    """Processor seconds of the default sweep's runs, all budgets."""
    run(datasets, models, SWEEP.budgets, [0], output)


def run(datasets, models, budgets, seeds, output):
    rows = []
    with torch_settings(torch.device("cpu"), 1):
        for dataset in datasets.split(","):
            with tempfile.TemporaryDirectory() as folder:
                corpus = corpus_of(dataset, Path(folder))
                for model in models.split(","):
                    shape = SWEEP.models[model]
                    for seed in seeds:
                        rows += rows_of(dataset, corpus, model, shape.hidden, shape.layers, budgets, seed)
                        write(output, rows)
                        print(rows[-1], flush=True)
    for dataset in datasets.split(","):
        mine = [row for row in rows if row["dataset"] == dataset]
        if len({row["seed"] for row in mine}) > 1:
            ours, theirs = (np.array([row[f"{way}_loss"] for row in mine]) for way in ("compiled", "recorded"))
            print(f"{dataset}: difference {np.mean(ours - theirs):.2e}, over seeds {np.std(theirs, ddof=1):.2e}")
    ours, theirs = (sum(row[f"{way}_s"] or 0.0 for row in rows) for way in ("compiled", "recorded"))
    print(f"{ours:.1f} against {theirs:.1f} processor seconds: {theirs / ours:.2f} times as fast")


if __name__ == "__main__":
    main()
