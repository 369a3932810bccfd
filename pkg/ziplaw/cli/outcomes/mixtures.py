"""``ziplaw mixtures``: what each domain's loss owes to the mixture that was trained on, and the best mixture."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ...base.limits import Range
from ...base.numerals import read_number
from ...base.outputs import by_kind
from ..options import Number, json_option, options, standard_input
from ..printing import print_json, say_written
from ..verb import OutputFile, Verb
from .show_mixtures import show_mixtures, summary

_WEIGHT = Range(0.0, 1.0, "", "give a share, such as 0.25")
_COUNTS = Range(0.0, 1e9, "", "give what the loss counts, such as 1")

_columns = options(
    click.option("--weights", multiple=True, metavar="PATTERN",
                 help="Columns of the weights, such as 'w_*' or names with commas [default: w_*, weight_*, ...]."),
    click.option("--losses", multiple=True, metavar="PATTERN",
                 help="Columns of the losses, such as 'loss_*' [default: loss_*, valid_*, ...]."),
    click.option("--where", multiple=True, metavar="COLUMN=VALUE",
                 help="Fit only such rows, also by <, <=, >, >= and !=; may be repeated."),
    click.option("--test", multiple=True, metavar="COLUMN=VALUE",
                 help="Compare such rows, of this scale or another, with what the fitted ones predict; they are not "
                 "fitted. Each --test is a set of its own."),
    click.option("--decimal", type=click.Choice([".", ","]),
                 help="Mark before decimals [default: told from the cells]."),
    click.option("--drop-nan", is_flag=True, help="Leave out rows without a number in a column that is used."),
)  # fmt: skip
_questions = options(
    click.option("--at", "points", multiple=True, metavar="DOMAIN=SHARE,...",
                 help="Predict the losses of this mixture, such as 'code=.3,web=.7'; others are 0. May be repeated."),
    click.option("--target", multiple=True, metavar="LOSS[=WEIGHT]",
                 help="What the best mixture is to lower; may be repeated [default: the mean of all losses]."),
    click.option("--limit", multiple=True, metavar="DOMAIN=LOW:HIGH",
                 help="Limits of a weight in the best mixture [default: from 0 to the largest measured]."),
    click.option("--bootstrap", type=click.IntRange(limits.BOOTSTRAP[0], 20_000), default=200, show_default=True,
                 help="Refits behind the intervals."),
    click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True,
                 help="Coverage of the intervals."),
    click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Seed of the resampling."),
)  # fmt: skip


@click.command(cls=Verb)
@click.argument("table", type=click.Path(exists=True, dir_okay=False, allow_dash=True), callback=standard_input)
@_columns
@_questions
@json_option
@click.option("-o", "--output", type=OutputFile(by_kind("mixtures")), help="Write the result as JSON.")
def command(table: str, as_json: bool, output: str | None, **given: Any) -> None:
    """Fit the losses of TABLE's domains in the weights of the mixtures that were trained on.

    Each loss is c + k exp(sum of t_j w_j): t_j below 0 where a larger share of domain j lowers it. TABLE has a row a
    run, a column for each weight (they sum to 1) and one for each held-out loss. It is read as by ziplaw fit.

    \b
      ziplaw mixtures mixtures.csv
      ziplaw mixtures mixtures.csv --target loss_web --limit code=0.1:0.3
      ziplaw mixtures mixtures.csv --where scale=1M --test scale=60M
    """  # noqa: D301
    from ...laws.outcomes.mixtures import check_weights, fit_mixtures
    from ...laws.outcomes.mixtures_document import mixtures_document, mixtures_test
    from ...tables import many_columns, measured_runs

    whole = measured_runs.read_table(table)
    tests = [measured_runs.select(whole, [measured_runs.condition(text)]) for text in given["test"]]
    source = measured_runs.select(_without(whole, tests), map(measured_runs.condition, given["where"]))
    weights = _chosen(whole, given["weights"], many_columns.WEIGHTS, "weights", "--weights 'w_*'")
    losses = _chosen(whole, given["losses"], many_columns.LOSSES, "losses", "--losses 'loss_*'")
    if both := set(weights) & set(losses):
        raise click.UsageError(f"{sorted(both)[0]} is a weight and a loss: name them apart with --weights and --losses")
    names, domains = _short(weights), _short(losses)
    J = len(weights)
    read = many_columns.block(source, [*weights, *losses], given["decimal"], given["drop_nan"])
    law = fit_mixtures(read.values[:, :J], read.values[:, J:], names=names, domains=domains)
    options = {"level": given["level"], "draws": given["bootstrap"], "seed": given["seed"]}
    points = [_mixture(text, names, weights) for text in given["points"]]
    low, high = _limits(given["limit"], names, weights)
    document = mixtures_document(
        law, points=points or None, target=_targets(given["target"], domains, losses), low=low, high=high, **options
    )
    for text, test in zip(given["test"], tests):
        found = many_columns.block(test, [*weights, *losses], given["decimal"], given["drop_nan"])
        shares, _ = check_weights(found.values[:, :J], names, of_test=True)
        document["tests"].append({"where": text} | mixtures_test(law, shares, found.values[:, J:], **options))
    document |= {"columns": {"weights": list(weights), "losses": list(losses)}, "reading": [*whole.notes, *read.notes]}
    for note in document["reading"]:
        click.echo(f"read: {note}", err=bool(as_json or output))
    if output:
        from ...base.documents import write_json

        write_json(output, document, kind="mixtures")
    if as_json:
        print_json(document)
    elif output:
        say_written(output, summary(document))
    else:
        show_mixtures(document)


def _without(whole, tests):
    """Leave out the rows of the tests."""
    from ...tables.any_file import Table

    rows = {id(row) for test in tests for row in test.rows}
    others = [row for row in whole.rows if id(row) not in rows]
    if not others:
        raise click.UsageError("--test holds every row out: leave some to fit")
    return Table(whole.name, others, whole.mark, whole.notes)


def _chosen(table, patterns, usual, what, option):
    from ...tables import many_columns

    if patterns:
        return many_columns.columns_like(table, patterns, what, option)
    return many_columns.guessed_like(table, usual, what, option)


def _short(names):
    """Names without what they all begin with."""
    from ...tables.many_columns import common_part

    cut = len(common_part(names)) if len(names) > 1 else 0
    return tuple(name[cut:] or name for name in names)


def _named(name, names, columns, option):
    """Return a name as the law knows it, given short or as its column is called."""
    if name in names:
        return name
    if name in columns:
        return names[columns.index(name)]
    raise click.BadParameter(f"{name!r} is none of {', '.join(names[:20])}", param_hint=option)


def _share(text, option, range=_WEIGHT):
    value = read_number(text)
    if value is None or value not in range:
        raise click.BadParameter(f"{text!r} {range.demand}", param_hint=option)
    return value


def _mixture(text, names, columns):
    """Read DOMAIN=SHARE,... as a mixture (J,)."""
    from ...laws.outcomes.mixtures import check_weights

    weights = dict.fromkeys(names, 0.0)
    for part in text.split(","):
        name, mark, share = part.strip().rpartition("=")
        if not mark:
            raise click.BadParameter(f"{part.strip()!r} is no DOMAIN=SHARE", param_hint="--at")
        weights[_named(name, names, columns, "--at")] = _share(share, "--at")
    return check_weights([list(weights.values())], names, of_test=True)[0][0]


def _targets(texts, domains, columns):
    """Read LOSS[=WEIGHT]; None where none is given."""
    found = {}
    for text in texts:
        name, mark, weight = text.rpartition("=")
        if not mark or (text in domains or text in columns):
            name, weight = text, "1"
        found[_named(name, domains, columns, "--target")] = _share(weight, "--target", _COUNTS)
    return found or None


def _limits(texts, names, columns):
    """Read DOMAIN=LOW:HIGH, either end may be missing."""
    low, high = {}, {}
    for text in texts:
        name, mark, ends = text.rpartition("=")
        least, colon, most = ends.partition(":")
        if not mark or not colon:
            raise click.BadParameter(f"{text!r} is no DOMAIN=LOW:HIGH, such as code=0.1:0.3", param_hint="--limit")
        name = _named(name, names, columns, "--limit")
        if least:
            low[name] = _share(least, "--limit")
        if most:
            high[name] = _share(most, "--limit")
    return low, high
