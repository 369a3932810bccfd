"""``ziplaw fits-table``: every dataset's fits as rows of one CSV."""

import click

from ..base.outputs import by_header
from ._common import say_written
from ._verb import OutputFile, Verb

NAMES = ("E", "A", "B", "alpha", "beta", "a", "b")
COLUMNS = [
    *"dataset variant H floor loss_stderr valid_sources n n_scaling regime cells reportable reason converged usable".split(),
    *(f"{name}{end}" for name in NAMES for end in ("", "_lo", "_hi")),
    *"objective rms_log_residual condition_number holdout_rms interval_method flags".split(),
]


@click.command(cls=Verb)
@click.argument("fits", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", required=True, type=OutputFile(by_header(lambda: [COLUMNS])), help="The CSV to write.")
def command(fits, output):
    """Gather FITS (fits/*.json) into one table: a row for each dataset and variant.

    \b
      ziplaw fits-table results/default/fits/*.json -o fits.csv
    """  # noqa: D301
    from ..base.documents import read_json, write_csv
    from ..errors import FitError

    rows = []
    for path in fits:
        document = read_json(path, "fit")
        if "variants" not in document:
            raise FitError(
                f"{path} is a fit of a single table: fits-table takes the fits of a sweep (ziplaw fit --dataset)"
            )
        rows += [_row(document, name, fit) for name, fit in document["variants"].items() if fit]
    rows.sort(key=lambda row: (row["dataset"], row["variant"]))
    write_csv(output, rows, COLUMNS)
    say_written(output, f"{len(rows)} rows")


def _row(document, variant, fit):
    row = {key: document.get(key) for key in COLUMNS if key in document}
    row.update({key: fit.get(key) for key in COLUMNS if key in fit})
    row["variant"] = variant
    values = dict(fit["parameters"])
    if values["alpha"] is not None:
        total = values["alpha"] + values["beta"]
        values.update(a=values["beta"] / total, b=values["alpha"] / total)
    for name in NAMES:
        row[name] = values.get(name)
        row[f"{name}_lo"], row[f"{name}_hi"] = fit["intervals"][name]
    row["holdout_rms"] = (fit["holdout"] or {}).get("rms_log_error")
    row["flags"] = ";".join(fit["flags"])
    return row
