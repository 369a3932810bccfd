"""``ziplaw train``: one model, several budgets, one corpus; or several such runs of one size side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...base import limits
from ...base.outputs import Output, by_header, by_kind
from ...tables.declared import CURVE
from ...training.recipe.recipe import BUDGET, BUDGETS, TrainConfig
from ...training.recipe.settings import settings_of
from ..options import Function, Number, Numbers
from ..printing import say_written
from ..verb import OutputFolder, Verb, forced


def run_outputs(folder: str, name: str) -> list[Output]:
    """List what is written into a run's folder; ``name`` is what messages call it."""
    made = {"curve.csv": by_header(lambda: [CURVE.names]), "run.json": by_kind("run")}
    files = [Output(Path(folder, file), mark, f"{file} of {name}") for file, mark in made.items()]
    # other files may lie in a run's folder: a log, the checkpoint
    return [Output(folder, lambda path: True, name, folder=True), *files]


_BUDGETS = Numbers(limits.Range(*limits.BUDGET, "tokens", BUDGET.remedy))


def _budgets(context, parameter, value):
    if value in BUDGETS:
        return list(BUDGETS[value])
    try:
        budgets = _BUDGETS.convert(value, parameter, context)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}; or paper, paper-code") from None
    if part := next((budget for budget in budgets if budget != int(budget)), None):
        raise click.BadParameter(f"{part:g} is no whole number of tokens")
    return [int(budget) for budget in budgets]


# what click is told of a setting beside its declaration: every run has a seed, and threads are shown with their range
_MORE = {
    "seed": {"names": ["--seed", "seeds"], "multiple": True, "default": [0]},
    "threads": {"type": click.IntRange(1, 4096)},
}


def setting_options(config: type) -> Callable[[Function], Function]:
    """Decorator: an option for every setting that a training config declares for this verb."""

    def decorate(command):
        for one in reversed(settings_of(config)):
            if one.in_train:
                told = {
                    "names": [f"--{one.name.replace('_', '-')}"],
                    "type": click.Choice(one.choices) if one.choices else one.kind,
                    "default": one.default,
                    "show_default": one.default is not None and one.show_default,
                    "help": one.brief,
                    **_MORE.get(one.name, {}),
                }
                command = click.option(*told.pop("names"), **told)(command)
        return command

    return decorate


@click.command(cls=Verb)
@click.argument(
    "corpus_dirs", metavar="CORPUS_DIR...", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False)
)
@click.option(
    "--architecture",
    "--arch",
    type=click.Choice(["llama", "lstm"]),
    default="llama",
    show_default=True,
    help="Decoder or LSTM; ziplaw shapes proposes shapes of equal N.",
)
@click.option("--hidden", type=int, required=True, help="Width of the model, even (llama).")
@click.option("--layers", type=int, required=True, help="Number of layers.")
@click.option("--heads", type=int, help="Attention heads [default: hidden / 64, rounded, at least 1].")
@click.option("--intermediate", type=int, help="Width of the SwiGLU [default: 2 * hidden].")
@click.option("--vocab-size", type=int, help="Vocabulary of the model [default: the corpus's own].")
@click.option(
    "--budgets",
    required=True,
    callback=_budgets,
    help="Training tokens to measure at, such as 64k,1.3M; or paper, paper-code.",
)
@setting_options(TrainConfig)
@click.option(
    "--checkpoint-minutes",
    type=Number(limits.CHECKPOINT_MINUTES),
    default=5.0,
    show_default=True,
    help="Time between checkpoints; 0: only when told to stop.",
)
@click.option("--dry-run", is_flag=True, help="Print parameters, FLOPs, memory and a time estimate; train nothing.")
@click.option("--keep-finished", is_flag=True, help="Leave runs alone that are there already, trained in the same way.")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OutputFolder(run_outputs),
    multiple=True,
    help="Folder for curve.csv and run.json; once for each run.",
)
def command(
    corpus_dirs: tuple[str, ...],
    seeds: tuple[int, ...],
    outputs: tuple[str, ...],
    dry_run: bool,
    checkpoint_minutes: float,
    keep_finished: bool,
    **settings: Any,
) -> None:
    """Train one model at several token budgets on the corpus in CORPUS_DIR.

    One trunk is trained at the peak rate; for every budget a branch cools down from it, and the held-out loss at its
    end is one point of the scaling grid. Writes curve.csv and run.json, both at the very end; a run that was stopped
    goes on from its checkpoint when the same command is given again. A finished run of other settings is not replaced.

    Several -o train several runs of one size side by side, and CORPUS_DIR and --seed are given once for all of them or
    once for each. Every folder is written as if its run had been trained alone.

    \b
      ziplaw train corpora/a --hidden 16 --layers 2 --budgets 65536,262144 -o runs/a
      ziplaw train corpora/a corpora/b --hidden 16 --layers 2 --budgets 65536,262144 -o runs/a -o runs/b
    """  # noqa: D301
    if not outputs and not dry_run:
        raise click.UsageError("give the folder for the results with -o, or --dry-run")
    runs = max(len(outputs), 1)
    for what, given in (("corpora", corpus_dirs), ("seeds", seeds)):
        if len(given) not in (1, runs):
            raise click.UsageError(f"{len(given)} {what} for {runs} folder(s): give one for all, or one for each -o")
    both: Any = (corpus_dirs, seeds)
    corpus_dirs, seeds = (tuple(given) * (runs if len(given) == 1 else 1) for given in both)
    if len(set(zip(corpus_dirs, seeds))) < runs:
        raise click.UsageError("two runs have the same corpus, seed and settings: give seeds or corpora of their own")
    from ...corpora.storage.format import open_corpus
    from ...models.shape.architectures import make_config

    # before a corpus is read: without torch nothing can be
    from ...training.jobs import train_members
    from ...training.parallel.processes import speaks

    shape = {key: settings.pop(key) for key in ("architecture", "hidden", "layers", "heads", "intermediate")}
    vocab_size = settings.pop("vocab_size")
    corpora = {path: open_corpus(path, verify=False) for path in dict.fromkeys(corpus_dirs)}
    models = [
        make_config(
            **shape,
            vocab_size=corpora[path].vocab_size if vocab_size is None else vocab_size,
            context=corpora[path].context,
        )
        for path in corpus_dirs
    ]
    configs = [TrainConfig(**settings, seed=seed) for seed in seeds]
    if dry_run:
        from ...training.estimate import dry_run as estimate

        click.echo(estimate(corpora[corpus_dirs[0]], models[0], configs[0]))
        if runs > 1:
            click.echo(f"runs        {runs} of this size in one job; the above is of the first, alone")
        return
    from ...training.members import Member

    members = [Member(*parts) for parts in zip(corpus_dirs, outputs, models, configs)]
    records = train_members(members, checkpoint_minutes, keep_finished, replace=forced())
    if not speaks():
        return
    if not records:
        say_written(outputs[0], "left alone, it was trained so before")
    for output, record in zip(outputs, records):
        last = record["points"][-1]
        if last["loss"] is not None:
            text = f"loss {last['loss']:.4f} after {last['D']} tokens, N = {record['N']}"
            say_written(output, f"{text}; run.json has all budgets, curve.csv the steps")
        if record["status"] == "diverged":
            click.echo(
                f"ziplaw: warning: {output}: the run diverged (a loss not finite, or worse than guessing); run.json "
                "says where; a sweep's fits leave it out, ziplaw fit with --drop-nan",
                err=True,
            )
