"""Laws of repeated data on the published runs: errors of log loss, and on runs that were held out.

    python tests/verification/studies/outcomes/repeated_study.py --data ../shared/data

Writes tests/verification/studies/outcomes/repeated_study.csv, from which docs/laws.md has its table.
"""

import argparse
from pathlib import Path

import numpy as np

from ziplaw.base.documents import read_csv, write_csv
from ziplaw.laws.fits.form_fit import fit_form
from ziplaw.laws.forms.catalogue import law

HERE = Path(__file__).parent
# name of the row -> law, Huber's delta
FITS = {
    "data-constrained": ("data-constrained", 1e-3),
    "data-constrained, least squares": ("data-constrained", 1.0),
    "repeated-penalty": ("repeated-penalty", 1e-3),
    "repeated-overfitting": ("repeated-overfitting", 1e-3),
}


def held_out(runs):
    """Tenths of the runs to be held out: the largest of C, of epochs, and of N/U where tokens repeat."""
    repeated = runs["D"] > runs["U"]
    scales = {
        "C": runs["N"] * runs["D"],
        "epochs": runs["D"] / runs["U"],
        "N/U": np.where(repeated, runs["N"] / runs["U"], 0.0),
    }
    return {name: scale >= np.quantile(scale, 0.9) for name, scale in scales.items()}


def row(name, runs, loss):
    """Errors of one law."""
    form, delta = FITS[name][0], FITS[name][1]
    found = fit_form(law(form), runs, loss, delta=delta)
    out = {"law": name, "parameters": len(found.theta), "rms": found.rms, "median": np.median(np.abs(found.residuals))}
    for held, top in held_out(runs).items():
        rest = found.refit(~top)
        error = np.log(rest.predict(**{key: column[top] for key, column in runs.items()}) / loss[top])
        out[f"held_out_{held}"] = np.sqrt((error**2).mean())
    return out | {"converged": found.converged, "flags": ";".join(found.flags)}


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with repeated_data.csv")
    table = read_csv(parser.parse_args().data / "repeated_data.csv")
    runs = {name: np.array([float(line[name]) for line in table]) for name in ("N", "D", "U")}
    loss = np.array([float(line["loss"]) for line in table])
    rows = [row(name, runs, loss) for name in FITS]
    write_csv(
        HERE / "repeated_study.csv",
        [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in r.items()} for r in rows],
    )


if __name__ == "__main__":
    main()
