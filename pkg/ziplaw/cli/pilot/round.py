"""``ziplaw pilot-round``: which runs a pilot trains next, from all that it has trained."""

from __future__ import annotations

import click

from ...base import limits
from ...base.atomic import is_stream
from ...base.outputs import by_kind
from ..laws.evidence import PriorName
from ..options import Number
from ..printing import say_written
from ..verb import OutputFile, SweepFolder, Verb


@click.command(cls=Verb)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.argument("round_", metavar="ROUND", type=click.IntRange(1, 99))
@click.option("--flops", required=True, type=Number(limits.FLOPS), help="Training FLOPs of the run to be planned.")
@click.option(
    "--pilot-flops", type=Number(limits.FLOPS), help="Training FLOPs of the pilot; or --speed, which has them."
)
@click.option("--speed", type=click.Path(exists=True, dir_okay=False), help="The pilot's speed.json.")
@click.option("--prior", type=PriorName(), default="web", show_default=True, help="As ziplaw plan has it.")
@click.option("--cores", type=click.IntRange(1, 4096), default=1, show_default=True, help="Cores that train at once.")
@click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the bands.")
@click.option("-o", "--output", required=True, type=OutputFile(by_kind("pilot_round")), help="Write the design here.")
def command(
    folder: str,
    round_: int,
    flops: float,
    pilot_flops: float | None,
    speed: str | None,
    prior: str,
    cores: int,
    level: float,
    output: str,
) -> None:
    """Design ROUND of the pilot in DIR from the runs of all rounds before, or say why it ends.

    The rules of a pilot call this.

    \b
      ziplaw pilot-round results/mine 1 --flops 1e18 --pilot-flops 1e13 -o results/mine/rounds/1.json
    """  # noqa: D301
    if (pilot_flops is None) == (speed is None):
        raise click.UsageError("give exactly one of --pilot-flops and --speed")
    from ...base.documents import read_json, write_json
    from ...pilots.rounds import Rounds
    from ...pilots.told import round_lines

    trial = read_json(speed, "pilot_speed") if speed else None
    rounds = Rounds(folder, flops, prior, trial["cores"] if trial else cores, trial)
    document = rounds.document(round_, trial["pilot_C"] if trial else float(pilot_flops or 0))
    write_json(output, document, kind="pilot_round")
    first, *more = round_lines(document, level)
    say_written(output, first)
    for line in more:
        click.echo(line, err=is_stream(output))
