"""``ziplaw plot``: draw one figure of a finished sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...base.outputs import numbers_of
from ...report.figures import FIGURES, draw
from ..printing import say_written
from ..verb import OutputImage, RecordedVerb, SweepFile, SweepFolder


def _headers(given: dict[str, Any]) -> list[list[str]]:
    return [FIGURES[given["kind"]].columns]


def _list(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        for figure in FIGURES.values():
            click.echo(f"{figure.name:22}  {figure.about}")
        context.exit()


@click.command(
    cls=RecordedVerb,
    stage="FIGURES",
    epilog=f"FIGURE is {', '.join(list(FIGURES)[:-1])} or {list(FIGURES)[-1]}: --list says what each shows.",
)
@click.argument("kind", metavar="FIGURE", type=click.Choice(list(FIGURES)))
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List the figures.")
@click.option("--sweep-dir", required=True, type=SweepFolder(), help="A finished sweep: results/NAME.")
@click.option("--dataset", help="Show this dataset alone.")
@click.argument("files", nargs=-1, type=SweepFile())
@click.option(
    "-o",
    "--output",
    type=OutputImage(_headers, otherwise=lambda given: Path(given["sweep_dir"], "figures", f"{given['kind']}.svg")),
    help="Image [default: SWEEP_DIR/figures/FIGURE.svg]; the numbers in it go beside it, as .csv.",
)
def command(kind: str, sweep_dir: str, dataset: str | None, files: tuple[str, ...], output: str) -> None:
    """Draw one figure of a finished sweep as SVG (or .png, .pdf), with the plotted numbers as CSV beside it.

    FILES are those of the folder that belong to the sweep, where results of an earlier config may lie beside them;
    without any, all of them do.

    \b
      ziplaw plot --list
      ziplaw plot loss_contours --sweep-dir results/default
      ziplaw plot training_curves --sweep-dir results/default --dataset g30x40 -o one.png
    """  # noqa: D301
    draw(kind, sweep_dir, output, dataset, files)
    say_written(output, "", numbers_of(output))
