"""``ziplaw regress``: how the best split and the laws move with H, and what that says about the paper's claims."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ...base.outputs import by_header, by_kind
from ..options import Number, json_option
from ..printing import print_json, print_table, say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> list[list[str]]:
    from ...tables.declared import CLAIMS

    return [CLAIMS.names]


@click.command(cls=RecordedVerb, stage="REGRESSION")
@click.option("--runs", required=True, type=click.Path(exists=True, dir_okay=False), help="The sweep's runs.csv.")
@click.option("--fits", "first", type=click.Path(exists=True, dir_okay=False), help="The first of FITS (for globs).")
@click.argument("fits", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--scores", type=click.Path(exists=True), multiple=True,
              help="A dataset's score, or a folder of them: the law then says what its H is of. "
              "Repeatable.")  # fmt: skip
@click.option("--covariates", "table", type=click.Path(exists=True, dir_okay=False),
              help="CSV with a column dataset and rivals of H, such as a zstd ratio, for the comparison.")  # fmt: skip
@click.option("--grammars", type=click.Path(exists=True), multiple=True,
              help="A dataset's grammar, or a folder of them: the number of productions is then a rival of H. "
              "Repeatable.")  # fmt: skip
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
    "--claims",
    "claims_csv",
    type=OutputFile(by_header(_headers)),
    help="Write the claims and their verdicts as CSV here.",
)
@json_option
def command(
    runs: str,
    first: str | None,
    fits: tuple[str, ...],
    scores: tuple[str, ...],
    table: str | None,
    grammars: tuple[str, ...],
    bootstrap: int,
    level: float,
    seed: int,
    output: str | None,
    claims_csv: str | None,
    as_json: bool,
) -> None:
    """Ask whether the best N at a given compute depends on H, by the fits in FITS (fits/*.json) under every link of the
    law and by isoFLOP; then regress the laws on H, test whether exponents depend on it, judge the paper's claims.

    \b
      ziplaw regress --runs runs.csv --fits fits/*.json -o regression.json --claims claims.csv
    """  # noqa: D301
    from ...base.documents import read_json, write_json
    from ...laws.dependence.claims import claims
    from ...laws.dependence.regress import evidence, regress
    from ...sweep.beside_laws import covariates_of, productions_of, scores_of
    from ...tables.any_file import read_table
    from ...tables.declared import CLAIMS, RUNS

    paths = [*([first] if first else []), *fits]
    if not paths:
        raise click.UsageError("no fits given: ziplaw regress --runs runs.csv --fits fits/*.json")
    rows = RUNS.typed(read_table(runs).rows)
    documents = [read_json(path, "fit") for path in paths]
    covariates = productions_of(documents, grammars) | (covariates_of(table) if table else {})
    measured = scores_of(documents, scores)
    document = regress(
        rows, documents, scores=measured, covariates=covariates, bootstrap=bootstrap, level=level, seed=seed
    )
    judged = claims(document, *evidence(rows, documents))
    if output:
        write_json(output, document, kind="regression")
    if claims_csv:
        CLAIMS.write(claims_csv, judged)
    if as_json:
        print_json(document | {"claims": judged})
        return
    _print_split(document)
    click.echo(document["conclusion"])
    if document["law"]:
        _print(document)
    click.echo()
    print_table(judged, ["claim", "estimate", "low", "high", "p_value", "verdict"])
    for path, what in ((output, "the regression"), (claims_csv, "the claims")):
        if path:
            say_written(path, what)


def _print_split(document: dict[str, Any]) -> None:
    split = document["split"]
    if split is None:
        click.echo(f"{document['split_message']}\n")
        return
    click.echo(split["conclusion"])
    click.echo(f"\nThe best N at C = {split['C']:.3g} FLOPs and its exponent a in C: what .1 of H does")
    rows = []
    for kind, entry in split["by"].items():
        N, a = entry["lines"]["ln_N"], entry["lines"]["a"]
        chosen = " (chosen)" if kind == split["link"] else ""
        rows.append({"by": kind + chosen, "datasets": entry["n_datasets"],
                     "error at largest C": split["choice"].get(kind, {}).get("holdout"),
                     "N times": N["per_tenth"], "low": N["per_tenth_ci"][0], "high": N["per_tenth_ci"][1],
                     "p": N["p_permutation"], "a plus": a["per_tenth"], "a low": a["per_tenth_ci"][0],
                     "a high": a["per_tenth_ci"][1], "p of a": a["p_permutation"]})  # fmt: skip
    print_table(rows)
    for entry in split["left_out"]:
        click.echo(f"{entry['kind']} left out: {entry['reason']}")
    for line in (split["disagreement"]["text"], split["rivals"]["text"], split["multiplicity"]["text"]):
        if line:
            click.echo(line)
    click.echo()


def _print(document: dict[str, Any]) -> None:
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
