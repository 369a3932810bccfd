"""Training speed on a CPU against the recorded torch step and transformers' LlamaForCausalLM, and losses reached.

All models have the same shape, the same initial weights, the same documents, the same schedule and the same
optimiser settings. Speed: blocks of steps in turn, one thread, processor time (which other processes disturb less than
wall time), medians. Quality: trained for one budget as transformers is, held-out loss on the same documents.

    python bench/train_cpu.py                       # speed, widths 6 to 96; without transformers where it is missing
    python bench/train_cpu.py --tokens 1048576 --hidden 24 --corpus results/.../corpora/NAME   # quality
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

from ziplaw.corpora.storage.format import open_corpus
from ziplaw.models.decoder import Decoder, ModelConfig
from ziplaw.models.flat import init_seed
from ziplaw.models.flops import training_flops_per_token
from ziplaw.training.device import torch_settings
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.trainer import Trainer

try:
    import transformers
    from llama_peer import Peer
except ImportError:
    transformers = None

RATE = 1e-3
CPU = torch.device("cpu")


def seconds(step, steps):
    """Processor seconds a step."""
    began = time.process_time()
    for t in range(steps):
        step(t)
    return (time.process_time() - began) / steps


def speed_row(hidden, layers, vocab_size, documents, blocks, steps):
    """Tokens a processor second of every way to take the same steps, and how many times as fast the compiled one is."""
    shape = ModelConfig(hidden, layers, vocab_size)
    config = TrainConfig([steps * documents * shape.context], batch_documents=documents).resolved()
    program = stretches(plan_budgets(config.budgets, documents * shape.context, config.cooldown, config.schedule))
    drawn = np.random.default_rng(0).integers(0, vocab_size, (documents * steps, shape.context)).astype(np.uint32)
    batches = Batches(drawn, documents, 0)

    def model():
        made = Decoder(shape)
        made.initialise(init_seed(0, shape))
        return made

    engines = {
        "ziplaw": CompiledStep(model(), config, batches, program),
        "recorded": RecordedStep(model(), config, batches, program),
    }
    ways = {name: lambda t, engine=engine: engine.advance(t, t, RATE) for name, engine in engines.items()}
    if transformers:
        peer = Peer(model(), config)
        ways["transformers"] = lambda t: peer.step(torch.from_numpy(batches[t]), RATE)
    times = {name: [] for name in ways}
    # the first turn warms up
    for _ in range(blocks + 1):
        for name, way in ways.items():
            times[name].append(seconds(way, steps))
    times = {name: found[1:] for name, found in times.items()}
    tokens, mine = documents * shape.context, times["ziplaw"]
    found = {"hidden": hidden, "layers": layers, "vocab_size": vocab_size, "documents": documents}
    found |= {f"{name}_tokens_per_s": round(tokens / median(t)) for name, t in times.items()}
    for name in list(ways)[1:]:
        found[f"speedup_over_{name}"] = round(median(b / a for a, b in zip(mine, times[name])), 2)
    for name in list(ways)[:2]:
        rate = tokens / median(times[name]) * training_flops_per_token(shape)
        found[f"{name}_gflops"] = round(rate / 1e9, 1)
    return found


def quality(corpus_dir, hidden, layers, tokens):
    """Held-out losses of both after the same training."""
    corpus = open_corpus(corpus_dir)
    shape = ModelConfig(hidden, layers, corpus.vocab_size, context=corpus.context)
    config = TrainConfig([tokens]).resolved()
    trainer = Trainer(corpus.train, corpus.valid, shape, config, corpus.meta["sha256_train"])
    peer = Peer(trainer.model, config)
    plan = trainer.plans[0]
    began = time.process_time()
    trainer.run()
    mine = time.process_time() - began
    began = time.process_time()
    for step in range(plan.steps):
        peer.step(torch.from_numpy(trainer.batches[step]), trainer._rate(step, plan))
    other = time.process_time() - began
    with torch.no_grad():
        documents = torch.from_numpy(corpus.valid.astype("int64"))
        their_loss = torch.stack([peer.loss(d) for d in documents.split(1)]).double().mean().item()
    loss = trainer.points[0]["loss"]
    return {
        "hidden": hidden,
        "D": plan.D,
        "ziplaw_loss": loss,
        "transformers_loss": their_loss,
        "relative_difference": loss / their_loss - 1,
        "ziplaw_s": round(mine, 1),
        "transformers_s": round(other, 1),
    }


@click.command()
@click.option("--hidden", default="6,8,12,16,24,32,48,64,96", show_default=True, help="Widths, comma-separated.")
@click.option("--layers", default=2, show_default=True)
@click.option("--vocab-size", default=301, show_default=True)
@click.option("--documents", default=4, show_default=True, help="Documents of 256 tokens a step.")
@click.option("--blocks", default=7, show_default=True, help="Turns.")
@click.option("--steps", default=10, show_default=True, help="Steps in a block.")
@click.option("--tokens", type=int, help="Train both on this many tokens of --corpus and compare losses instead.")
@click.option("--corpus", type=click.Path(exists=True), help="A corpus folder.")
@click.option("-o", "--output", type=click.File("w"), default="-", help="CSV file [default: standard output].")
def main(hidden, layers, vocab_size, documents, blocks, steps, tokens, corpus, output):
    """Compare on one thread."""
    writer, peers = None, f"transformers {transformers.__version__}" if transformers else "no transformers"
    if tokens and not transformers:
        raise click.UsageError("--tokens compares with transformers, which is not installed: pip install transformers")
    with torch_settings(CPU, 1):
        for width in map(int, hidden.split(",")):
            if tokens:
                row = quality(corpus, width, layers, tokens)
            else:
                row = speed_row(width, layers, vocab_size, documents, blocks, steps)
            if writer is None:
                print(f"# torch {torch.__version__}, {peers}", file=sys.stderr)
                writer = csv.DictWriter(output, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            output.flush()


if __name__ == "__main__":
    main()
