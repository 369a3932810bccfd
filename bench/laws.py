"""Speed of law fitting beside the published way: one fit, 4000 case-bootstrap refits, and the 500-start L-BFGS grid.

    python bench/laws.py [--data ../shared/data] [--out laws.csv] [--markdown docs/benchmarks.md]

The peer is scipy's L-BFGS-B with the analytic gradient of the published objective from 500 starts of a grid like the
published one (tests/twins/approach3.py), in the same process. Tables: the four reference tables where they are at
hand, else a planted 6 x 6 grid. One thread; processor time, which other processes disturb less than wall time. The gate
is tests/laws/solve/test_additive.py and the last column: ziplaw's objective over the peer's, at most 1.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import ziplaw
from ziplaw.base.documents import read_csv, write_csv, write_text
from ziplaw.cli._common import print_table
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from twins import approach3

REFITS = 4000
BEGIN, END = "<!-- laws.py writes from here -->", "<!-- laws.py writes to here -->"


def tables(folder):
    """Yield name, N, D, loss."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6)))
    noise = np.random.default_rng(0).normal(0, 0.01, N.size)
    yield "planted 6x6, 1 % noise", N, D, additive(CHINCHILLA_REFIT.array, N, D) * np.exp(noise)
    if folder is None or not (folder / "chinchilla_points.csv").exists():
        print("reference tables not found: planted table only", file=sys.stderr)
        return
    rows = read_csv(folder / "chinchilla_points.csv")
    yield "chinchilla_points", *columns(rows, "N", "D", "loss")
    rows = read_csv(folder / "gadre_models.csv")
    for name in sorted({row["dataset_name"] for row in rows}):
        own = [row for row in rows if row["dataset_name"] == name]
        yield f"gadre {name}", *columns(own, "N_no_embed", "D", "loss_c4_val")


def columns(rows, *names):
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def timed(function, repeats=1):
    """Median processor seconds and the result."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        result = function()
        seconds.append(time.process_time() - begin)
    return float(np.median(seconds)), result


def write_markdown(path, rows):
    """Put the table between the marks of a page."""
    page = Path(path).read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"laws.py: {path} must hold {BEGIN!r} and {END!r} once each")
    header = [
        "table",
        "rows",
        "one fit, ms",
        f"{REFITS} refits, s",
        "500 starts, s",
        "times as fast",
        "objective / peer's",
    ]
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    for row in rows:
        cells = [row["table"], str(row["rows"]), f"{row['fit_ms']:.1f}", f"{row['bootstrap_s']:.2f}", f"{row['grid_s']:.1f}",
                 f"{row['times']:.0f}", f"{row['ratio']:.7f}"]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    text = f"{page.split(BEGIN)[0]}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{page.split(END)[1]}"
    write_text(path, text)


def main():
    """Time both on every table and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--out", default="laws.csv")
    parser.add_argument("--markdown", help="page whose table is written anew")
    parser.add_argument("--starts", type=int, default=approach3.MAX_STARTS)
    arguments = parser.parse_args()
    rows = []
    for name, N, D, loss in tables(arguments.data):
        ziplaw.fit(N, D, loss)
        fit_s, fit = timed(lambda N=N, D=D, loss=loss: ziplaw.fit(N, D, loss), repeats=101)
        bootstrap_s, draws = timed(lambda fit=fit: fit.bootstrap(REFITS, threads=1), repeats=3)
        grid_s, (_, objective, finals) = timed(
            lambda N=N, D=D, loss=loss: approach3.fit(N, D, loss, limit=arguments.starts)
        )
        rows.append(
            {
                "table": name,
                "rows": len(N),
                "fit_ms": 1e3 * fit_s,
                "bootstrap_s": bootstrap_s,
                "converged": float(draws.converged.mean()),
                "grid_s": grid_s,
                "times": grid_s / fit_s,
                "objective": fit.objective,
                "grid_objective": objective,
                "grid_reached": float((finals <= fit.objective * (1 + 1e-6)).mean()),
                "ratio": fit.objective / objective,
            }
        )
        print_table(rows[-1:])
    write_csv(arguments.out, rows)
    if arguments.markdown:
        write_markdown(arguments.markdown, rows)
    worst = max(rows, key=lambda row: row["ratio"])
    if worst["ratio"] > 1 + 1e-6:
        sys.exit(f"{worst['table']}: objective {worst['objective']:g} is above the grid's {worst['grid_objective']:g}")


if __name__ == "__main__":
    main()
