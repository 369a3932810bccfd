"""``ziplaw regress``: how laws move with H, and what that says about the paper's claims."""

import click

from ..base import limits
from ..base.outputs import by_header, by_kind
from ._common import Number, json_option, print_json, print_table, say_written
from ._verb import OutputFile, Verb


def _headers():
    from ..laws.dependence.claims import COLUMNS

    return [COLUMNS]


@click.command(cls=Verb)
@click.option("--runs", required=True, type=click.Path(exists=True, dir_okay=False), help="The sweep's runs.csv.")
@click.option("--fits", "first", type=click.Path(exists=True, dir_okay=False), help="The first of FITS (for globs).")
@click.argument("fits", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--scores", type=click.Path(exists=True), multiple=True,
              help="A dataset's score, or a folder of them: the law then says what its H is of. Repeatable.")  # fmt: skip
@click.option("--covariates", "table", type=click.Path(exists=True, dir_okay=False),
              help="CSV with a column dataset and rivals of H, such as a zstd ratio, for the comparison.")  # fmt: skip
@click.option("--bootstrap", type=click.IntRange(0, 100_000), default=499, show_default=True,
              help="Simulated tables behind the bootstrap p-value.")  # fmt: skip
@click.option(
    "--level",
    type=Number(limits.LEVEL),
    default=0.95,
    show_default=True,
    help="Coverage of intervals; tests use 1 - level.",
)
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Seed of all resampling.")
@click.option("-o", "--output", type=OutputFile(by_kind("regression")), help="Write regression.json here.")
@click.option(
    "--claims", "claims_csv", type=OutputFile(by_header(_headers)), help="Write the paper's claims as CSV here."
)
@json_option
def command(runs, first, fits, scores, table, bootstrap, level, seed, output, claims_csv, as_json):
    """Regress the laws in FITS (fits/*.json) on H, test whether exponents depend on it, judge the paper's claims.

    \b
      ziplaw regress --runs runs.csv --fits fits/*.json -o regression.json --claims claims.csv
    """  # noqa: D301
    from ..base.documents import read_json, write_csv, write_json
    from ..laws.dependence.claims import COLUMNS, claims
    from ..laws.dependence.regress import evidence, regress
    from ..sweep.runs_table import typed
    from ..tables.any_file import read_table

    fits = ([first] if first else []) + list(fits)
    if not fits:
        raise click.UsageError("no fits given: ziplaw regress --runs runs.csv --fits fits/*.json")
    rows = typed(read_table(runs))
    documents = [read_json(path, "fit") for path in fits]
    covariates = _covariates(table) if table else None
    measured = [read_json(path, "score") for path in _score_files(scores, documents)]
    document = regress(
        rows, documents, scores=measured, covariates=covariates, bootstrap=bootstrap, level=level, seed=seed
    )
    judged = claims(document, *evidence(rows, documents))
    if output:
        write_json(output, document, kind="regression")
    if claims_csv:
        write_csv(claims_csv, judged, list(COLUMNS))
    if as_json:
        print_json(document | {"claims": judged})
        return
    click.echo(document["conclusion"])
    if document["law"]:
        _print(document)
    click.echo()
    print_table(judged, ["claim", "estimate", "low", "high", "p_value", "verdict"])
    for path, what in ((output, "the regression"), (claims_csv, "the claims")):
        if path:
            say_written(path, what)


def _score_files(scores, fits):
    """Scores of the fits' datasets: the files given, and DATASET.json of each folder given."""
    from pathlib import Path

    names = sorted({f"{fit.get('dataset')}.json" for fit in fits})
    out = []
    for path in map(Path, scores):
        inside = [path / name for name in names if (path / name).is_file()]
        out += inside if path.is_dir() else [path]
    return out


def _covariates(path):
    """Columns of a table as name -> {dataset: value}."""
    from ..errors import FitError
    from ..sweep.runs_table import typed
    from ..tables.any_file import read_table

    rows = typed(read_table(path))
    if "dataset" not in rows[0]:
        raise FitError(f"{path} has no column dataset: one row a dataset, one column a covariate")
    names = [name for name in rows[0] if name != "dataset"]
    return {name: {str(row["dataset"]): row[name] for row in rows} for name in names}


def _print(document):
    test = document["joint_test"]
    if test:
        rows = [{"model": name, **values} for name, values in test["models"].items()]
        click.echo()
        print_table(rows)
    click.echo(f"\nL(N, D, H): {document['law']['form']}")
    rows = []
    for name, line in document["law"]["lines"].items():
        at = line["at_centre"]
        rows.append({"parameter": name, "at mean H, N, D": at["value"], "slope": at["slope"], "low": at["slope_ci"][0],
                     "high": at["slope_ci"][1], "p": at["p_value"]})  # fmt: skip
    print_table(rows)
    if document["comparison"]["rows"]:
        click.echo("\nLosses of a dataset left out, predicted from the others (RMS log error):")
        print_table(document["comparison"]["rows"], ["covariate", "rms_E_known", "rms_E_predicted", "better_than_none"])
    for name, why in document["comparison"]["skipped"].items():
        click.echo(f"  {name} was not tried: {why}")
    click.echo(f"\nThe paper's regression ({document['two_stage']['label']}):")
    rows = []
    for name, line in document["two_stage"]["parameters"].items():
        rows.append({"parameter": name, "slope": line["slope"], "low": line["slope_ci"][0], "high": line["slope_ci"][1],
                     "intercept": line["intercept"], "p": line["p_value"], "r2": line["r2"]})  # fmt: skip
    print_table(rows)
