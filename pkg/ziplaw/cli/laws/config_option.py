"""``plan --write-config``: the planned model as another trainer's config file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ...base.atomic import is_stream
from ..options import options
from ..verb import OutputFile


def _is_config(path: Path) -> bool:
    from ...models.shape.config_files import is_config_file

    return is_config_file(path)


config_options = options(
    click.option("--write-config", type=click.Choice(["hf", "llama", "nanogpt"]),
                 help="Write the planned model to -o: config.json of transformers' Llama (hf), params.json of Meta's "
                 "(llama), or a Python file of nanoGPT's."),
    click.option("-o", "--output", type=OutputFile(_is_config), help="The file of --write-config."),
)  # fmt: skip


def check_config_options(write_config: str | None, output: str | None, n_plans: int) -> None:
    """Refuse one of both options without the other, and one file for several plans."""
    if (write_config is None) != (output is None):
        raise click.UsageError("--write-config KIND and -o FILE go together: give both")
    if output is not None and n_plans > 1:
        raise click.UsageError(f"-o {output} is one file, {n_plans} paths are planned: give one PATH")


def write_model_config(
    kind: str,
    path: str,
    plan: Mapping[str, Any],
    shape: Mapping[str, Any],
    rules: Mapping[str, Any],
    err: bool = False,
) -> None:
    """Write the config of a plan's N, and say its exact N.

    Parameters
    ----------
    kind, path : str
        As asked.
    plan, shape : mapping
        With N and D; with vocab_size and context.
    rules : mapping
        Of ``learning_rate_rules``.
    err : bool
        Say it on standard error.
    """
    from ...base.atomic import atomic_path
    from ...models.shape.config_files import PlannedTraining, config_text

    training = PlannedTraining(plan["D"], rules["learning_rate"], rules["batch_tokens"], rules["rule"])
    made = config_text(kind, plan["N"], shape["vocab_size"], shape["context"], training)
    with atomic_path(path) as place:
        place.write_text(made.text, encoding="utf-8")
    built = made.shape
    click.echo(
        f"{click.format_filename(path)}: {kind} config, hidden {built.hidden}, {built.layers} layers, {built.heads} "
        f"head{'s' * (built.heads != 1)}: N {made.N}, N_total {made.N_total}",
        err=err or is_stream(path),
    )
