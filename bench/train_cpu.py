"""Training speed on one core: the compiled step beside the torch step it replaced, other ways, and other trainers.

All take steps of the same shape on the same documents with the same settings, and from the same initial weights where
they are the same model; whole steps (documents, forward, backward, clip, AdamW). Blocks of steps in turn, one thread,
processor time (which other processes disturb less than wall time), medians; speedups are medians of the blocks' ratios.
FLOPs are counted exactly (:mod:`ziplaw.models.shape.flops`). In the same turns are timed: torch's own matrix products,
and multiply-adds in registers alone, the core's peak. Beside the speed stands how far gradients are from float64's.

    python bench/train_cpu.py                                  # widths 6 to 96
    python bench/train_cpu.py --ways recorded,autograd,torch-compile --hidden 8,32   # minutes to compile a width
    python bench/train_cpu.py --llm-c ~/llm.c                  # beside github.com/karpathy/llm.c, a GPT-2 of that shape
    python bench/train_cpu.py --tokens 1048576 --hidden 24 --corpus results/.../corpora/NAME   # losses reached
"""

from __future__ import annotations

import csv
import importlib
import sys
import time
from statistics import median

import click
import numpy as np
import torch
from peers.native import WIDTHS, LlmC, Peak
from peers.recorded_decoder import Recorder
from peers.recorded_step import RecordedStep
from peers.torch_compile import TorchCompile

from ziplaw.corpora.storage.format import open_corpus
from ziplaw.models import plain_decoder
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import init_seed
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import training_flops_per_token
from ziplaw.training.device import torch_settings
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.core import core
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep
from ziplaw.training.trainer import Trainer

CPU = torch.device("cpu")
# ways that are engines of ours: autograd is the step on one page, passes is the step of a GPU run eagerly
ENGINES = {"recorded": RecordedStep, "passes": GraphStep, "autograd": PlainStep}
# n of products of n x n matrices, and how many make a block
PRODUCTS = {256: 20, 1024: 1}
SPINS = 10


class Race:
    """Everything that is timed, on its own copy of one model; see the fields.

    Parameters
    ----------
    shape : ModelConfig
    documents : int
        Of a step.
    total : int
        Steps to be taken by each.
    builds, ways : sequence of str
        Builds of the compiled core, the first of which the others are compared with; and peers.
    llm_c : str, optional
        A checkout of llm.c.

    Attributes
    ----------
    ways : dict of str to callable
        Take the step of a number.
    flops : dict of str to int
        Of a call.
    """

    def __init__(self, shape, documents, total, builds, ways, llm_c=None):
        self.shape, self.documents, self.tokens = shape, documents, documents * shape.context
        settings = {"batch_documents": documents, "schedule": "constant", "warmup_steps": 0}
        self.config = TrainConfig([total * self.tokens], **settings).resolved()
        plans = plan_budgets(self.config.budgets, self.tokens, self.config.cooldown, self.config.schedule)
        self.program = stretches(plans)
        # something to be learnt: each token is 0 to 2 above the one before
        walk = np.random.default_rng(0).integers(0, 3, (64, shape.context)).cumsum(1) % shape.vocab_size
        self.batches = Batches(walk.astype(np.uint32), documents, 0)
        self.builds, self.engines, self.ways = builds, {}, {}
        for build in builds:
            self.ways[f"ziplaw_{build}"] = self._of_build(build)
        for name in ways:
            self.ways[name.replace("-", "_")] = self._peer(name)
        self.flops = dict.fromkeys(self.ways, training_flops_per_token(shape) * self.tokens)
        if llm_c:
            peer = LlmC(llm_c, shape, self.batches)
            self.ways["llm_c"] = lambda t: peer.step(t, self.config.learning_rate)
            self.flops["llm_c"] = peer.flops_per_token * self.tokens

    def model(self):
        """The model at its start."""
        made = Decoder(self.shape)
        made.initialise(init_seed(0, self.shape), self.config.init)
        return made

    def _engine(self, name, make):
        engine = self.engines[name] = make(self.model(), self.config, self.batches, self.program)
        engine.seek(0)
        return lambda t: engine.advance(t, t, self.config.learning_rate)

    def _of_build(self, build):
        step = self._engine(f"ziplaw_{build}", CompiledStep)

        def take(t):
            core().use(build)
            step(t)

        return take

    def _peer(self, name):
        if name in ENGINES:
            return self._engine(name, ENGINES[name])
        if name == "transformers":
            peer = importlib.import_module("peers.llama").peer(self.model(), self.config)
        else:
            peer = TorchCompile(self.model(), self.config)
        return lambda t: peer.step(torch.from_numpy(self.batches[t]), self.config.learning_rate)


