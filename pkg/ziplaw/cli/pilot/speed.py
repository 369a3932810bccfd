"""``ziplaw pilot-speed``: how fast this machine trains, and so how many FLOPs a pilot's minutes are."""

from __future__ import annotations

import click

from ...base import limits
from ...base.outputs import by_kind
from ..laws.evidence import PriorName
from ..options import Number
from ..printing import say_written
from ..verb import OutputFile, SweepFolder, Verb


@click.command(cls=Verb)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.option("--flops", required=True, type=Number(limits.FLOPS), help="Training FLOPs of the run to be planned.")
@click.option("--minutes", required=True, type=Number(limits.PILOT_MINUTES), help="Time that the pilot may take.")
@click.option("--prior", type=PriorName(), default="web", show_default=True, help="As ziplaw plan has it.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train.")
@click.option("--cores", type=click.IntRange(1, 4096), default=1, show_default=True, help="Cores that train at once.")
@click.option("-o", "--output", required=True, type=OutputFile(by_kind("pilot_speed")), help="Write the speeds here.")
def command(folder: str, flops: float, minutes: float, prior: str, device: str, cores: int, output: str) -> None:
    """Try for a few seconds how fast this machine trains models of several sizes, all cores at work.

    The rules of a pilot call this, once: it turns the pilot's minutes into FLOPs.

    \b
      ziplaw pilot-speed results/mine --flops 1e18 --minutes 10 --cores 2 -o results/mine/speed.json
    """  # noqa: D301
    from pathlib import Path

    from ...base.documents import write_json
    from ...corpora.storage.format import open_corpus
    from ...models.shape.architectures import make_config
    from ...pilots.pilot_time import expected_flops, start_seconds, training_seconds
    from ...pilots.places import DATASET
    from ...pilots.rounds import Rounds
    from ...pilots.workflow import n_gpus
    from ...training.device import resolve_device
    from ...training.speed_trial import speeds

    if resolve_device(device).type == "cuda":
        cores = n_gpus() or 1  # each trains one run at a time
    corpus = open_corpus(Path(folder, "corpora", DATASET), verify=False)
    rounds = Rounds(folder, flops, prior, cores)
    tried = rounds.to_try(expected_flops(minutes, cores))
    train, valid = corpus.train[:64], corpus.valid[:8]
    models = [
        make_config("llama", hidden=s.hidden, layers=s.layers, heads=s.heads, vocab_size=rounds.vocab_size,
                    context=rounds.context)
        for s in tried
    ]  # fmt: skip
    found = speeds(models, train, valid, cores=cores, seconds=0.4, device=device)
    document = {
        "cores": cores,
        "device": device,
        "start_s": start_seconds(cores),
        "held_out_tokens": corpus.valid.size,
        "minutes": minutes,
        "sizes": [
            {"model": s.name, "hidden": s.hidden, "layers": s.layers, "heads": s.heads,
             "flops_per_token": s.flops_per_token, "train_s": one.train_s, "held_out_s": one.held_out_s}
            for s, one in zip(tried, found)
        ],
    }  # fmt: skip
    rounds.speed = document
    document["training_s"] = training_seconds(minutes)
    document["pilot_C"] = rounds.flops_for(minutes)
    write_json(output, document, kind="pilot_speed")
    rates = [size.flops_per_token / one.train_s / 1e9 for size, one in zip(tried, found)]
    say_written(
        output,
        f"{cores} core(s) train at {min(rates):.3g} to {max(rates):.3g} GFLOP/s each, so the pilot is "
        f"{document['pilot_C']:.3g} FLOPs",
    )
