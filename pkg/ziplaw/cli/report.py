"""``ziplaw report``: write a sweep's report."""

import click

from ._common import OUTPUT_FILE


@click.command()
@click.option(
    "--sweep-dir", required=True, type=click.Path(exists=True, file_okay=False), help="A finished sweep: results/NAME."
)
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="Its config, for the provenance.")
@click.option("--command", "reproduce", help="The command that reproduces it [default: Snakemake with that config].")
@click.argument("files", nargs=-1, type=click.Path())
@click.option("-o", "--output", type=OUTPUT_FILE, help="HTML file [default: SWEEP_DIR/report.html].")
def command(sweep_dir, config, reproduce, files, output):
    """Write one HTML file with a sweep's tables, figures, cautions and provenance. It opens offline.

    FILES are those of the folder that belong to the sweep, where results of an earlier config may lie beside them;
    without any, all of them do.
    """
    from pathlib import Path

    from ..report import write_report

    output = output or Path(sweep_dir) / "report.html"
    write_report(sweep_dir, output, config, reproduce, files)
    click.echo(output)