def seconds(step, numbers):
    """Processor seconds of a call."""
    began = time.process_time()
    for t in numbers:
        step(t)
    return (time.process_time() - began) / len(numbers)


def in_turn(race, blocks, steps):
    """Processor seconds of a call in every block, and FLOPs of a call, of everything by name; the first block is none.

    Returns
    -------
    times : dict of str to list of float
    flops : dict of str to int
    """
    ways, flops = dict(race.ways), dict(race.flops)
    calls = dict.fromkeys(ways, steps)
    for n, count in PRODUCTS.items():
        a, b, c = torch.ones(3, n, n)
        ways[f"sgemm_{n}"] = lambda t, a=a, b=b, c=c: torch.mm(a, b, out=c)
        flops[f"sgemm_{n}"], calls[f"sgemm_{n}"] = 2 * n**3, count
    for build in race.builds:
        peak = Peak(build)
        ways[f"peak_{build}"], flops[f"peak_{build}"], calls[f"peak_{build}"] = peak.step, peak.flops, SPINS
    times = {name: [] for name in ways}
    for block in range(blocks + 1):
        for name, way in ways.items():
            times[name].append(seconds(way, range(block * calls[name], (block + 1) * calls[name])))
    # the first block warms up
    return {name: found[1:] for name, found in times.items()}, flops


def gradient_errors(race):
    """Errors of the compiled and the recorded step's gradients, at the weights that the compiled step has reached.

    Returns
    -------
    ours, recorded, worst : float
        Norm of the difference to the gradient in float64 over its norm; and the largest ratio of ours to the recorded
        step's error over the model's tensors.
    """
    engine = race.engines[f"ziplaw_{race.builds[0]}"]
    model, targets = engine.model, race.batches[0]
    core().use(race.builds[0])
    engine._gradient(targets.astype(np.uint32))
    ours = {name: value.double().clone() for name, value in model.grads.items()}
    Recorder(model, race.documents, backward=True).replay(torch.from_numpy(targets))
    leaves = {name: value.double().requires_grad_() for name, value in model.parameters.items()}
    plain_decoder.token_losses(race.shape, leaves, torch.from_numpy(targets)).mean().backward()
    exact = {name: leaf.grad for name, leaf in leaves.items()}

    def errors(gradients):
        return {name: float((gradients[name].double() - exact[name]).norm()) for name in exact}

    def whole(found):
        return sum(x * x for x in found.values()) ** 0.5 / sum(float(x.norm()) ** 2 for x in exact.values()) ** 0.5

    mine, theirs = errors(ours), errors(model.grads)
    return whole(mine), whole(theirs), max(mine[name] / theirs[name] for name in exact)


def speed_row(shape, documents, blocks, steps, builds, ways, llm_c=None):
    """One row of the table: a width, every way in turn."""
    race = Race(shape, documents, (blocks + 1) * steps, builds, ways, llm_c)
    times, flops = in_turn(race, blocks, steps)
    best = f"ziplaw_{builds[0]}"
    found = {"hidden": shape.hidden, "layers": shape.layers, "vocab_size": shape.vocab_size, "documents": documents}
    found |= {f"{name}_tokens_per_s": round(race.tokens / median(times[name])) for name in race.ways}
    for name in list(race.ways)[1:]:
        found[f"speedup_over_{name}"] = round(median(b / a for a, b in zip(times[best], times[name])), 2)
    found |= {f"{name}_gflops": round(flops[name] / median(t) / 1e9, 1) for name, t in times.items()}
    for build in builds:
        mine, peak = times[f"ziplaw_{build}"], times[f"peak_{build}"]
        share = flops[f"ziplaw_{build}"] / flops[f"peak_{build}"]
        found[f"ziplaw_{build}_share_of_peak"] = round(median(share * b / a for a, b in zip(mine, peak)), 3)
    ours, recorded, worst = gradient_errors(race)
    found |= {"gradient_error": f"{ours:.2e}", "recorded_gradient_error": f"{recorded:.2e}"}
    found["gradient_error_over_recorded"] = round(ours / recorded, 2)
    found["worst_tensor_error_over_recorded"] = round(worst, 2)
    if len(race.engines) > 1:
        last = [float(engine.losses[blocks * steps + steps - 1]) for engine in race.engines.values()]
        found["largest_loss_difference"] = f"{max(abs(loss / last[0] - 1) for loss in last):.1e}"
    return found


