"""``ziplaw collect``: gather finished runs into runs.csv."""

from __future__ import annotations

import click

from ...base.outputs import by_header
from ..printing import say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> list[list[str]]:
    from ...tables.declared import RUNS

    return [RUNS.names]


@click.command(cls=RecordedVerb, stage="TABLES")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--corpus", type=click.Path(exists=True, file_okay=False), help="The corpus folder that the runs were trained on."
)
@click.option("--score", type=click.Path(exists=True, dir_okay=False), help="Its score (ziplaw score -o).")
@click.option("--floor", type=click.Path(exists=True, dir_okay=False), help="Its floor, when it came from a grammar.")
@click.option("-o", "--output", required=True, type=OutputFile(by_header(_headers)), help="The CSV to write.")
def command(paths: tuple[str, ...], corpus: str | None, score: str | None, floor: str | None, output: str) -> None:
    """Gather runs into one table, a row per measured budget.

    PATHS are run.json files of ONE dataset (then --corpus and --score are needed), each in a folder
    DATASET/MODEL/sSEED, which names its row; or tables made so, which are joined one after the other.

    \b
      ziplaw collect runs/web/*/s0/run.json --corpus corpora/web --score scores/web.json -o web.csv
      ziplaw collect web.csv code.csv -o runs.csv
    """  # noqa: D301
    from pathlib import Path

    from ...sweep import runs_table
    from ...tables.declared import RUNS

    if not any(path.endswith(".json") for path in paths):
        rows = runs_table.concatenate(paths)
    else:
        if not (corpus and score):
            raise click.UsageError("runs need --corpus and --score: the table carries the dataset's H beside each loss")
        rows = runs_table.run_rows(paths, corpus_meta=Path(corpus) / "meta.json", score=score, floor=floor)
    RUNS.write(output, rows)
    say_written(output, f"{len(rows)} rows")
