"""``ziplaw config``: check a sweep's config, print its schema, print the default sweep."""

from __future__ import annotations

from collections.abc import Callable

import click

from ..printing import say_written
from ..verb import OutputFile, Verbs


@click.group(cls=Verbs)
def command() -> None:
    """Check a sweep's config, or print its schema or the default sweep as commented YAML."""


@command.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False))
def check(path: str) -> None:
    """Check PATH against the typed model and say how large the sweep is.

    Files that it names and that are not there are named too: paths count from the folder that Snakemake works in.

    \b
      ziplaw config check my.yaml
    """  # noqa: D301
    import os

    from ...sweep.config import load_config

    config = load_config(path)
    runs = len(config.datasets) * len(config.models) * len(config.seeds)
    click.echo(
        f"{path}: sweep {config.sweep!r}, {len(config.datasets)} datasets, {runs} runs, {len(config.budgets)} budgets"
    )
    for key, file in config.files().items():
        if not os.path.exists(file):
            click.echo(f"ziplaw: note: {key}: there is no {file} here; the sweep needs it where it works", err=True)


def _schema() -> str:
    import json

    from ...sweep.config import json_schema

    return json.dumps(json_schema(), indent=1, sort_keys=True) + "\n"


def _default() -> str:
    from ...sweep.config import commented_yaml
    from ...sweep.default import DEFAULT, DEFAULT_HEADER

    return commented_yaml(DEFAULT, DEFAULT_HEADER)


def _output(text: Callable[[], str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option -o; what is there may be replaced by itself only: a config that was edited is its owner's."""
    made = OutputFile(lambda path: path.read_bytes() == text().encode())
    return click.option("-o", "--output", type=made, help="Write here instead of standard output.")


@command.command()
@_output(_schema)
def schema(output: str | None) -> None:
    """Print the JSON schema of a config."""
    _out(_schema(), output)


@command.command()
@_output(_default)
def default(output: str | None) -> None:
    """Print the default sweep as YAML, every key explained."""
    _out(_default(), output)


def _out(text: str, output: str | None) -> None:
    from ...base.documents import write_text

    if output:
        write_text(output, text)
        say_written(output, "")
    else:
        click.echo(text, nl=False)
