"""``ziplaw frontier``: compute-optimal N and D along C, as a CSV."""

from __future__ import annotations

import click

from ...base.outputs import by_header
from ..printing import say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> list[list[str]]:
    from ...tables.declared import FRONTIER

    return [FRONTIER.names]


@click.command(cls=RecordedVerb, stage="REGRESSION")
@click.option("--regression", required=True, type=click.Path(exists=True, dir_okay=False), help="regression.json.")
@click.option("--fits", "first", type=click.Path(exists=True, dir_okay=False), help="The first of FITS (for globs).")
@click.argument("fits", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--anyway", is_flag=True, help="Keep the numbers of splits that are not identified; they are marked.")
@click.option("-o", "--output", required=True, type=OutputFile(by_header(_headers)), help="The CSV to write.")
def command(regression: str, first: str | None, fits: tuple[str, ...], anyway: bool, output: str) -> None:
    """Tabulate N_opt, D_opt and loss along C for the laws in FITS, for Chinchilla and for L(N, D, H).

    A split that the law does not identify has no numbers in its row but a reason.

    \b
      ziplaw frontier --regression regression.json --fits fits/*.json -o frontier.csv
    """  # noqa: D301
    from ...base.documents import read_json
    from ...laws.plans.frontier import frontier
    from ...tables.declared import FRONTIER

    documents = [read_json(path, "fit") for path in [*([first] if first else []), *fits]]
    rows = frontier(read_json(regression, "regression"), documents, check=not anyway)
    FRONTIER.write(output, rows)
    sources = list(dict.fromkeys(row["source"] for row in rows))
    refused = sum(not row["identified"] for row in rows)
    said = f"; {refused} splits are not identified, see reason" if refused else ""
    say_written(output, f"{len(rows)} rows, {', '.join(sources) or 'no dataset carries a law'}{said}")