def quality(corpus_dir, hidden, layers, tokens):
    """Held-out losses of ours and transformers' model after the same training."""
    corpus = open_corpus(corpus_dir)
    shape = ModelConfig(hidden, layers, corpus.vocab_size, context=corpus.context)
    config = TrainConfig([tokens]).resolved()
    trainer = Trainer(corpus.train, corpus.valid, shape, config, corpus.meta["sha256_train"])
    peer = importlib.import_module("peers.llama").peer(trainer.model, config)
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


def installed(ways):
    """The ways that can be taken here: without transformers where it is missing."""
    found = []
    for name in ways:
        if name not in (*ENGINES, "transformers", "torch-compile"):
            raise click.BadParameter(f"{name!r} is no way: choose of {', '.join(ENGINES)}, transformers, torch-compile")
        if name == "transformers" and importlib.util.find_spec(name) is None:
            print("# transformers is not installed and left out", file=sys.stderr)
        else:
            found.append(name)
    return found


@click.command()
@click.option("--hidden", default="6,8,12,16,24,32,48,64,96", show_default=True, help="Widths, comma-separated.")
@click.option("--layers", default=2, show_default=True)
@click.option("--vocab-size", default=301, show_default=True)
@click.option("--documents", default=4, show_default=True, help="Documents of 256 tokens a step.")
@click.option("--blocks", default=21, show_default=True, help="Turns.")
@click.option("--steps", default=4, show_default=True, help="Steps in a block.")
@click.option(
    "--ways",
    default="recorded,transformers",
    show_default=True,
    help="Beside the compiled step, of recorded, passes, autograd, transformers, torch-compile.",
)
@click.option("--builds", help="Builds of the compiled core [default: those with fused multiply-adds that run here].")
@click.option("--llm-c", type=click.Path(exists=True, file_okay=False), help="A checkout of llm.c to time as well.")
@click.option("--tokens", type=int, help="Train both on this many tokens of --corpus and compare losses instead.")
@click.option("--corpus", type=click.Path(exists=True), help="A corpus folder.")
@click.option("-o", "--output", type=click.File("w"), default="-", help="CSV file [default: standard output].")
def main(hidden, layers, vocab_size, documents, blocks, steps, ways, builds, llm_c, tokens, corpus, output):
    """Compare on one thread."""
    writer, ways = None, installed(ways.split(",")) if ways else []
    builds = builds.split(",") if builds else [name for name in core().builds() if name != "v2"] or ["v2"]
    if unknown := set(builds) - set(WIDTHS):
        raise click.BadParameter(f"no build {', '.join(sorted(unknown))}: choose of {', '.join(WIDTHS)}")
    if tokens and not installed(["transformers"]):
        raise click.UsageError("--tokens compares with transformers, which is not installed: pip install transformers")
    with torch_settings(CPU, 1):
        print(f"# torch {torch.__version__}, builds of the core here: {', '.join(core().builds())}", file=sys.stderr)
        for width in map(int, hidden.split(",")):
            if tokens:
                row = quality(corpus, width, layers, tokens)
            else:
                shape = ModelConfig(width, layers, vocab_size)
                row = speed_row(shape, documents, blocks, steps, builds, ways, llm_c)
            if writer is None:
                writer = csv.DictWriter(output, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            output.flush()


if __name__ == "__main__":
    main()
