"""``ziplaw pilot-plan``: write the plan of a pilot, plan.json, with its tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ...base import limits
from ...base.outputs import Output, by_header, by_kind
from ..laws.evidence import PriorName
from ..laws.plan_of_pilot import rate_options
from ..options import Number, threads_option
from ..printing import say_written
from ..verb import OutputFile, RecordedVerb, SweepFolder


class OutputPlan(OutputFile):
    """plan.json, and the tables that go beside it."""

    def __init__(self) -> None:
        super().__init__(by_kind("pilot_plan"), otherwise=lambda given: Path(given["folder"], "plan.json"))

    def outputs(self, value: str, name: str, params: dict[str, object]) -> list[Output]:
        """List what is written, see `OutputPath.outputs`."""
        from ...pilots.planning.plan_rows import HEADERS

        beside = [Output(Path(value).parent / table, by_header(partial(list, [columns])),
                         f"{table}, written beside {name},") for table, columns in HEADERS.items()]  # fmt: skip
        return [*super().outputs(value, name, params), *beside]


def _reads(given: dict[str, object]) -> list[Path]:
    from ...pilots.planning.results_folder import PilotFolder

    folder = Path(str(given["folder"]))
    return [folder / name for name in PilotFolder(folder).fingerprint()]


@click.command(cls=RecordedVerb, stage="PILOT", reads=_reads)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.option("--flops", type=Number(limits.FLOPS), help="Training FLOPs to plan [default: those of the pilot].")
@click.option("--prior", type=PriorName(), default="web", show_default=True, help="As ziplaw plan has it.")
@click.option("--law", type=click.Path(exists=True, dir_okay=False), help="As ziplaw plan has it.")
@click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the bands.")
@rate_options
@threads_option
@click.option("-o", "--output", type=OutputPlan(), help="Write the plan here [default: DIR/plan.json].")
def command(
    folder: str,
    flops: float | None,
    prior: str,
    law: str | None,
    level: float,
    gpu_flops: float,
    price: float,
    threads: int | None,
    output: str,
) -> None:
    """Write the plan of the pilot in DIR as plan.json, with plan.csv and the tables of its figures beside it.

    The rules of a pilot call this; a plan that the runs do not identify is written too, and says so. `ziplaw plan
    --pilot DIR` prints a plan.

    \b
      ziplaw pilot-plan results/mine
      ziplaw pilot-plan results/mine --flops 1e20 -o elsewhere/plan.json
    """  # noqa: D301
    from ...base.documents import write_csv, write_json
    from ...pilots.planning.plan_rows import HEADERS
    from ...pilots.planning.whole_plan import pilot_plan

    plan = pilot_plan(
        folder, flops, level=level, prior=prior, law=law, gpu_flops=gpu_flops, price=price, threads=threads
    )
    write_json(output, plan.document, kind="pilot_plan")
    for name, columns in HEADERS.items():
        write_csv(Path(output).parent / name, plan.tables[name], columns)
    say_written(output, "the plan", *(Path(output).parent / name for name in HEADERS))
