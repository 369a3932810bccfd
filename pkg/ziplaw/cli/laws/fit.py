"""``ziplaw fit``: a scaling law from a table of runs, with intervals, diagnostics and plain warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from ...base import limits
from ...base.outputs import by_kind, numbers_of
from ...laws.forms.catalogue import LAWS, LINKS
from ...laws.intervals.kinds import METHODS
from ...tables.column_names import LOSS_UNITS
from ..options import Number, Numbers, joined, json_option, options, standard_input
from ..printing import print_json, say_written
from ..verb import OutputFile, OutputImage, RecordedVerb
from .accounting import CONTEXT, accounting
from .show_fit import show_comparison, show_dataset, show_law, show_links, show_other, summary

if TYPE_CHECKING:
    from ...sweep.table_fit import Choices
    from ...tables.measured_runs import Reading

OBJECTIVES = ("huber", "log-mse", "huber-scaled")
# the other laws are fitted by a general optimiser: their refits take longer
BOOTSTRAP, OTHER_BOOTSTRAP = 1000, 200

_COLUMNS = {"n_column", "d_column", "loss_column", "c_column", "keep_duplicates", "n_unit", "d_unit", "loss_unit"}
_COLUMNS |= {"bytes_per_token", "decimal", "drop_nan"}
_RESAMPLING = {"bootstrap", "level", "seed"}
_OTHER = _COLUMNS | _RESAMPLING | {"delta", "intervals", "cluster", "link"}
_LINKED = _COLUMNS | _RESAMPLING | {"weight_column", "fix_e", "fix_floor", "excess", "tie", "objective", "delta"}
_LINKED |= {"intervals", "cluster", "flops"}
_COUNTED = {"vocab_size", "context"}
# what a law is asked for beside its estimates -> the options of it
_REPEATED = ("data-constrained", "repeated-penalty", "repeated-overfitting")
_ASKED = {law: {"flops", "unique", "anyway"} for law in _REPEATED}
# options that each way to fit looks at, beside --dataset, --where, --law, --plot and the output; laws that are not
# listed look at their columns (see ``_used``)
USED = {
    "a sweep's dataset": {"cells"} | _RESAMPLING,
    "--compare": _COLUMNS | {"compare", "u_column", "s_column", "delta", "unigram_entropy"},
    "--links": _LINKED | {"links", "unigram_entropy"},
    "chinchilla": _LINKED | _COUNTED | {"target_loss", "serve", "at", "anyway", "link"},
    "bounded": _LINKED | _COUNTED | {"at", "anyway", "link", "unigram_entropy"},
    "free": _LINKED | _COUNTED | {"at", "anyway", "link"},
}
# a link on the index of the additive law -> the law whose options it has
_AS = {"--link power": "free", "--link bounded": "bounded", "--link free": "free"}


def _extra(law: str) -> tuple[str, ...]:
    """Columns that a law needs beside N, D and the loss: S or U; "x" where there is one of choice."""
    from ...laws.forms.catalogue import law as find

    return tuple(name for name in find(law).columns if name not in ("N", "D"))


def _splits(law: str) -> set[str]:
    """Options about the split of compute, where it can be read off the index of a law."""
    from ...laws.forms.catalogue import law as find

    index = getattr(find(law), "index", None)
    return {"flops", "anyway"} if index is not None and index.power_terms is not None else set()


def _used(way: str) -> set[str]:
    """Options that a way to fit looks at."""
    way = _AS.get(way, way)
    if way in USED:
        return USED[way]
    columns = {name if name == "x" else f"{name.lower()}_column" for name in _extra(way)}
    return _OTHER | columns | _ASKED.get(way, set()) | _splits(way)


def _plot_headers(given: dict[str, Any]) -> list[list[str]]:
    from ...report.figures.law_fit import COLUMNS

    return [COLUMNS]


class _Point(Numbers):
    """N and D with a comma between."""

    name = "pair of numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        pair = super().convert(value, param, ctx)
        if len(pair) != 2:
            self.fail(f"{value}: write N,D such as 7e9,1.4e11 or 7B,140B", param, ctx)
        return tuple(pair)


rows_options = options(
    click.option("--dataset", help="Fit only the rows of this dataset."),
    click.option(
        "--where",
        multiple=True,
        metavar="COLUMN=VALUE",
        help="Keep only such rows, also by <, <=, >, >= and !=, such as 'C<1e21'; may be repeated.",
    ),
    click.option(
        "--n-column", help="Column of N, parameters [default: guessed]. Products such as a*b or a*1e6 are allowed."
    ),
    click.option("--d-column", help="Column of D, training tokens [default: guessed]."),
    click.option("--loss-column", help="Column of the held-out loss, nats per token [default: guessed]."),
    click.option("--c-column", help="Column of training FLOPs; fills in a missing N or D by C = 6ND."),
    click.option("--u-column", help="Column of unique tokens, for laws of repeated data [default: guessed]."),
    click.option("--s-column", help="Column of steps, for --law kaplan-steps [default: guessed]."),
    click.option("--weight-column", help="Column of each row's weight in the objective, at least 0."),
    click.option(
        "--n-unit", type=Number(limits.UNIT), help="What one of N's column is, such as 1e6 [default: as its name says]."
    ),
    click.option(
        "--d-unit", type=Number(limits.UNIT), help="What one of D's column is, such as 1e9 [default: as its name says]."
    ),
    click.option(
        "--loss-unit", type=click.Choice(tuple(LOSS_UNITS)), help="Unit of the loss [default: as its name says]."
    ),
    click.option(
        "--bytes-per-token", type=Number(limits.BYTES_PER_TOKEN), help="Turns a loss per byte into nats per token."
    ),
    click.option(
        "--decimal", type=click.Choice([".", ","]), help="Mark before decimals [default: told from the cells]."
    ),
    click.option(
        "--drop-nan", is_flag=True, help="Leave out rows without a number (nan, diverged) in a column that is used."
    ),
    click.option("--keep-duplicates", is_flag=True, help="Keep exact copies of a row."),
)
law_options = options(
    click.option("--law", type=click.Choice(tuple(LAWS)), default="chinchilla", show_default=True,
                 help="Form of the law."),
    click.option("--link", type=click.Choice(LINKS),
                 help="How the law's index becomes the loss: identity, power, bounded between E and U, or free "
                 "[default: the law's own]."),
    click.option("--links", is_flag=True,
                 help="Fit N and D under every link, and show how far their best splits lie apart."),
    click.option("--unigram-entropy", type=Number(limits.FLOOR), metavar="NATS",
                 help="U of the bounded link, nats per token [default: a column of this name, else fitted]."),
    click.option("--compare", is_flag=True, help="Fit every law and compare their held-out errors."),
    click.option("-x", "x", type=click.Choice(["C", "N", "D"]), default="C", show_default=True,
                 help="Variable of --law broken and power; C takes the envelope's runs."),
    click.option("--cells", type=click.Choice(["scaling", "all"]), default="scaling", show_default=True,
                 help="Cells of a sweep's dataset that enter the fit; without a floor, scaling leaves out those that "
                 "have certainly not started."),
    click.option("--fix-e", type=Number(limits.FLOOR), help="Hold E at this value."),
    click.option("--fix-floor", is_flag=True, help="Hold E at the table's floor column."),
    click.option("--excess", is_flag=True, help="Fit the excess over --fix-e or the floor, ln(loss - floor)."),
    click.option("--tie", is_flag=True, help="Force alpha = beta."),
    click.option("--objective", type=click.Choice(OBJECTIVES), default="huber", show_default=True),
    click.option("--delta", type=Number(limits.HUBER_DELTA), default=1e-3, show_default=True,
                 help="Huber's delta on log loss."),
)  # fmt: skip
interval_options = options(
    click.option("--bootstrap", type=click.IntRange(*limits.BOOTSTRAP),
                 help=f"Refits behind the intervals [default: {BOOTSTRAP}; {OTHER_BOOTSTRAP} for a --law "
                 "other than chinchilla, bounded and free]."),
    click.option("--intervals", type=click.Choice(METHODS),
                 help="Kind of interval [default: case; for a --law other than chinchilla and with --excess sandwich, "
                 "unless --bootstrap is given; with --cluster jackknife over runs]."),
    click.option("--cluster", metavar="COLUMN", help="Column that names the run: rows of a run share an error."),
    click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True,
                 help="Coverage of the intervals."),
    click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Seed of the resampling."),
)  # fmt: skip
plan_options = options(
    click.option("--flops", multiple=True, type=Numbers(limits.FLOPS), callback=joined,
                 help="Allocate this many training FLOPs, such as 1e18,1e19; may be repeated."),
    click.option("--vocab-size", type=Number(limits.VOCABULARY), metavar="ENTRIES",
                 help="Tell each split for C of all FLOPs too, of decoders of this vocabulary, head and attention "
                 "counted."),
    click.option("--context", type=Number(limits.CONTEXT_TOKENS), metavar="TOKENS",
                 help=f"With --vocab-size: tokens of a document [default: {CONTEXT}]."),
    click.option("--target-loss", type=Number(limits.LOSS),
                 help="With --serve: the loss to reach at the least total FLOPs."),
    click.option("--serve", type=Number(limits.SERVED_TOKENS), metavar="TOKENS",
                 help="Tokens to be served over the model's life."),
    click.option("--at", multiple=True, type=_Point(limits.SIZE), metavar="N,D",
                 help="Predict the loss at N parameters and D tokens; may be repeated."),
    click.option("--unique", type=Number(limits.TOKENS), metavar="TOKENS",
                 help="Unique tokens at hand, for --flops with a law of repeated data [default: the most in TABLE]."),
    click.option("--anyway", is_flag=True, help="Show splits that these runs do not identify; they are marked."),
)  # fmt: skip


@click.command(cls=RecordedVerb, stage="FITTER")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, allow_dash=True), callback=standard_input)
@rows_options
@law_options
@interval_options
@plan_options
@json_option
@click.option("--plot", type=OutputImage(_plot_headers),
              help="Draw the fit (.svg, .png or .pdf): curves, residuals, contours, profiles; the numbers go beside "
              "it, as .csv.")  # fmt: skip
@click.option("-o", "--output", type=OutputFile(by_kind("fit")), help="Write the fit as JSON.")
def command(
    table: str,
    dataset: str | None,
    where: tuple[str, ...],
    as_json: bool,
    plot: str | None,
    output: str | None,
    **given: Any,
) -> None:
    """Fit a scaling law to TABLE: by default L(N, D) = E + A/N^alpha + B/D^beta.

    TABLE is CSV or the like, JSON lines or parquet, packed or not, a file, a pipe, or - for standard input.

    A sweep's runs.csv with --dataset gives that dataset's fits/NAME.json: E free and E at the floor, from the cells
    that scale; to choose more than --cells and the resampling there, select with --where dataset=NAME. Any other
    table needs columns for N, D and loss (guessed from their names).

    \b
      ziplaw fit runs.csv --dataset ladder1 -o fits/ladder1.json
      ziplaw fit my_runs.csv --loss-column val_loss --bootstrap 4000 --flops 1e21
      ziplaw fit my_runs.csv --law bounded --unigram-entropy 7.6
      ziplaw fit my_runs.csv --compare
      ziplaw fit my_runs.csv --links --flops 1e21
      ziplaw fit my_runs.csv --flops 1e18 --vocab-size 32000

    With --flops or --serve the exit status is 2 where the runs do not identify the split; the fit is shown all
    the same.
    """  # noqa: D301
    from ...laws.forms import arguments
    from ...sweep import table_fit
    from ...tables import measured_runs

    choices = _choices(given)
    draw = _drawing(plot) if plot else None
    reading = _reading(given)
    conditions = [measured_runs.condition(text) for text in where]
    source = measured_runs.select(measured_runs.read_table(table), conditions, reading)
    group = measured_runs.group_column(source.rows)
    if dataset is not None:
        if group is None:
            raise click.UsageError(f"--dataset {dataset}: {table} has no column named dataset")
        source = measured_runs.only(source, group, dataset)
    plain = choices.linked == "identity" and not (choices.links or draw)
    if dataset is not None and table_fit.is_runs_csv(source.rows) and plain:
        _refuse_unused("a sweep's dataset", "--where dataset=NAME fits it as any other table")
        document, shown = table_fit.fit_sweep_dataset(source, choices), show_dataset
    else:
        way = _way(choices)
        _refuse_unused(way, f"with it go {_names(_used(way) - {'compare', 'links'})}")
        arguments.one_architecture(source.rows)
        document = table_fit.fit_table(source, reading, choices, group, draw)
        one = show_law if choices.linked else show_other
        shown = {"--compare": show_comparison, "--links": show_links}.get(way, one)
    for note in document.get("reading", ()):
        click.echo(f"read: {note}", err=bool(as_json or output))
    if output:
        from ...base.documents import write_json

        write_json(output, document, kind="fit")
    if as_json:
        print_json(document)
    elif output:
        say_written(output, summary(document))
    else:
        shown(document)
    if plot and not as_json:
        say_written(plot, "the fit", numbers_of(plot))
    if (given["flops"] or given["serve"] is not None) and document.get("plan_refused") and not given["anyway"]:
        from ...errors import FitError
        from ...laws.intervals.identification import Doubt, refusal

        raise FitError(f"{refusal([Doubt(**doubt) for doubt in document['plan_refused']])}; --anyway shows the numbers")


def _way(choices: Choices) -> str:
    """Name the way of fitting by which options are looked at."""
    if choices.compare and choices.links:
        raise click.UsageError("--compare and --links are two tables: ask for one")
    if choices.compare or choices.links:
        return "--compare" if choices.compare else "--links"
    return f"--link {choices.link}" if f"--link {choices.link}" in _AS and choices.law == "chinchilla" else choices.law


def _names(names: Iterable[str]) -> str:
    return ", ".join("-x" if name == "x" else f"--{name.replace('_', '-')}" for name in sorted(names))


def _refuse_unused(way: str, remedy: str) -> None:
    """Refuse options that were given and would not be looked at."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    given = {
        name for name in set().union(*map(_used, (*USED, *LAWS))) if context.get_parameter_source(name) is not default
    }
    if unused := given - _used(way):
        law = "" if way.startswith(("-", "a ")) else "--law "
        raise click.UsageError(f"{_names(unused)} would not be used with {law}{way}: {remedy}")


