"""``ziplaw fit``: a scaling law from a table of runs, with intervals, diagnostics and plain warnings."""

import click

from ._common import json_option, print_json, print_table

OBJECTIVES = ("huber", "log-mse", "huber-scaled")
LAWS = ("chinchilla", "kaplan", "kaplan-coupled", "kaplan-steps", "data-constrained", "broken", "power")
METHODS = ("case", "cluster", "residual", "wild", "parametric", "jackknife", "delta", "profile")
SWEEP_COLUMNS = {"dataset", "model", "seed", "regime", "N", "D", "loss"}
EXTRA = {"kaplan-steps": ("S",), "data-constrained": ("U",)}


def _options(*options):
    def add(function):
        for option in reversed(options):
            function = option(function)
        return function

    return add


rows_options = _options(
    click.option("--dataset", help="Fit only the rows of this dataset."),
    click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Keep only such rows; may be repeated."),
    click.option("--n-column", help="Column of N, parameters [default: guessed]. Products such as a*b are allowed."),
    click.option("--d-column", help="Column of D, training tokens [default: guessed]."),
    click.option("--loss-column", help="Column of the held-out loss, nats per token [default: guessed]."),
    click.option("--c-column", help="Column of training FLOPs; fills in a missing N or D by C = 6ND."),
    click.option("--u-column", help="Column of unique tokens, for --law data-constrained [default: guessed]."),
    click.option("--s-column", help="Column of steps, for --law kaplan-steps [default: guessed]."),
    click.option("--keep-duplicates", is_flag=True, help="Keep exact copies of a row."),
)
law_options = _options(
    click.option("--law", type=click.Choice(LAWS), default="chinchilla", show_default=True, help="Form of the law."),
    click.option("--compare", is_flag=True, help="Fit every law and compare their held-out errors."),
    click.option("-x", "x", type=click.Choice(["C", "N", "D"]), default="C", show_default=True,
                 help="Variable of --law broken and power; C takes the envelope's runs."),
    click.option("--cells", type=click.Choice(["scaling", "all"]), default="scaling", show_default=True,
                 help="Cells of a sweep's dataset that enter the fit."),
    click.option("--fix-e", type=float, help="Hold E at this value."),
    click.option("--fix-floor", is_flag=True, help="Hold E at the table's floor column."),
    click.option("--excess", is_flag=True, help="Fit the excess over --fix-e or the floor, ln(loss - floor)."),
    click.option("--tie", is_flag=True, help="Force alpha = beta."),
    click.option("--objective", type=click.Choice(OBJECTIVES), default="huber", show_default=True),
    click.option("--delta", type=float, default=1e-3, show_default=True, help="Huber's delta on log loss."),
)  # fmt: skip
interval_options = _options(
    click.option("--bootstrap", type=click.IntRange(100, 1_000_000), default=1000, show_default=True,
                 help="Refits behind the intervals."),
    click.option("--intervals", type=click.Choice(METHODS),
                 help="Kind of interval [default: case; with --cluster jackknife over runs]."),
    click.option("--cluster", metavar="COLUMN", help="Column that names the run: rows of a run share an error."),
    click.option("--level", type=float, default=0.95, show_default=True, help="Coverage of the intervals."),
    click.option("--seed", type=int, default=42, show_default=True, help="Seed of the resampling."),
)  # fmt: skip
plan_options = _options(
    click.option("--flops", multiple=True, type=float, help="Allocate this many training FLOPs; may be repeated."),
    click.option("--target-loss", type=float, help="With --serve: the loss to reach at the least total FLOPs."),
    click.option("--serve", type=float, metavar="TOKENS", help="Tokens to be served over the model's life."),
)


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False))
@rows_options
@law_options
@interval_options
@plan_options
@json_option
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw the fit: curves, residuals, contours, profiles.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the fit as JSON.")
def command(table, dataset, where, as_json, plot, output, **options):
    """Fit a scaling law to TABLE (CSV, TSV or parquet): by default L(N, D) = E + A/N^alpha + B/D^beta.

    A sweep's runs.csv with --dataset gives that dataset's fits/NAME.json: E free and E at the floor, from the cells
    that scale. Any other table needs columns for N, D and loss (guessed from their names).

    \b
      ziplaw fit runs.csv --dataset ladder1 -o fits/ladder1.json
      ziplaw fit my_runs.csv --loss-column val_loss --bootstrap 4000 --flops 1e21
      ziplaw fit my_runs.csv --compare
    """  # noqa: D301
    from .. import law_tables
    from ..laws import checks

    checks.check_level(options["level"])
    rows = law_tables.select(law_tables.read_rows(table), [_condition(text) for text in where])
    group = law_tables.group_column(rows)
    if dataset is not None:
        if group is None:
            raise click.UsageError(f"--dataset {dataset}: {table} has no column named dataset")
        rows = law_tables.select(rows, [(group, dataset)])
    if dataset is not None and SWEEP_COLUMNS <= set(rows[0]) and options["law"] == "chinchilla" and not plot:
        document, shown = _sweep(rows, **options), _print_dataset
        if options["compare"]:
            raise click.UsageError("--compare takes a table without --dataset, or --where dataset=NAME")
    else:
        checks.one_architecture(rows)
        document, shown = _table(rows, group, plot, **options)
    if output:
        from ..io import write_json

        write_json(output, document, kind="fit")
    if as_json:
        print_json(document)
    elif output:
        click.echo(f"{output}: {_summary(document)}")
    else:
        shown(document)


