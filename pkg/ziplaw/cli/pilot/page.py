"""``ziplaw pilot-page``: write the page of a pilot's plan."""

from __future__ import annotations

from pathlib import Path

import click

from ...base.outputs import Output
from ..printing import say_written
from ..verb import OutputPath, RecordedVerb, SweepFolder


class OutputPage(OutputPath):
    """plan.html, and the images of its figures beside it."""

    def __init__(self) -> None:
        super().__init__(otherwise=lambda given: Path(given["folder"], "plan.html"))

    def outputs(self, value: str, name: str, params: dict[str, object]) -> list[Output]:
        """List what is written, see `OutputPath.outputs`."""
        from ...report.pilots.plan_page import page_outputs

        return page_outputs(value)


def _reads(given: dict[str, object]) -> list[Path]:
    from ...report.pilots.plan_page import read_files

    return read_files(str(given["folder"]))


@click.command(cls=RecordedVerb, stage="PILOT", reads=_reads)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.option("-o", "--output", type=OutputPage(), help="HTML file [default: DIR/plan.html].")
def command(folder: str, output: str) -> None:
    """Write the plan of the pilot in DIR as one HTML file that opens offline, with its figures as SVG beside it.

    It shows what `ziplaw pilot-plan` wrote there. The rules of a pilot call this.

    \b
      ziplaw pilot-page results/mine
      ziplaw pilot-page results/mine -o plan.html
    """  # noqa: D301
    from ...report.figures.pilots import PILOT_FIGURES
    from ...report.pilots.plan_page import write_plan_page

    write_plan_page(folder, output)
    say_written(output, "the plan's page", *(Path(output).parent / f"{name}.svg" for name in PILOT_FIGURES))
