"""The general fitter of laws beside scipy's ``least_squares``: the lowest objective of the same starts, and the time.

    python bench/law_solvers.py [--data ../shared/data] [--out law_solvers.csv] [--law NAME ...]

Every law of the list, on planted tables and the reference tables where they are at hand. The peer minimises the same
Huber sum (``loss="huber"``, ``f_scale=1e-3``) from the same twelve starts within the same bounds, once as it is and once
with delta shrinking fourfold at a time from the median residual, as the fitter does. One thread, processor time. The
gate is tests/laws/solve/test_general.py.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.optimize import least_squares

from laws import columns, tables
from ziplaw.base.documents import read_csv, write_csv
from ziplaw.laws.fits.by_name import unbeaten
from ziplaw.laws.forms import constrained, kaplan
from ziplaw.laws.forms.catalogue import LAWS, law
from ziplaw.laws.solve.additive import huber
from ziplaw.laws.solve.general import minimise

DELTA = 1e-3
STARTS = 12


def all_tables(folder):
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


def main():
    """Time the fitter and its peer on every law and table, and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--out", default="law_solvers.csv")
    parser.add_argument("--law", action="append", help="only this form, such as kaplan or broken(C)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # overflow on the way: both solvers step back from it
    rows = []
    for table, given, loss in all_tables(arguments.data):
        for form, log_loss, z, starts in problems(given, loss):
            if arguments.law and form.name not in arguments.law:
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
    write_csv(arguments.out, rows)


if __name__ == "__main__":
    main()