def _condition(text):
    column, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--where {text}: write COLUMN=VALUE")
    return column.strip(), value.strip()


def _sweep(rows, *, cells, bootstrap, level, seed, **_):
    from ..laws.sweep import fit_dataset

    return fit_dataset(rows, cells=cells, bootstrap=bootstrap, level=level, seed=seed)


def _table(rows, group, plot, *, law, compare, x, bootstrap, level, seed, **o):
    from .. import law_tables

    named = {key: o[f"{key.lower()}_column"] for key in ("N", "D", "C", "U", "S")}
    named["loss"] = o["loss_column"]
    extra = EXTRA.get(law, ())
    if compare:
        extra = [key for key in ("U", "S") if named[key]]
    columns, origin = law_tables.law_columns(rows, named, extra)
    if compare:
        from ..laws.catalogue import compare as compare_laws

        loss = columns.pop("loss")
        arrays = _checked(columns, loss, o["keep_duplicates"])
        return {"columns": origin, "laws": compare_laws(*arrays, delta=o["delta"])}, _print_comparison
    if law != "chinchilla":
        from ..laws.report import other_document

        if plot:
            raise click.UsageError("--plot draws the law chinchilla only")
        arrays, loss = _checked(columns, columns.pop("loss"), o["keep_duplicates"])
        document = other_document(law, arrays, loss, x=x, delta=o["delta"], bootstrap=bootstrap, level=level, seed=seed)
        document["columns"] = origin
        return document, _print_other
    return _additive(rows, columns, origin, group, plot, bootstrap=bootstrap, level=level, seed=seed, **o), _print_law


def _checked(columns, loss, keep):
    """Columns and loss as arrays, after the checks of any fit."""
    import numpy as np

    from ..laws import checks

    checks.check_table(columns["N"], columns["D"], loss, duplicates="keep" if keep else "error")
    return {key: np.asarray(values, dtype=float) for key, values in columns.items()}, np.asarray(loss, dtype=float)


def _additive(rows, columns, origin, group, plot, *, bootstrap, level, seed, **o):
    from .. import law_tables
    from ..laws.fit import fit
    from ..laws.report import law_document

    floor = o["fix_e"]
    if floor is None and (o["fix_floor"] or o["excess"]):
        floors = {row.get("floor") for row in rows}
        if len(floors) != 1 or None in floors:
            raise click.UsageError("the floor must be one number: give a floor column with one value, or --fix-e")
        floor = float(floors.pop())
    if o["excess"] and floor is None:
        raise click.UsageError("--excess needs the floor: --fix-e or a floor column")
    if (o["serve"] is None) != (o["target_loss"] is None):
        raise click.UsageError("--serve and --target-loss go together")
    fitted = fit(
        **columns,
        fixed_E=None if o["excess"] else floor,
        excess_floor=floor if o["excess"] else None,
        tie=o["tie"],
        objective=o["objective"],
        delta=o["delta"],
        duplicates="keep" if o["keep_duplicates"] else "error",
    )
    clusters = None
    if o["cluster"]:
        law_tables.select(rows, [(o["cluster"], str(rows[0].get(o["cluster"])))])
        clusters = [str(row[o["cluster"]]) for row in rows]
    elif o["intervals"] in ("cluster", "jackknife"):
        raise click.UsageError(f"--intervals {o['intervals']} needs --cluster COLUMN")
    document = law_document(
        fitted,
        method=o["intervals"],
        clusters=clusters,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        flops=o["flops"],
        serving=(o["target_loss"], o["serve"]) if o["serve"] is not None else None,
    )
    datasets = sorted({str(row[group]) for row in rows}) if group else []
    if len(datasets) > 1:
        document["warnings"].insert(0, f"{len(datasets)} datasets in one fit: --dataset NAME fits one of them")
    document["columns"] = origin
    if plot:
        from ..figures.law_fit import law_fit_figure

        law_fit_figure(fitted, document, plot)
    return document


def _summary(document):
    if "variants" in document:
        return f"{'reportable' if document['reportable'] else 'NOT reportable'} ({document['reason']})"
    if "laws" in document:
        return f"{len(document['laws'])} laws compared"
    verdict = "usable" if document["usable"] else "NOT a usable law: " + ", ".join(document["flags"] or ["poor fit"])
    return f"{document['message']}; {verdict}"


