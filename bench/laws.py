"""Speed of law fitting beside the published way: one fit, 4000 case-bootstrap refits, and the 500-start L-BFGS grid.

    python bench/laws.py [--data ../shared/data] [--out laws.csv] [--markdown docs/benchmarks.md]
    python bench/laws.py --general [--law NAME ...] [--out laws_general.csv]

The peer is scipy's L-BFGS-B with the analytic gradient of the published objective from 500 starts of a grid like the
published one (tests/twins/approach3.py), in the same process. Tables: the four reference tables where they are at
hand, else a planted 6 x 6 grid. One thread; processor time, which other processes disturb less than wall time. The gate
is tests/laws/solve/test_optimum.py and the last column: ziplaw's objective over the peer's, at most 1.

The other links of the same index: ``bench/link_fits.py``.

``--general``: the general fitter, which serves laws of another index (Kaplan's, which the compiled fitter of links
serves, are measured with it too), beside scipy's ``least_squares`` on the
same Huber sum (``loss="huber"``, ``f_scale=1e-3``) from the same twelve starts within the same bounds, once as it is
and once with delta shrinking fourfold at a time from the median residual, as the fitter does: lowest objective and
time. The gate is tests/laws/solve/test_general.py.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.optimize import least_squares

import ziplaw
from ziplaw.base.documents import read_csv, write_csv, write_text
from ziplaw.base.text_table import aligned
from ziplaw.laws.fits.by_name import unbeaten
from ziplaw.laws.forms import constrained, kaplan
from ziplaw.laws.forms.catalogue import LAWS, law
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.solve.additive import huber
from ziplaw.laws.solve.general import minimise

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from twins import approach3

REFITS = 4000
DELTA, STARTS = 1e-3, 12
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
        cells = [row["table"], str(row["rows"]), f"{row['fit_ms']:.1f}", f"{row['bootstrap_s']:.2f}",
                 f"{row['grid_s']:.1f}", f"{row['times']:.0f}", f"{row['ratio']:.7f}"]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    text = f"{page.split(BEGIN)[0]}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{page.split(END)[1]}"
    write_text(path, text)


def tables_of_laws(folder):
    """Yield name, columns, loss."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 2e9, 6), np.geomspace(1e8, 5e10, 6)))
    rng = np.random.default_rng(0)
    S, U = D / 5e5, np.minimum(D, 2e9)
    for name, loss in (
        ("planted kaplan", kaplan.joint_loss(N, D)),
        ("planted kaplan-coupled", 0.5 + kaplan.joint_loss(N, D)),
        ("planted kaplan-steps", kaplan.steps_loss(N, S)),
        ("planted data-constrained", constrained.data_constrained_loss(N, D, U)),
    ):
        yield name, {"N": N, "D": D, "S": S, "U": U}, loss * np.exp(0.003 * rng.normal(size=N.size))
    for name, *arrays in tables(folder):
        yield name, dict(zip("ND", arrays)), arrays[2]
    if (folder / "repeated_data.csv").exists():
        *arrays, loss = columns(read_csv(folder / "repeated_data.csv"), "N", "D", "U", "loss")
        yield "repeated_data", dict(zip("NDU", arrays)), loss


def problems(table, loss):
    """Yield the laws that a table has the columns of: name, form, ln L as a function of theta, ln loss, starts."""
    table = table | {"C": 6 * table["N"] * table["D"]}
    for name in LAWS:
        found = law(name)
        for x in ("C", "N", "D") if found.columns == ("x",) else ("C",):
            form = found.of(x)
            if not set(form.columns) <= set(table):
                continue
            rows = unbeaten(table["C"], loss) if form.columns == ("C",) else slice(None)
            own, z = {key: table[key][rows] for key in form.columns}, np.log(loss[rows])
            centre = {key: float(np.log(values).mean()) for key, values in own.items()}

            def log_loss(theta, form=form, own=own, centre=centre):
                return form.log_loss(theta, own, centre)

            starts = np.clip(np.atleast_2d(form.starts(own, z, centre)), form.low, form.high)
            off = [np.median(np.abs(log_loss(start) - z)) for start in starts]
            yield form, log_loss, z, starts[np.argsort(off, kind="stable")[:STARTS]]


def peer(form, log_loss, z, start, anneal):
    """Optimum by scipy from one start."""

    def off(theta):
        return np.nan_to_num(log_loss(theta) - z, nan=1e3, posinf=1e3, neginf=-1e3)

    edge = 1e-6 * np.maximum(1, np.abs(start))
    theta = np.clip(start, form.low + edge, form.high - edge)
    deltas = [DELTA]
    current = float(np.median(np.abs(off(theta))))
    while anneal and current > DELTA:
        deltas.insert(-1, current)
        current /= 4
    for delta in deltas:
        theta = least_squares(
            off, theta, bounds=(form.low, form.high), loss="huber", f_scale=delta, x_scale="jac",
            xtol=1e-10, ftol=1e-9, gtol=1e-12, max_nfev=200,
        ).x  # fmt: skip
    return theta


def compare_solvers(folder, only):
    """Fit every law of the list by the general fitter and by its peer; return rows."""
    warnings.simplefilter("ignore")  # overflow on the way: both solvers step back from it
    rows = []
    for table, given, loss in tables_of_laws(folder):
        for form, log_loss, z, starts in problems(given, loss):
            if only and form.name not in only:
                continue
            row = {"table": table, "law": form.name, "rows": len(z)}
            for name, solve in (
                ("own", lambda s, f=form, g=log_loss, z=z: minimise(g, s, z, np.ones(len(z)), DELTA, f.low, f.high)[0]),
                ("scipy", lambda s, f=form, g=log_loss, z=z: peer(f, g, z, s, False)),
                ("scipy_annealed", lambda s, f=form, g=log_loss, z=z: peer(f, g, z, s, True)),
            ):
                begin = time.process_time()
                found = [solve(start) for start in starts]
                row[f"{name}_s"] = time.process_time() - begin
                row[name] = min(float(huber(log_loss(theta) - z, DELTA).sum()) for theta in found)
            rows.append(row)
            print(
                f"{table}, {form.name}: {row['own']:.6g} in {row['own_s']:.2f} s; scipy "
                f"{row['scipy'] / row['own']:.6f} of it in {row['scipy_s']:.2f} s, annealed "
                f"{row['scipy_annealed'] / row['own']:.6f} in {row['scipy_annealed_s']:.2f} s",
                flush=True,
            )
    return rows


def main():
    """Time both on every table and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--out", default="laws.csv")
    parser.add_argument("--markdown", help="page whose table is written anew")
    parser.add_argument("--starts", type=int, default=approach3.MAX_STARTS)
    parser.add_argument("--general", action="store_true", help="the general fitter beside scipy's least_squares")
    parser.add_argument("--law", action="append", help="with --general: only this form, such as kaplan or broken(C)")
    arguments = parser.parse_args()
    if arguments.general:
        write_csv(arguments.out, compare_solvers(arguments.data, arguments.law))
        return
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
        print(*aligned(rows[-1:]), sep="\n")
    write_csv(arguments.out, rows)
    if arguments.markdown:
        write_markdown(arguments.markdown, rows)
    worst = max(rows, key=lambda row: row["ratio"])
    if worst["ratio"] > 1 + 1e-6:
        sys.exit(f"{worst['table']}: objective {worst['objective']:g} is above the grid's {worst['grid_objective']:g}")


if __name__ == "__main__":
    main()
