"""``ziplaw fit``: a scaling law from a table of runs, with intervals, diagnostics and plain warnings."""

import click

from ._common import json_option, print_json, print_table

OBJECTIVES = ("huber", "log-mse", "huber-scaled")


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False))
@click.option("--dataset", help="Fit only the rows of this dataset.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Keep only such rows; may be repeated.")
@click.option("--n-column", help="Column of N, parameters [default: guessed]. Products such as a*b are allowed.")
@click.option("--d-column", help="Column of D, training tokens [default: guessed].")
@click.option("--loss-column", help="Column of the held-out loss, nats per token [default: guessed].")
@click.option("--c-column", help="Column of training FLOPs; fills in a missing N or D by C = 6ND.")
@click.option("--cells", type=click.Choice(["scaling", "all"]), default="scaling", show_default=True,
              help="Cells of a sweep's dataset that enter the fit.")  # fmt: skip
@click.option("--fix-e", type=float, help="Hold E at this value.")
@click.option("--fix-floor", is_flag=True, help="Hold E at the table's floor column.")
@click.option("--excess", is_flag=True, help="Fit the excess over --fix-e or the floor, ln(loss - floor).")
@click.option("--tie", is_flag=True, help="Force alpha = beta.")
@click.option("--objective", type=click.Choice(OBJECTIVES), default="huber", show_default=True)
@click.option("--delta", type=float, default=1e-3, show_default=True, help="Huber's delta on log loss.")
@click.option("--bootstrap", type=click.IntRange(100, 1_000_000), default=1000, show_default=True,
              help="Refits behind the intervals.")  # fmt: skip
@click.option("--cluster", metavar="COLUMN", help="Column that names the run: rows of one run are not independent.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Coverage of the intervals.")
@click.option("--seed", type=int, default=42, show_default=True, help="Seed of the resampling.")
@click.option("--flops", multiple=True, type=float, help="Allocate this many training FLOPs; may be repeated.")
@click.option("--keep-duplicates", is_flag=True, help="Keep exact copies of a row.")
@json_option
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the fit as JSON.")
def command(table, dataset, where, cells, bootstrap, level, seed, as_json, output, **options):
    """Fit L(N, D) = E + A/N^alpha + B/D^beta to TABLE (CSV, TSV or parquet).

    A sweep's runs.csv with --dataset gives that dataset's fits/NAME.json: E free and E at the floor, from the cells
    that scale. Any other table needs columns for N, D and loss (guessed from their names).

    \b
      ziplaw fit runs.csv --dataset ladder1 -o fits/ladder1.json
      ziplaw fit my_runs.csv --loss-column val_loss --bootstrap 4000 --flops 1e21
    """  # noqa: D301
    from .. import law_tables
    from ..laws import checks

    checks.check_level(level)
    rows = law_tables.read_rows(table)
    rows = law_tables.select(rows, [_condition(text) for text in where])
    group = law_tables.group_column(rows)
    if dataset is not None:
        if group is None:
            raise click.UsageError(f"--dataset {dataset}: {table} has no column named dataset")
        rows = law_tables.select(rows, [(group, dataset)])
    if dataset is not None and {"dataset", "model", "seed", "regime", "N", "D", "loss"} <= set(rows[0]):
        document = _sweep(rows, cells, bootstrap, level, seed)
        shown = _print_dataset
    else:
        document = _table(rows, group, bootstrap, level, seed, **options)
        shown = _print_law
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


def _sweep(rows, cells, bootstrap, level, seed):
    from ..laws.sweep import fit_dataset

    return fit_dataset(rows, cells=cells, bootstrap=bootstrap, level=level, seed=seed)


