"""``ziplaw skills``: accuracies of tasks at N and D, in two steps: a task's loss, and its accuracy at that loss."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ...base.limits import Range
from ...base.outputs import by_kind, numbers_of
from ..options import Number, Numbers, joined, json_option, options, standard_input
from ..printing import print_json, say_written
from ..verb import OutputFile, OutputImage, Verb
from .show_skills import show_skills, summary

_SHARE = Range(0.0, 1.0, "", "give a share, such as 0.25")


def _plot_headers(given: dict[str, Any]) -> list[list[str]]:
    from ...report.figures.skills_by_task import COLUMNS

    return [COLUMNS]


class _End(click.ParamType):
    """An end of a sigmoid: a share, or free."""

    name = "share|free"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value is None or value == "free":
            return None
        return Number(_SHARE).convert(value, param, ctx)


_columns = options(
    click.option("--task", "tasks", multiple=True, metavar="LOSS=ACCURACY",
                 help="Columns of a task's loss and accuracy, such as bpb_arc=acc_arc; may be repeated "
                 "[default: pairs such as bpb_x and acc_x]."),
    click.option("--chance", multiple=True, metavar="[TASK=]SHARE",
                 help="Accuracy of a guess, such as .25 for all or piqa=.5; tells whether a skill has emerged."),
    click.option("--where", multiple=True, metavar="COLUMN=VALUE",
                 help="Fit only such rows, also by <, <=, >, >= and !=; may be repeated."),
    click.option("--test", "test", multiple=True, metavar="COLUMN=VALUE",
                 help="Hold such rows out and compare them with what the others predict; may be repeated."),
    click.option("--n-column", help="Column of N, parameters [default: guessed]."),
    click.option("--d-column", help="Column of D, training tokens [default: guessed]."),
    click.option("--n-unit", type=Number(limits.UNIT), help="What one of N's column is [default: as its name says]."),
    click.option("--d-unit", type=Number(limits.UNIT), help="What one of D's column is [default: as its name says]."),
    click.option("--decimal", type=click.Choice([".", ","]),
                 help="Mark before decimals [default: told from the cells]."),
    click.option("--drop-nan", is_flag=True, help="Leave out rows without a number in a column that is used."),
)  # fmt: skip
_laws = options(
    click.option("--own-index", is_flag=True,
                 help="Give each task exponents of its own [default: one index of N and D for all tasks]."),
    click.option("--untie", is_flag=True, help="Let alpha and beta differ [default: alpha = beta]."),
    click.option("--lower", type=_End(), default="free", show_default=True,
                 help="Accuracy at high losses: a share, or free."),
    click.option("--upper", type=_End(), default="1", show_default=True,
                 help="Accuracy at a loss of 0: a share, or free."),
)  # fmt: skip
_questions = options(
    click.option("--target-n", multiple=True, type=Numbers(limits.SIZE), callback=joined, help="N to predict at."),
    click.option("--target-d", multiple=True, type=Numbers(limits.SIZE), callback=joined,
                 help="D to predict at, one for each N."),
    click.option("--flops", multiple=True, type=Numbers(limits.FLOPS), callback=joined,
                 help="Predict at the split of so many FLOPs that is best for the tasks' losses."),
    click.option("--bootstrap", type=click.IntRange(limits.BOOTSTRAP[0], 20_000), default=1000, show_default=True,
                 help="Refits behind the intervals."),
    click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True,
                 help="Coverage of the intervals."),
    click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Seed of the resampling."),
)  # fmt: skip


@click.command(cls=Verb)
@click.argument("table", type=click.Path(exists=True, dir_okay=False, allow_dash=True), callback=standard_input)
@_columns
@_laws
@_questions
@json_option
@click.option(
    "--plot",
    type=OutputImage(_plot_headers),
    help="Draw both steps of every task (.svg, .png or .pdf); the numbers go beside it, as .csv.",
)
@click.option("-o", "--output", type=OutputFile(by_kind("skills")), help="Write the result as JSON.")  # fmt: skip
def command(table: str, as_json: bool, plot: str | None, output: str | None, **given: Any) -> None:
    """Predict accuracies of tasks from TABLE, which has N, D, and a loss and an accuracy for each task.

    Step one fits each task's loss (bits per byte of the right answer, say) in N and D, step two its accuracy in that
    loss. Intervals go through both. TABLE is read as by ziplaw fit.

    \b
      ziplaw skills ladder.csv --target-n 7e9 --target-d 4e12
      ziplaw skills ladder.csv --task bpb_arc=acc_arc --chance .25 --flops 1e23
      ziplaw skills ladder.csv --where 'N<2e9' --test 'N>2e9'
    """  # noqa: D301
    from ...laws.outcomes.skills import fit_skills
    from ...laws.outcomes.skills_document import skills_document
    from ...tables import many_columns, measured_runs

    if len(given["target_n"]) != len(given["target_d"]):
        raise click.UsageError(
            f"{len(given['target_n'])} --target-n and {len(given['target_d'])} --target-d: they go together"
        )
    if given["flops"] and given["own_index"]:
        raise click.UsageError("--flops needs one split for all tasks: leave out --own-index, or give --target-n and "
                               "--target-d")  # fmt: skip
    reading = _reading(given)
    whole = measured_runs.read_table(table)
    source, held = _parts(whole, given, reading)
    header = list(map(str, whole.rows[0]))
    pairs = many_columns.given_pairs(given["tasks"], header) or many_columns.task_pairs(header)
    if not pairs:
        raise click.UsageError("no columns pair up as a task's loss and accuracy (bpb_x, acc_x): give --task")
    columns, origin, notes = many_columns.task_columns(source, pairs, reading)
    skills = fit_skills(
        columns["N"], columns["D"], columns["losses"], columns["accuracy"], tasks=list(pairs),
        chance=_chance(given["chance"], list(pairs)), shared=not given["own_index"], tie=not given["untie"],
        ends=(given["lower"], given["upper"]),
    )  # fmt: skip
    targets = list(zip(given["target_n"], given["target_d"]))
    test = None if held is None else many_columns.task_columns(held, pairs, reading)[0]
    document = skills_document(
        skills, targets, given["flops"], test, level=given["level"], draws=given["bootstrap"], seed=given["seed"]
    )
    document |= {"columns": origin | {task: list(pair) for task, pair in pairs.items()},
                 "reading": [*source.notes, *notes]}  # fmt: skip
    for note in document["reading"]:
        click.echo(f"read: {note}", err=bool(as_json or output))
    if plot:
        from ...report.figures.skills_by_task import skills_figure

        skills_figure(skills, document, test, plot)
    if output:
        from ...base.documents import write_json

        write_json(output, document, kind="skills")
    if as_json:
        print_json(document)
    elif output:
        say_written(output, summary(document))
    else:
        show_skills(document)
    if plot and not as_json:
        say_written(plot, "both steps of every task", numbers_of(plot))


def _reading(given):
    from ...tables.measured_runs import Reading

    units = {key: given[f"{key.lower()}_unit"] for key in ("N", "D")}
    return Reading(
        named={key: given[f"{key.lower()}_column"] for key in ("N", "D") if given[f"{key.lower()}_column"]},
        units={key: unit for key, unit in units.items() if unit is not None},
        decimal=given["decimal"],
        drop_nan=given["drop_nan"],
    )


def _parts(whole, given, reading):
    """Return the rows to fit, and those to be compared with what they predict."""
    from ...tables import measured_runs

    conditions = [measured_runs.condition(text) for text in given["where"]]
    if not given["test"]:
        return measured_runs.select(whole, conditions, reading), None
    held = measured_runs.select(whole, map(measured_runs.condition, given["test"]), reading)
    rows = {id(row) for row in held.rows}
    others = [row for row in whole.rows if id(row) not in rows]
    if not others:
        raise click.UsageError("--test holds every row out: leave some to fit")
    rest = measured_runs.Table(whole.name, others, whole.mark, whole.notes)
    return measured_runs.select(rest, conditions, reading), held


def _chance(texts, tasks):
    """Read --chance: a share for all tasks, or TASK=SHARE; later ones replace earlier ones."""
    found: dict[str, float] = {}
    for text in texts:
        task, mark, share = text.rpartition("=")
        if mark and task not in tasks:
            raise click.BadParameter(f"{task!r} is no task: choose of {', '.join(tasks)}", param_hint="--chance")
        value = Number(_SHARE).convert(share, None, None)
        found.update(dict.fromkeys([task] if mark else tasks, value))
    return found or None
