"""``ziplaw config``: check a config, print its schema, print the default sweep or the example of a pilot."""

from __future__ import annotations

from collections.abc import Callable

import click

from ..printing import say_written
from ..verb import OutputFile, Verbs


@click.group(cls=Verbs)
def command() -> None:
    """Check the config of a sweep or pilot, or print its schema, the default sweep or a pilot's as commented YAML."""


@command.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False))
def check(path: str) -> None:
    """Check PATH against the typed model and say how large the sweep is.

    Files that it names and that are not there are named too: paths count from the folder that Snakemake works in.

    \b
      ziplaw config check my.yaml
    """  # noqa: D301
    import os

    from ...pilots.pilot_config import parse_pilot
    from ...sweep.config import parse_config, read_yaml

    raw = read_yaml(path)
    if isinstance(raw, dict) and "pilot" in raw:
        pilot = parse_pilot(raw, path)
        spends = f"{pilot.pilot_flops:g} FLOPs" if pilot.pilot_flops else f"{pilot.minutes_given:g} minutes"
        click.echo(f"{path}: pilot {pilot.name!r} of {spends}, to plan {pilot.flops:g} FLOPs")
        for file in pilot.paths:
            if not os.path.exists(file):
                click.echo(f"ziplaw: note: paths: there is no {file} here; the pilot needs it where it works", err=True)
        return
    config = parse_config(raw, path)
    runs = len(config.models) * sum(len(config.seeds_of(dataset)) for dataset in config.datasets)
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


def _pilot_schema() -> str:
    import json

    from ...pilots.pilot_config import PilotConfig
    from ...sweep.config import json_schema

    return json.dumps(json_schema(PilotConfig), indent=1, sort_keys=True) + "\n"


def _pilot() -> str:
    from ...pilots.pilot_config import EXAMPLE, EXAMPLE_HEADER
    from ...sweep.config import commented_yaml

    return commented_yaml(EXAMPLE, EXAMPLE_HEADER)


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


@command.command("pilot")
@_output(_pilot)
def pilot_(output: str | None) -> None:
    """Print the config of a pilot as YAML, every key explained."""
    _out(_pilot(), output)


@command.command()
@_output(_pilot_schema)
def pilot_schema(output: str | None) -> None:
    """Print the JSON schema of a pilot's config."""
    _out(_pilot_schema(), output)


def _out(text: str, output: str | None) -> None:
    from ...base.documents import write_text

    if output:
        write_text(output, text)
        say_written(output, "")
    else:
        click.echo(text, nl=False)