def _drawing(path: str) -> Callable[..., None]:
    """Return what draws a fit to ``path``, or refuse before anything is fitted."""
    from functools import partial

    from ...report.figures.law_fit import law_fit_figure

    return partial(law_fit_figure, output=path)


def _reading(given: dict[str, Any]) -> Reading:
    from ...tables.measured_runs import Reading

    units = {key: given[f"{key.lower()}_unit"] for key in ("N", "D")}
    return Reading(
        named={key: given[f"{key.lower()}_column"] for key in ("N", "D", "C", "U", "S", "loss")},
        units={key: unit for key, unit in units.items() if unit is not None},
        **{key: given[key] for key in ("loss_unit", "bytes_per_token", "decimal", "drop_nan")},
    )


def _choices(given: dict[str, Any]) -> Choices:
    from dataclasses import fields

    from ...sweep.table_fit import Choices

    made = {field.name: given[field.name] for field in fields(Choices) if field.name in given}
    compiled = given["law"] in ("chinchilla", "bounded", "free")
    made["bootstrap"] = given["bootstrap"] or (BOOTSTRAP if compiled else OTHER_BOOTSTRAP)
    if given["bootstrap"] and not given["intervals"] and not given["cluster"]:
        made["intervals"] = "case"  # who asks for refits wants them behind the intervals
    if given["context"] and not given["vocab_size"]:
        raise click.UsageError("--context goes with --vocab-size: give both")
    if given["vocab_size"]:
        made["compute"] = accounting(given["vocab_size"], given["context"], (0, "", None)).compute
    # a unit that was given as 1 is meant
    return Choices(**made, points=given["at"], units_are_meant=1 in (given["n_unit"], given["d_unit"]))
