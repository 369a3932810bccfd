"""``ziplaw plot``: draw one figure of a finished sweep."""

from pathlib import Path

import click

from ._common import say_written
from ._verb import OutputImage, SweepFile, SweepFolder, Verb

KINDS = {
    "gzip_distributions": "how H is distributed over the windows of each dataset",
    "presets": "H of the paper's preset grammars against the paper's figures",
    "training_curves": "training and held-out loss against tokens, with the floor",
    "loss_contours": "the fitted law over N and D with measured cells and the frontier",
    "frontiers": "compute-optimal N and D of all laws, beside Chinchilla's",
    "parameters_vs_h": "each law parameter against H, with intervals, lines and bands",
    "predicted_vs_measured": "each law's predictions against the measured losses",
    "architectures": "loss against N by architecture, and against depth at fixed N",
}


def _headers(given):
    from ..report.figures import COLUMNS

    return [COLUMNS[given["kind"]]]


def _list(context, parameter, value):
    if value and not context.resilient_parsing:
        for kind, text in KINDS.items():
            click.echo(f"{kind:22}  {text}")
        context.exit()


@click.command(
    cls=Verb, epilog=f"FIGURE is {', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}: --list says what each shows."
)
@click.argument("kind", metavar="FIGURE", type=click.Choice(list(KINDS)))
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
def command(kind, sweep_dir, dataset, files, output):
    """Draw one figure of a finished sweep as SVG (or .png, .pdf), with the plotted numbers as CSV beside it.

    FILES are those of the folder that belong to the sweep, where results of an earlier config may lie beside them;
    without any, all of them do.

    \b
      ziplaw plot --list
      ziplaw plot loss_contours --sweep-dir results/default
      ziplaw plot training_curves --sweep-dir results/default --dataset g30x40 -o one.png
    """  # noqa: D301
    from ..base.outputs import numbers_of
    from ..report.figures import draw

    draw(kind, sweep_dir, output, dataset, files)
    say_written(output, "", numbers_of(output))