def _columns(document):
    return ", ".join(f"{key} = {value}" for key, value in document["columns"].items())


def _print_dataset(document):
    click.echo(f"{document['dataset']}: {_summary(document)}")
    click.echo(f"regime: {document['regime'] or 'not known without a floor'}; cells used: {document['cells']}")
    for name, variant in document["variants"].items():
        if variant:
            click.echo(f"\nE {'free' if name == 'free' else 'at the floor'}: {variant['message']}")
            _print_fit(variant)


def _print_comparison(document):
    click.echo(f"Laws by held-out error at the largest C = 6ND ({_columns(document)})")
    columns = "law n parameters objective rms_log_residual holdout_rms message".split()
    print_table(document["laws"], columns)


def _print_other(document):
    click.echo(f"{document['formula']}, {document['n']} rows ({_columns(document)})")
    _print_warnings(document)
    _print_estimates(document["parameters"], document)
    _print_quality(document, (document["holdout"] or {}).get("rms_log_error"))


def _print_law(document):
    click.echo(f"L(N, D) = E + A/N^alpha + B/D^beta, {document['n']} rows ({_columns(document)})")
    _print_fit(document)
    if not document["usable"]:
        return
    a = document["parameters"]["beta"] / (document["parameters"]["alpha"] + document["parameters"]["beta"])
    click.echo(f"\nCompute-optimal split, C = 6ND (* beyond the largest run); ten times C: {10**a:.3g} x N, "
               f"{10 ** (1 - a):.3g} x D (Chinchilla 3.16 and 3.16, Kaplan 5.5 and 1.8)")  # fmt: skip
    rows = []
    for plan in document["allocation"]:
        row = {"C": f"{plan['C']:.3g}{'*' if plan['extrapolates'] else ''}"}
        for key in ("N", "D", "loss"):
            lo, hi = plan["intervals"][key]
            row[key] = f"{plan[key]:.4g}"
            row[f"{key} interval"] = f"{lo:.4g} .. {hi:.4g}"
        row["D/N"] = f"{plan['D'] / plan['N']:.3g}"
        row["N Chinchilla"] = f"{plan['published']['chinchilla']['N']:.3g}"
        row["N Kaplan"] = f"{plan['published']['kaplan']['N']:.3g}"
        rows.append(row)
    print_table(rows)
    click.echo("\na in N_opt ~ C^a by other approaches:")
    for name, found in document["approaches"].items():
        if name == "additive law":
            continue
        value = (
            "-"
            if found["a"] is None
            else f"{found['a']:.3f} ({found['interval'][0]:.3f} .. {found['interval'][1]:.3f})"
        )
        bias = "" if found["bias"] is None else f"; bias on this law {found['bias']:+.3f}"
        click.echo(f"  {name}: {value}{bias}; {found['note']}")
    if document["serving"]:
        plan = document["serving"]
        click.echo(
            f"\nTo serve {plan['served_tokens']:.3g} tokens at loss {plan['loss']:g} for the least total: N {plan['N']:.4g}, "
            f"D {plan['D']:.4g}, training {plan['training_flops']:.3g}, total {plan['total_flops']:.3g} FLOPs"
        )


def _print_warnings(fit):
    for text in fit["warnings"]:
        click.echo(f"  warning: {text}")
    if not fit["usable"] and fit["objective"] is not None:
        click.echo("  NOT A USABLE LAW: the estimates below are for diagnosis only; no allocation is drawn from them")


def _print_fit(fit):
    _print_warnings(fit)
    if fit["objective"] is None:
        return
    estimates = dict(fit["parameters"])
    total = estimates["alpha"] + estimates["beta"]
    estimates.update(a=estimates["beta"] / total, b=estimates["alpha"] / total)
    _print_estimates(estimates, fit)
    _print_quality(fit, fit["holdout"]["rms_log_error"])
    if fit["lack_of_fit"]:
        test = fit["lack_of_fit"]
        click.echo(f"  lack of fit against replicates: F({test['df1']}, {test['df2']}) = {test['F']:.3g}, "
                   f"p = {test['p_value']:.2g}")  # fmt: skip


def _print_estimates(estimates, fit):
    low = f"{fit['level']:.0%} low"
    rows = []
    for name, value in estimates.items():
        lo, hi = fit["intervals"][name]
        rows.append({"": name, "estimate": value, low: lo, "high": hi})
    print_table(rows)
    click.echo(f"  intervals: {fit['interval_method']}")


def _print_quality(fit, held):
    condition = f", condition {fit['condition_number']:.2g}" if "condition_number" in fit else ""
    click.echo(
        f"  objective {fit['objective']:.8g}, RMS log residual {fit['rms_log_residual']:.4g}, "
        f"hold-out {'-' if held is None else f'{held:.4g}'}{condition}, {fit['fraction_of_starts']:.0%} of starts agree"
    )
