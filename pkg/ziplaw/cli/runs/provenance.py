"""``ziplaw provenance``: what made a sweep's results."""

from __future__ import annotations

from pathlib import Path

import click

from ...base.outputs import by_kind
from ..printing import say_written
from ..verb import OutputFile, SweepFolder, Verb


@click.command(name="provenance", cls=Verb)
@click.argument("folder", metavar="DIR", type=SweepFolder())
@click.option(
    "--config", "configs", multiple=True, type=click.Path(exists=True, dir_okay=False), help="Its config; repeatable."
)
@click.option(
    "-o",
    "--output",
    type=OutputFile(by_kind("provenance"), otherwise=lambda given: Path(given["folder"], "provenance.json")),
    help="The JSON to write [default: DIR/provenance.json].",
)
def command(folder: str, configs: tuple[str, ...], output: str) -> None:
    """Write what made the results of the sweep in DIR: versions, commit, packages, config, the kind of machine, and a
    checksum of every file.

    Results that are damaged are refused. The workflow calls this last.

    \b
      ziplaw provenance results/default --config config/default.yaml
    """  # noqa: D301
    from ...audit.makers import provenance_document
    from ...base.documents import write_json

    document = provenance_document(folder, configs)
    write_json(output, document, kind="provenance")
    say_written(output, f"{len(document['files'])} files")