def _table(rows, group, bootstrap, level, seed, *, n_column, d_column, loss_column, c_column, fix_e, fix_floor,
           excess, tie, objective, delta, cluster, flops, keep_duplicates):  # fmt: skip
    from .. import law_tables
    from ..laws.fit import fit
    from ..laws.sweep import fit_document

    named = {"N": n_column, "D": d_column, "loss": loss_column, "C": c_column}
    columns, origin = law_tables.law_columns(rows, named)
    floor = fix_e
    if floor is None and (fix_floor or excess):
        floors = {row.get("floor") for row in rows}
        if len(floors) != 1 or None in floors:
            raise click.UsageError("the floor must be one number: give a floor column with one value, or --fix-e")
        floor = float(floors.pop())
    fitted = fit(
        **columns,
        fixed_E=None if excess else floor,
        excess_floor=floor if excess else None,
        tie=tie,
        objective=objective,
        delta=delta,
        duplicates="keep" if keep_duplicates else "error",
    )
    clusters = None
    if cluster:
        law_tables.select(rows, [(cluster, str(rows[0].get(cluster)))])
        clusters = [str(row[cluster]) for row in rows]
    document = fit_document(fitted, clusters, bootstrap=bootstrap, level=level, seed=seed)
    datasets = sorted({str(row[group]) for row in rows}) if group else []
    if len(datasets) > 1:
        document["warnings"].insert(0, f"{len(datasets)} datasets in one fit: --dataset NAME fits one of them")
    document["columns"] = origin
    document["allocation"] = _allocation(fitted, clusters, flops, bootstrap, level, seed)
    return document


def _allocation(fitted, clusters, flops, bootstrap, level, seed):
    import numpy as np

    from ..laws.allocate import optimal_split
    from ..laws.sweep import draws_of

    if not flops:
        low, high = np.log10(6 * (fitted.N * fitted.D).min()), np.log10(6 * (fitted.N * fitted.D).max())
        flops = [10.0**e for e in range(int(np.ceil(low)), int(np.floor(high)) + 3)]
    draws = draws_of(fitted, clusters, bootstrap, seed)
    largest = 6 * (fitted.N * fitted.D).max()
    out = []
    for C in flops:
        N, D, loss = (float(v) for v in optimal_split(fitted.parameters, C))
        bands = draws.allocate(C, level)
        out.append({"C": C, "N": N, "D": D, "loss": loss, "extrapolates": bool(largest < C),
                    "intervals": {name: list(pair) for name, pair in bands.items()}})  # fmt: skip
    return out


def _summary(document):
    if "variants" in document:
        return f"{'reportable' if document['reportable'] else 'NOT reportable'} ({document['reason']})"
    verdict = "usable" if document["usable"] else "NOT a usable law: " + ", ".join(document["flags"])
    return f"{document['message']}; {verdict}"


def _print_dataset(document):
    click.echo(
        f"{document['dataset']}: {_summary(document)}; regime {document['regime']}, cells used: {document['cells']}"
    )
    for name, variant in document["variants"].items():
        if variant:
            click.echo(f"\nE {'free' if name == 'free' else 'at the floor'}: {variant['message']}")
            _print_fit(variant)


def _print_law(document):
    names = ", ".join(f"{key} = {value}" for key, value in document["columns"].items())
    click.echo(f"L(N, D) = E + A/N^alpha + B/D^beta, {document['n']} rows ({names})")
    _print_fit(document)
    if not document["usable"]:
        return
    click.echo("\nCompute-optimal split, C = 6ND (* beyond the largest run):")
    rows = []
    for plan in document["allocation"]:
        row = {"C": f"{plan['C']:.3g}{'*' if plan['extrapolates'] else ''}"}
        for key in ("N", "D", "loss"):
            lo, hi = plan["intervals"][key]
            row[key] = f"{plan[key]:.4g}"
            row[f"{key} interval"] = f"{lo:.4g} .. {hi:.4g}"
        row["D/N"] = f"{plan['D'] / plan['N']:.3g}"
        rows.append(row)
    print_table(rows)


def _print_fit(fit):
    for text in fit["warnings"]:
        click.echo(f"  warning: {text}")
    if fit["objective"] is None:
        return
    if not fit["usable"]:
        click.echo("  NOT A USABLE LAW: the estimates below are for diagnosis only; no allocation is drawn from them")
    estimates = dict(fit["parameters"])
    total = estimates["alpha"] + estimates["beta"]
    estimates.update(a=estimates["beta"] / total, b=estimates["alpha"] / total)
    level = f"{fit['level']:.0%}"
    print_table(
        [
            {"": name, "estimate": value, f"{level} low": fit["intervals"][name][0], "high": fit["intervals"][name][1]}
            for name, value in estimates.items()
        ]
    )
    held = fit["holdout"]["rms_log_error"]
    click.echo(f"  intervals: {fit['interval_method']}")
    click.echo(
        f"  objective {fit['objective']:.8g}, RMS log residual {fit['rms_log_residual']:.4g}, "
        f"hold-out {'-' if held is None else f'{held:.4g}'}, condition {fit['condition_number']:.2g}, "
        f"{fit['fraction_of_starts']:.0%} of starts agree"
    )
