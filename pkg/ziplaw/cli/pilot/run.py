"""``ziplaw pilot-run``: one trunk of a pilot's round."""

from __future__ import annotations

import click

from ..printing import say_written
from ..runs.train import run_outputs
from ..verb import OutputFolder, Verb


@click.command(cls=Verb)
@click.argument("round_file", metavar="ROUND.json", type=click.Path(exists=True, dir_okay=False))
@click.argument("model")
@click.option(
    "--corpus", required=True, type=click.Path(exists=True, file_okay=False), help="The corpus folder to train on."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train.")
@click.option("--threads", type=click.IntRange(1, 4096), default=1, show_default=True, help="CPU threads.")
@click.option(
    "-o", "--output", required=True, type=OutputFolder(run_outputs), help="Folder for curve.csv and run.json."
)
def command(round_file: str, model: str, corpus: str, device: str, threads: int, output: str) -> None:
    """Train the trunk of MODEL that a pilot's ROUND.json asks for, with a cooldown branch for each of its budgets.

    The rules of a pilot call this; its seed is the round's number. Stopped, it goes on from its checkpoint.

    \b
      ziplaw pilot-run results/mine/rounds/1.json h24 --corpus results/mine/corpora/corpus -o results/mine/runs/corpus/h24/s1
    """  # noqa: D301, E501
    from dataclasses import replace
    from pathlib import Path

    from ...base.documents import read_json
    from ...errors import TrainError
    from ...models.shape.architectures import make_config
    from ...pilots.rounds import settings
    from ...training.jobs import train_members
    from ...training.members import Member

    document = read_json(round_file, "pilot_round")
    runs = {run["model"]: run for run in document["runs"]}
    if model not in runs:
        known = ", ".join(runs) or "none: it ends the pilot"
        raise TrainError(f"{click.format_filename(round_file)} asks for no run of {model!r}; it has {known}")
    run = runs[model]
    shape = {key: run[key] for key in ("hidden", "layers", "heads")}
    config = make_config("llama", **shape, vocab_size=document["vocab_size"], context=document["context"])
    usual, _ = settings(document["context"])
    recipe = replace(usual, budgets=run["budgets"], seed=document["seed"], device=device, threads=threads)
    member = Member(corpus, output, config, recipe)
    # one that is there already is left alone
    for record in train_members([member], keep_finished=True) or [read_json(Path(output, "run.json"), "run")]:
        last = record["points"][-1]
        if last["loss"] is not None:
            text = f"loss {last['loss']:.4f} after {last['D']} tokens, N = {record['N']}"
            say_written(output, f"{text}; run.json has all budgets, curve.csv the steps")
        if record["status"] == "diverged":
            click.echo(f"ziplaw: warning: {output}: the run diverged; the plan leaves it out", err=True)
