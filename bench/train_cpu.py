"""Training speed on a CPU against transformers' LlamaForCausalLM, and the losses that both reach.

Both models have the same shape, the same initial weights, the same documents, the same schedule and the same
optimiser settings. Speed: blocks of steps in turn, one thread, processor time (which other processes disturb less than
wall time), medians. Quality: both trained for one budget, held-out loss on the same documents.

    python bench/train_cpu.py                       # speed, widths 8 to 96
    python bench/train_cpu.py --tokens 1048576 --hidden 24 --corpus results/.../corpora/NAME   # quality
"""

from __future__ import annotations

import csv
import sys
import time
from statistics import median

import click
import torch
import transformers
from llama_peer import Peer

from ziplaw.corpora.storage.format import open_corpus
from ziplaw.models.decoder import Decoder, ModelConfig
from ziplaw.models.flat import init_seed
from ziplaw.models.flops import training_flops_per_token
from ziplaw.models.recorded_decoder import Recorder
from ziplaw.training.device import torch_settings
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.optimizer import AdamW
from ziplaw.training.trainer import Trainer

CPU = torch.device("cpu")


def seconds(function, steps):
    """Processor seconds a step."""
    began = time.process_time()
    for _ in range(steps):
        function()
    return (time.process_time() - began) / steps


def speed_row(hidden, layers, vocab_size, documents, blocks, steps):
    shape = ModelConfig(hidden, layers, vocab_size)
    config = TrainConfig([documents * shape.context]).resolved()
    model = Decoder(shape)
    model.initialise(init_seed(0, shape))
    targets = torch.randint(0, vocab_size, (documents, shape.context), generator=torch.Generator().manual_seed(0))
    peer, recorder = Peer(model, config), Recorder(model, documents, backward=True)
    optimizer = AdamW(model, config)

    def ours():
        recorder.replay(targets)
        with torch.inference_mode():
            optimizer.step(1e-3, 1)

    def theirs():
        peer.step(targets, 1e-3)

    seconds(ours, 3), seconds(theirs, 3)
    times = [(seconds(ours, steps), seconds(theirs, steps)) for _ in range(blocks)]
    mine, other = (median(t) for t in zip(*times))
    tokens = targets.numel()
    flops = training_flops_per_token(shape)
    return {
        "hidden": hidden,
        "layers": layers,
        "vocab_size": vocab_size,
        "documents": documents,
        "ziplaw_tokens_per_s": round(tokens / mine),
        "transformers_tokens_per_s": round(tokens / other),
        "speedup": round(median(b / a for a, b in times), 2),
        "ziplaw_gflops": round(tokens / mine * flops / 1e9, 1),
    }


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
@click.option("--hidden", default="8,12,16,24,32,48,64,96", show_default=True, help="Widths, comma-separated.")
@click.option("--layers", default=2, show_default=True)
@click.option("--vocab-size", default=301, show_default=True)
@click.option("--documents", default=4, show_default=True, help="Documents of 256 tokens a step.")
@click.option("--blocks", default=7, show_default=True, help="Alternations of both models.")
@click.option("--steps", default=10, show_default=True, help="Steps in a block.")
@click.option("--tokens", type=int, help="Train both on this many tokens of --corpus and compare losses instead.")
@click.option("--corpus", type=click.Path(exists=True), help="A corpus folder.")
@click.option("-o", "--output", type=click.File("w"), default="-", help="CSV file [default: standard output].")
def main(hidden, layers, vocab_size, documents, blocks, steps, tokens, corpus, output):
    """Compare with transformers on one thread."""
    writer = None
    with torch_settings(CPU, 1):
        for width in map(int, hidden.split(",")):
            if tokens:
                row = quality(corpus, width, layers, tokens)
            else:
                row = speed_row(width, layers, vocab_size, documents, blocks, steps)
            if writer is None:
                print(f"# torch {torch.__version__}, transformers {transformers.__version__}", file=sys.stderr)
                writer = csv.DictWriter(output, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            output.flush()


if __name__ == "__main__":
    main()
