"""``ziplaw shapes``: depth and width variants of nearly equal N, and LSTMs of matched N."""

from __future__ import annotations

import click

from ...base import limits
from ..options import Number, json_option
from ..printing import print_json, print_table
from ..verb import Verb


@click.command(cls=Verb)
@click.option("--hidden", type=int, required=True, help="Width of the reference decoder, even.")
@click.option("--layers", type=int, required=True, help="Its number of layers.")
@click.option(
    "--tolerance", type=Number(limits.MISMATCH), default=0.05, show_default=True, help="Largest relative mismatch of N."
)
@click.option("--deepest", type=click.IntRange(1, 1000), default=16, show_default=True, help="Most layers to try.")
@json_option
def command(hidden: int, layers: int, tolerance: float, deepest: int, as_json: bool) -> None:
    """Propose shapes of nearly the same N as a decoder: other depths, and LSTMs.

    Writes a line for each, with N (non-embedding parameters) and how far it is off, to be copied into a config.

    \b
      ziplaw shapes --hidden 24 --layers 2
    """  # noqa: D301
    from dataclasses import asdict

    from ...models.shape.counts import count_params
    from ...models.shape.decoder_config import ModelConfig
    from ...models.shape.shapes import shapes

    N = count_params(ModelConfig(hidden, layers, 2)).N
    found = [asdict(shape) for shape in shapes(N, layers, tolerance, deepest)]
    if as_json:
        print_json({"hidden": hidden, "layers": layers, "N": N, "shapes": found})
        return
    click.echo(f"decoder of width {hidden}, {layers} layers: N = {N:,}")
    print_table([row | {"mismatch": f"{row['mismatch']:+.1%}"} for row in found])
