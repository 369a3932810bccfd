"""``ziplaw fits-table``: every dataset's fits as rows of one CSV, those under every link of another."""

from __future__ import annotations

import click

from ...base.outputs import by_header
from ..printing import say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> list[list[str]]:
    from ...tables.declared import FITS

    return [FITS.names]


def _link_headers() -> list[list[str]]:
    from ...tables.declared import LINKS

    return [LINKS.names]


@click.command(cls=RecordedVerb, stage="TABLES")
@click.argument("fits", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", required=True, type=OutputFile(by_header(_headers)), help="The CSV to write.")
@click.option("--links", type=OutputFile(by_header(_link_headers)), help="Write the fits under every link as CSV here.")
def command(fits: tuple[str, ...], output: str, links: str | None) -> None:
    """Gather FITS (fits/*.json) into one table: a row for each dataset and variant.

    With --links the table of links is written too, a row for each dataset and link.

    \b
      ziplaw fits-table results/default/fits/*.json -o fits.csv --links links.csv
    """  # noqa: D301
    from ...sweep.fits_table import fits_rows
    from ...sweep.links_table import links_rows
    from ...tables.declared import FITS, LINKS

    rows = fits_rows(fits)
    under_links = links_rows(fits) if links else []
    FITS.write(output, rows)
    if links:
        LINKS.write(links, under_links)
    say_written(output, f"{len(rows)} rows")
    if links:
        say_written(links, f"{len(under_links)} rows")
