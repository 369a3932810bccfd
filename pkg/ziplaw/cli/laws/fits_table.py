"""``ziplaw fits-table``: every dataset's fits as rows of one CSV."""

from __future__ import annotations

import click

from ...base.outputs import by_header
from ..printing import say_written
from ..verb import OutputFile, Verb


def _headers() -> list[list[str]]:
    from ...tables.declared import FITS

    return [FITS.names]


@click.command(cls=Verb)
@click.argument("fits", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", required=True, type=OutputFile(by_header(_headers)), help="The CSV to write.")
def command(fits: tuple[str, ...], output: str) -> None:
    """Gather FITS (fits/*.json) into one table: a row for each dataset and variant.

    \b
      ziplaw fits-table results/default/fits/*.json -o fits.csv
    """  # noqa: D301
    from ...sweep.fits_table import fits_rows
    from ...tables.declared import FITS

    rows = fits_rows(fits)
    FITS.write(output, rows)
    say_written(output, f"{len(rows)} rows")
