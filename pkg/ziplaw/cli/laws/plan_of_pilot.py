"""``ziplaw plan --pilot DIR``: the plan of a pilot, printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ...base import limits
from ...errors import FitError
from ..options import Number, options
from ..printing import print_json

rate_options = options(
    click.option("--gpu-flops", type=Number(limits.GPU_FLOPS), default=4e14, show_default=True,
                 help="FLOPs a second that a GPU sustains, for hours and cost."),
    click.option("--price", type=Number(limits.PRICE), default=2.5, show_default=True,
                 help="Price of a GPU's hour."),
)  # fmt: skip


def _asked(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What the plan in the folder was asked for, of all that the command line does not say otherwise."""
    from click.core import ParameterSource

    from ...base.documents import read_json

    path = Path(folder, "plan.json")
    asked = read_json(path, "pilot_plan").get("asked", {}) if path.is_file() else {}
    context = click.get_current_context()
    return {key: value for key, value in asked.items() if context.get_parameter_source(key) is ParameterSource.DEFAULT}


def print_pilot_plan(
    folder: str | os.PathLike[str], flops: float | None, *, anyway: bool, as_json: bool, **given: Any
) -> dict[str, Any]:
    """Print the plan of a pilot, made anew from its runs, and return it.

    Parameters
    ----------
    folder : path-like
        The pilot's.
    flops : float, optional
        Of another run than the pilot was designed for.
    anyway : bool
        Show a plan that is not identified without an error.
    as_json : bool
        Print plan.json rather than text.
    **given
        Of ``whole_plan.pilot_plan``.

    Raises
    ------
    FitError
        After printing, where the split is not identified.
    """
    from ...pilots.planning.plan_told import plan_lines
    from ...pilots.planning.whole_plan import pilot_plan

    plan = pilot_plan(folder, flops, **given | _asked(folder)).document
    if as_json:
        print_json(plan)
    else:
        for line in plan_lines(plan):
            click.echo(line)
    if not anyway:
        refuse(plan, "; --anyway ends without an error")
    return plan


def refuse(plan: dict[str, Any], more: str = "") -> None:
    """Raise FitError where a pilot's plan (plan.json) is none: with why, what to do, and ``more``."""
    from ...laws.intervals.identification import Doubt, refusal

    if plan["refused"]:
        raise FitError(refusal([Doubt(**doubt) for doubt in plan["refused"]]) + more)
