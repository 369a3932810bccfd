"""``ziplaw pilot``: from files and a budget to a plan in one command."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ..laws.evidence import PriorName
from ..laws.plan_of_pilot import refuse
from ..options import Number, by_option, reading_options
from ..verb import TokenizerName, Verb


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--builtin", type=click.Choice(["code", "prose"]), help="A built-in corpus instead of PATHs.")
@click.option("--flops", required=True, type=Number(limits.FLOPS), help="Training FLOPs of the run to be planned.")
@click.option("--minutes", type=Number(limits.PILOT_MINUTES), help="Time that the pilot may take [default: 30].")
@click.option("--pilot-flops", type=Number(limits.FLOPS), help="Training FLOPs of the pilot, instead of --minutes.")
@click.option("--name", help="Name of the pilot: all goes to results/NAME [default: that of the first PATH].")
@click.option("--cores", type=click.IntRange(1, 4096), help="Cores that train at once [default: all usable].")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to train.")
@click.option(
    "--tokenizer",
    type=TokenizerName(),
    default="auto",
    show_default=True,
    help="auto (trained on the corpus), bytes, bundled, or bpe:FILE with FILE a tokenizer.json. Token ids need none.",
)
@click.option("--vocab-size", type=int, help="Entries of the vocabulary that auto trains [default: by a stated rule].")
@reading_options
@by_option
@click.option("--context", type=int, default=256, show_default=True, help="Tokens in a document.")
@click.option("--prior", type=PriorName(), default="web", show_default=True, help="As ziplaw plan has it.")
@click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the bands.")
@click.option("--design-only", "--dry-run", is_flag=True, help="Read, score and design the first round; train nothing.")
def command(
    paths: tuple[str, ...],
    name: str | None,
    cores: int | None,
    reading: dict[str, Any],
    design_only: bool,
    **settings: Any,
) -> None:
    """Plan how to split FLOPS between parameters and tokens for THIS data, by a few small runs on it.

    Reads PATHs (text, code, JSON lines, parquet or token ids), trains a tokenizer, holds documents out, scores H, tries
    the machine's speed, and designs the runs that narrow the band of the best N most for the time given; trains them,
    and designs again, for a few rounds. Ends with the plan and its page, results/NAME/plan.html. Asks nothing. Where
    the runs and the prior leave N unknown, the page says why and what to do, and the exit status is 2.

    A pilot that was ended goes on when the same command is given again. The config that it writes,
    results/NAME/pilot.yaml, can be given to Snakemake as well, on a cluster for example.

    \b
      ziplaw pilot my_corpus/ --flops 1e18
      ziplaw pilot my_corpus/ more.jsonl --flops 1e20 --minutes 60 --name mine
      ziplaw pilot my_corpus/ --flops 1e18 --pilot-flops 1e13 --tokenizer bpe:tokenizer.json
    """  # noqa: D301
    if bool(paths) == (settings["builtin"] is not None):
        raise click.UsageError("give either PATHs or --builtin")
    if settings["minutes"] is not None and settings["pilot_flops"] is not None:
        raise click.UsageError("give --minutes or --pilot-flops, not both")
    from ...base.documents import read_json
    from ...base.threads import n_threads
    from ...pilots import workflow
    from ...pilots.pilot_config import check_places, cores_of, name_of, parse_pilot, settle
    from ...pilots.places import round_file
    from ...pilots.progress import Progress
    from ...pilots.workplace import alone_in

    workflow.snakefile()
    named = {"text_field": "field", "extensions": "ext", "kind": "format"}
    settings |= {named.get(key, key): list(v) if isinstance(v, tuple) else v for key, v in reading.items()}
    settings |= {"paths": list(paths), "name": name or name_of(settings["builtin"] or paths[0])}
    settings["cores"] = cores or cores_of(f"results/{settings['name']}") or n_threads(None)
    pilot = parse_pilot({"pilot": settings}, "ziplaw pilot")
    folder, logs = f"results/{pilot.name}", f"logs/{pilot.name}"
    check_places(folder, pilot)
    if pilot.device == "cuda":
        from ...training.device import resolve_device

        resolve_device(pilot.device)
    with alone_in(folder):
        config = settle(folder, pilot)
        progress = Progress(folder, logs, pilot.level)
        targets = [str(round_file(folder, 1))] if design_only else []
        try:
            gpus = 0 if pilot.device == "cpu" else workflow.n_gpus()
            workflow.run(config, folder, f"{logs}/snakemake.log", pilot.cores, targets, progress, gpus)
        except (KeyboardInterrupt, SystemExit):
            progress.close()
            click.echo("ziplaw: the same command goes on", err=True)
            raise
        finally:
            progress.close()
    if not design_only:
        from ...pilots.planning.plan_told import plan_lines

        plan = read_json(f"{folder}/plan.json", "pilot_plan")
        for line in plan_lines(plan):
            click.echo(line)
        click.echo(f"The page: {folder}/plan.html")
        refuse(plan)
