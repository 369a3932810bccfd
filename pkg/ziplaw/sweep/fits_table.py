"""fits.csv: every dataset's fits, a row for each way to treat E."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ..base.documents import read_json
from ..errors import FitError
from ..tables.declared import FITS

# those of the law, and the exponents of the split that follow from it
PARAMETERS = ("E", "A", "B", "alpha", "beta", "a", "b")


def fits_rows(paths: Iterable[str | os.PathLike]) -> list[dict[str, Any]]:
    """Return the rows of fits.csv from fit files of a sweep's datasets, by dataset and variant.

    Raises
    ------
    FitError
        When a file holds the fit of a table of its own.
    """
    rows = []
    for path in paths:
        document = read_json(path, "fit")
        if "variants" not in document:
            raise FitError(
                f"{path} is a fit of a single table: fits-table takes the fits of a sweep (ziplaw fit --dataset)"
            )
        rows += [_row(document, name, fit) for name, fit in document["variants"].items() if fit]
    return sorted(rows, key=lambda row: (row["dataset"], row["variant"]))


def _row(document: dict[str, Any], variant: str, fit: dict[str, Any]) -> dict[str, Any]:
    row = {key: document.get(key) for key in FITS.names if key in document}
    row.update({key: fit.get(key) for key in FITS.names if key in fit})
    row["variant"] = variant
    values = dict(fit["parameters"])
    if values["alpha"] is not None:
        total = values["alpha"] + values["beta"]
        values.update(a=values["beta"] / total, b=values["alpha"] / total)
    for name in PARAMETERS:
        row[name] = values.get(name)
        row[f"{name}_lo"], row[f"{name}_hi"] = fit["intervals"][name]
    row["holdout_rms"] = (fit["holdout"] or {}).get("rms_log_error")
    row["flags"] = ";".join(fit["flags"])
    return row
