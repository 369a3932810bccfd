"""``ziplaw arms``: what a change of data, optimizer or architecture is worth in compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ...base import limits
from ..options import Number, Numbers, joined, json_option, options
from ..printing import print_json, print_table
from ..verb import Verb

if TYPE_CHECKING:
    from ...tables.measured_runs import Reading

_columns = options(
    click.option("--where", multiple=True, metavar="COLUMN=VALUE",
                 help="Keep only such rows, also by <, <=, >, >= and !=, such as 'C<1e21'; may be repeated."),
    click.option("--n-column", help="Column of N, parameters [default: guessed]."),
    click.option("--d-column", help="Column of D, training tokens [default: guessed]."),
    click.option("--c-column", help="Column of training FLOPs; fills in a missing N or D by C = 6ND."),
    click.option("--loss-column", help="Column of the held-out loss, the same for all arms [default: guessed]."),
    click.option("--drop-nan", is_flag=True, help="Leave out rows without a number in a column that is used."),
)  # fmt: skip


@click.command(cls=Verb)
@click.argument("tables", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--column", help="Column that tells the arms of one table apart, such as optimizer.")
@click.option("--base", help="Arm that the others are compared with [default: the first].")
@_columns
@click.option(
    "--size",
    multiple=True,
    type=Numbers(limits.SIZE),
    callback=joined,
    help="Say also how many tokens of the base one of the arm's is worth at this N; may be repeated.",
)
@click.option("--along-c", is_flag=True, help="Compare laws of C alone; so it is where N and D move together.")
@click.option(
    "--bootstrap",
    type=click.IntRange(*limits.BOOTSTRAP),
    default=1000,
    show_default=True,
    help="Refits behind the intervals.",
)
@click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the intervals.")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Seed of the resampling.")
@json_option
def command(
    tables: tuple[str, ...],
    column: str | None,
    base: str | None,
    where: tuple[str, ...],
    size: list[float],
    along_c: bool,
    bootstrap: int,
    level: float,
    seed: int,
    as_json: bool,
    **named: Any,
) -> None:
    """Say how many times the compute one arm's runs are worth, against another's: a file an arm, or one with --column.

    "Worth 1.5 times the compute" means that the base needs 1.5 times the training FLOPs (C = 6ND) for the same
    loss, each at its own best split of N and D. All arms are scored on one evaluation.

    \b
      ziplaw arms adamw.csv muon.csv
      ziplaw arms runs.csv --column optimizer --base adamw
      ziplaw arms web.csv code.csv --where 'N>1e8' --size 1e9
    """  # noqa: D301
    from ...laws.outcomes.arms import compare_arms

    runs, notes, unit = _arms(tables, column, where, named)
    first = _base(list(runs), base)
    rows = [
        {"arm": name, "base": first}
        | compare_arms(
            runs[first],
            runs[name],
            sizes=size,
            along_C=along_c,
            bootstrap=bootstrap,
            level=level,
            seed=seed,
        )
        for name in runs
        if name != first
    ]
    for note in notes:
        click.echo(f"read: {note}", err=as_json)
    if as_json:
        print_json({"base": first, "arms": rows, "loss_unit": unit})
        return
    for i, row in enumerate(rows):
        click.echo("\n" if i else "", nl=False)
        _show(row)


def _arms(
    tables: tuple[str, ...], column: str | None, where: tuple[str, ...], named: dict[str, Any]
) -> tuple[dict[str, tuple[Any, Any, Any]], list[str], str]:
    """Columns N, D, loss of every arm by its name; notes on how they were read, each once; the unit of the losses."""
    from ...errors import FitError
    from ...tables import measured_runs

    reading = _reading(named)
    conditions = [measured_runs.condition(text) for text in where]
    sources = {}
    for path in tables:
        source = measured_runs.select(measured_runs.read_table(path), conditions, reading)
        if column is None:
            sources[click.format_filename(path)] = source
            continue
        if len(tables) > 1:
            raise click.UsageError("--column tells the arms of one table apart: give one")
        if column not in source.rows[0]:
            raise FitError(
                f"there is no column {column!r}: the table has {', '.join(map(str, list(source.rows[0])[:12]))}"
            )
        for name in dict.fromkeys(str(row[column]) for row in source.rows):
            sources[name] = measured_runs.only(source, column, name)
    if len(sources) < 2:
        raise FitError(
            "one arm alone: give a file for each arm, or --column with two values or more"
            if column is None
            else f"one arm alone: {column} is {next(iter(sources))} throughout"
        )
    read = {name: measured_runs.law_columns(source, reading) for name, source in sources.items()}
    units = {found.loss_unit for found in read.values()}
    losses = {found.origin["loss"] for found in read.values()}
    if len(units) > 1 or len(losses) > 1:
        raise FitError(
            f"the arms' losses are {', '.join(sorted(losses))} in {', '.join(sorted(units))}: compare one evaluation "
            "in one unit, named by --loss-column"
        )
    notes = list(dict.fromkeys(note for found in read.values() for note in found.notes))
    return {name: (found.N, found.D, found.loss) for name, found in read.items()}, notes, units.pop()


def _reading(named: dict[str, Any]) -> Reading:
    from ...tables.measured_runs import Reading

    columns = {key: named[f"{key.lower()}_column"] for key in ("N", "D", "C", "loss")}
    return Reading(named=columns, drop_nan=named["drop_nan"])


def _base(names: list[str], base: str | None) -> str:
    from ...errors import FitError

    if base is not None and base not in names:
        raise FitError(f"there is no arm {base!r}: choose one of {', '.join(names[:8])}")
    return names[0] if base is None else base


def _show(row: dict[str, Any]) -> None:
    """Print one comparison: the factor, whether one factor holds, what laws of their own say at several computes."""
    design = "one ladder of N and D" if row["design"] == "ladder" else "a grid of N and D"
    pairs = f", {row['n_pairs']} in pairs" if row["n_pairs"] else ""
    click.echo(f"{row['arm']} against {row['base']}: {row['n'][1]} and {row['n'][0]} runs{pairs}, {design}")
    for text in row["warnings"]:
        click.echo(f"  warning: {text}")
    if not row["usable"]:
        click.echo("  NOT A USABLE COMPARISON: the factors below are for diagnosis only")
    level, holds = f"{100 * row['level']:g} %", row["shared"]["holds"]
    text = f"  worth {_factor(row['factor'], level)} times the compute"
    if "N_factor" in row:
        text += f"; each parameter {_factor(row['N_factor'])}, each token {_factor(row['D_factor'])}"
    click.echo(text)
    if holds is not None:
        says = "nothing says otherwise" if holds else "no, it DEPENDS ON C: see below"
        click.echo(f"  one factor for all C? {says} ({_test(row['shared'])})")
    else:
        click.echo("  too few runs for laws of their own: that one factor holds for all C is assumed")
    click.echo(f"  any difference? {_test(row['difference'])}")
    if row["by_C"]:
        click.echo("  by laws of their own, at the arm's C:")
        print_table([_by(found, "C") | {"loss": f"{found['loss']:.4g}"} for found in row["by_C"]])
    if row["by_N"]:
        click.echo("  tokens of the base that one of the arm's is worth, at equal N:")
        print_table([{"N": f"{found['N']:.3g}"} | _by(found, "D") for found in row["by_N"]])
    click.echo(f"  intervals: {row['interval_method']}")


def _by(found: dict[str, Any], key: str) -> dict[str, str]:
    mark = "*" if found.get("extrapolates") else ""
    return {key: f"{found[key]:.3g}{mark}", "factor": _number(found["factor"]), "interval": _span(found["interval"])}


def _number(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.3g}"


def _span(ends: list[float | None]) -> str:
    return " .. ".join(map(_number, ends))


def _factor(found: dict[str, Any], level: str = "") -> str:
    return f"{_number(found['value'])} ({f'{level} ' if level else ''}{_span(found['interval'])})"


def _test(test: dict[str, Any]) -> str:
    if test["F"] is None:
        return "no test: too few runs"
    text = f"F({test['df'][0]}, {test['df'][1]}) = {test['F']:.3g}, p = {test['p_value']:.2g}"
    by_swaps = test.get("p_permutation")
    return text if by_swaps is None else f"{text}; swapping the arms of pairs p = {by_swaps:.2g}"
