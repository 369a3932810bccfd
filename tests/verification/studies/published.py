"""What the literature and the reference tables give, beside what ziplaw gets.

    python tests/verification/studies/published.py --data ../shared/data

writes tests/verification/studies/published.csv, from which ``page.py`` makes a table of docs/validation.md.
"""

import argparse
from pathlib import Path

import numpy as np

import ziplaw
from ziplaw.base.documents import read_csv, write_csv
from ziplaw.laws.forms import kaplan
from ziplaw.laws.forms.allocation import allocate, exponents
from ziplaw.laws.forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT

HERE = Path(__file__).parent
OPTIMA = {"c4_original": 0.00050411058, "rpj": 0.00041129772, "rw_original": 0.00045929501}
POINTS = {"objective": 0.00084009312, "A": 442.17, "B": 1271.8, "E": 1.78390, "alpha": 0.34263, "beta": 0.34200}


def columns(rows, *names):
    """Columns of a table as arrays."""
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def tables(folder):
    """Yield rows about the reference tables: the optimum given, the one found."""
    fitted = ziplaw.fit(*columns(read_csv(folder / "chinchilla_points.csv"), "N", "D", "loss"))
    for name, given in POINTS.items():
        yield f"chinchilla_points.csv, {name}", given, getattr(fitted, name)
    rows = read_csv(folder / "gadre_models.csv")
    for name, given in OPTIMA.items():
        own = [row for row in rows if row["dataset_name"] == name]
        fitted = ziplaw.fit(*columns(own, "N_no_embed", "D", "loss_c4_val"))
        yield f"gadre_models.csv, {name}, objective", given, fitted.objective


def literature():
    """Yield rows about published numbers: the statement, the number, what the formulas give."""
    k, p = kaplan.overfitting_bound(0.02)
    yield "Kaplan: overfitting of 2 %, D >= k N^p: k", 5e3, k
    yield "Kaplan: the same, p", 0.74, p
    one, ten = (kaplan.efficient_plan(C) for C in (1e21, 1e22))
    yield "Kaplan: growth of N for ten times C (as quoted by Hoffmann et al.)", 5.5, ten.N / one.N
    yield "Kaplan: growth of D for ten times C (as quoted by Hoffmann et al.)", 1.8, ten.D / one.D
    alpha, a = kaplan.predicted_exponent()
    yield "Kaplan: exponent of L(C_min) predicted from L(N, S)", 0.054, alpha
    yield "Kaplan: exponent of N(C_min) predicted from L(N, S)", 0.71, a
    point = kaplan.contradiction()
    for name, given in (("C_pf_days", 1e4), ("N", 1e12), ("D", 1e12), ("loss", 1.7)):
        yield f"Kaplan: the laws contradict each other at {name} (good to a factor of ten)", given, point[name]
    yield "Chinchilla: a of Approach 3", 0.46, float(exponents(CHINCHILLA.array)[0])
    plans = [allocate(CHINCHILLA_REFIT.array, C) for C in (1e21, 1e22, 5.76e23)]
    yield "Chinchilla, refitted: growth of N for ten times C", 3.16, plans[1].N / plans[0].N
    yield "Chinchilla, refitted: growth of D for ten times C", 3.16, plans[1].D / plans[0].D
    yield "Chinchilla, refitted: N at Chinchilla's own 5.76e23 FLOPs", 70e9, plans[2].N
    yield "Chinchilla, refitted: tokens per parameter there", 20.0, plans[2].tokens_per_parameter


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[3] / "shared" / "data")
    parser.add_argument("-o", "--output", default=str(HERE / "published.csv"))
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is no folder: the published tables of runs are not part of the project")
    rows = [{"what": what, "given": given, "ziplaw": float(f"{value:.9g}"), "kind": kind}
            for kind, found in (("table", tables(arguments.data)), ("literature", literature()))
            for what, given, value in found]  # fmt: skip
    write_csv(arguments.output, rows)


if __name__ == "__main__":
    main()
