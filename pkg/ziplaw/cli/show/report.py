"""``ziplaw report``: write a sweep's report."""

from __future__ import annotations

from pathlib import Path

import click

from ...base.outputs import by_mark
from ..printing import say_written
from ..verb import OutputFile, RecordedVerb, SweepFile, SweepFolder


def _made(path: Path) -> bool:
    from ...report.page import MARK

    return by_mark(MARK)(path)


@click.command(cls=RecordedVerb, stage="REPORT")
@click.option("--sweep-dir", required=True, type=SweepFolder(), help="A finished sweep: results/NAME.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="Its config, for the provenance.")
@click.option("--command", "reproduce", help="The command that reproduces it [default: Snakemake with that config].")
@click.argument("files", nargs=-1, type=SweepFile())
@click.option(
    "-o",
    "--output",
    type=OutputFile(_made, otherwise=lambda given: Path(given["sweep_dir"], "report.html")),
    help="HTML file [default: SWEEP_DIR/report.html].",
)
def command(sweep_dir: str, config: str | None, reproduce: str | None, files: tuple[str, ...], output: str) -> None:
    """Write one HTML file with a sweep's tables, figures, cautions and provenance. It opens offline.

    FILES are those of the folder that belong to the sweep, where results of an earlier config may lie beside them;
    without any, all of them do.

    \b
      ziplaw report --sweep-dir results/default -o report.html
    """  # noqa: D301
    from ...report.page import write_report

    write_report(sweep_dir, output, config, reproduce, files)
    say_written(output, "")
