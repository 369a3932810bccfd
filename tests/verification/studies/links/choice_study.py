"""Held-out error of the chosen link beside the additive law's, on published tables; the choice does not see those rows.

    python tests/verification/studies/links/choice_study.py [--data ../shared/data] [--out links/choice_study.csv]

Of each table the rows with the most compute (an outer share) are set aside, ``choose_link`` chooses on the rest by
inner hold-outs, and every link is fitted to the rest and judged on what was set aside. E and U are free. Gate: at the
share of 15 % the chosen link's error is at most 1.1 times the identity's on every table.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import write_csv
from ziplaw.base.text_table import aligned
from ziplaw.errors import FitError
from ziplaw.laws.fits.choice import choose_link
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.catalogue import LINKS

SHARES, WORST = (0.1, 0.15, 0.2), 1.1


def tables(folder):
    """Yield name, N, D, loss."""

    def rows(name):
        with (folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def columns(chosen, *names):
        return [np.array([float(row[name]) for row in chosen]) for name in names]

    yield "chinchilla_points", *columns(rows("chinchilla_points.csv"), "N", "D", "loss")
    models = rows("gadre_models.csv")
    for name in sorted({row["dataset_name"] for row in models}):
        own = [row for row in models if row["dataset_name"] == name]
        yield f"gadre_models {name}", *columns(own, "N_no_embed", "D", "loss_c4_val")
    grids = rows("isoflops.csv")
    for name in sorted({row["table"] for row in grids}):
        own = [row for row in grids if row["table"] == name and row["outlier"] != "True"]
        yield f"isoflops {name}", *columns(own, "N", "D", "loss")
    yield "ladder_skills", *columns(rows("ladder_skills.csv"), "N", "D", "loss_c4")
    once = [row for row in rows("repeated_data.csv") if float(row["D"]) <= 1.01 * float(row["U"])]
    yield "repeated_data, one epoch", *columns(once, "N", "D", "loss")


def judge(N, D, loss, share):
    """The chosen link and the outer error of every link, RMS of log loss."""
    C = N * D
    top = C >= min(C.max(), np.quantile(C, 1 - share))
    care = {"duplicates": "keep", "units": "keep"}
    chosen = choose_link(N[~top], D[~top], loss[~top], **care).link
    errors = {}
    for link in LINKS:
        try:
            fitted = fit_link(N[~top], D[~top], loss[~top], link=link, **care)
        except FitError:
            errors[link] = None
        else:
            errors[link] = float(np.sqrt((np.log(fitted.predict(N[top], D[top]) / loss[top]) ** 2).mean()))
    return chosen, int(top.sum()), errors


def main():
    """Judge every table at every share and print; exit status 1 where the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[5] / "shared" / "data")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    out, missed = [], []
    for name, N, D, loss in tables(options.data):
        for share in SHARES:
            chosen, n, errors = judge(N, D, loss, share)
            ratio = errors[chosen] / errors["identity"]
            out.append({"table": name, "rows": len(N), "share": share, "held_out": n, "chosen": chosen,
                        **{link: None if e is None else round(e, 5) for link, e in errors.items()},
                        "chosen_over_identity": round(ratio, 3)})  # fmt: skip
            if share == 0.15 and ratio > WORST:
                missed.append(name)
    print(*aligned(out, list(out[0])), sep="\n")
    at = [row["chosen_over_identity"] for row in out if row["share"] == 0.15]
    print(f"at 15 %: better on {sum(v < 1 for v in at)} of {len(at)} tables, worst {max(at):g}; missed: {missed}")
    if options.out:
        write_csv(options.out, out, list(out[0]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
