"""``ziplaw config``: check a sweep's config, print its schema, print the default sweep."""

import click

from ._common import OUTPUT_FILE


@click.group()
def command():
    """Check a sweep's config, or print its schema or the default sweep as commented YAML."""


@command.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False))
def check(path):
    """Check PATH against the typed model and say how large the sweep is."""
    from ..config import load_config

    config = load_config(path)
    runs = len(config.datasets) * len(config.models) * len(config.seeds)
    click.echo(
        f"{path}: sweep {config.sweep!r}, {len(config.datasets)} datasets, {runs} runs, {len(config.budgets)} budgets"
    )


@command.command()
@click.option("-o", "--output", type=OUTPUT_FILE, help="Write here instead of standard output.")
def schema(output):
    """Print the JSON schema of a config."""
    import json

    from ..config import json_schema

    _out(json.dumps(json_schema(), indent=1, sort_keys=True) + "\n", output)


@command.command()
@click.option("-o", "--output", type=OUTPUT_FILE, help="Write here instead of standard output.")
def default(output):
    """Print the default sweep as YAML, every key explained."""
    from ..config import commented_yaml
    from ..sweeps import DEFAULT, DEFAULT_HEADER

    _out(commented_yaml(DEFAULT, DEFAULT_HEADER), output)


def _out(text, output):
    from ..io import write_text

    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
