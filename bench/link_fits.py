"""Speed of fits under each link beside scipy's least_squares and curve_fit, in one process, one thread.

    python bench/link_fits.py [--data ../shared/data] [--out link_fits.csv] [--markdown docs/benchmarks.md]

Of a planted grid of 240 rows, and of the Chinchilla points where they are at hand: one fit, and 4000 case-bootstrap
refits, by ``ziplaw.fit(link=)``. The peers minimise the same law in the same coordinates within the same bounds, each
from the eight of the law's starts that are nearest: ``least_squares`` the same Huber sum (``loss="huber"``, ``f_scale``
1e-3), ``curve_fit`` plain squares of log loss, which is set beside ``objective="log-mse"``. Processor time. The gate:
one fit within 50 ms (10 of the additive law), 4000 refits within 20 s (5), no peer lower by over 1e-4.
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
from scipy.optimize import curve_fit, least_squares

import ziplaw
from ziplaw.base.documents import read_csv, write_csv, write_text
from ziplaw.base.text_table import aligned
from ziplaw.laws.forms.catalogue import LINKS
from ziplaw.laws.forms.links import BOUNDED
from ziplaw.laws.solve.additive import huber

REFITS, STARTS, DELTA = 4000, 8, 1e-3
BEGIN, END = "<!-- link_fits.py writes from here -->", "<!-- link_fits.py writes to here -->"
WITHIN = {"identity": (10.0, 5.0)}  # ms a fit, s for the refits; of any other link:
OTHERS = (50.0, 20.0)


def tables(folder):
    """Yield name, N, D, loss."""
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 16), np.geomspace(1e9, 1e11, 15)))
    noise = np.random.default_rng(0).normal(0, 0.01, N.size)
    yield "planted 16x15, 1 %", N, D, BOUNDED.loss_at([1.7, 400, 900, 0.34, 0.31, 0.9, 9.0], N, D) * np.exp(noise)
    if folder is not None and (folder / "chinchilla_points.csv").exists():
        rows = read_csv(folder / "chinchilla_points.csv")
        yield "chinchilla_points", *(np.array([row[key] for row in rows], dtype=float) for key in ("N", "D", "loss"))


class Peer:
    """The law of a fit as scipy sees it: ln L of the parameters that move, and starts of them."""

    def __init__(self, fitted):
        self.form, self.columns = fitted.form, {"N": fitted.N, "D": fitted.D}
        self.centre = {key: float(np.log(values).mean()) for key, values in self.columns.items()}
        self.z = np.log(fitted.loss)
        starts = np.atleast_2d(self.form.starts(self.columns, self.z, self.centre))
        low, high = self.form.low.copy(), self.form.high.copy()
        if fitted.link == "free":  # E = 0
            starts[:, 0], low[0], high[0] = -np.inf, -np.inf, -np.inf
        self.moving = np.flatnonzero(low < high)
        self.low, self.high = low[self.moving], high[self.moving]
        self.held = np.clip(starts[0], low, high)
        edge = 1e-6 * np.maximum(1, np.abs(starts[:, self.moving]))
        starts = np.clip(starts[:, self.moving], self.low + edge, self.high - edge)
        off = [np.median(np.abs(self.log_loss(start) - self.z)) for start in starts]
        self.starts = starts[np.argsort(off, kind="stable")[:STARTS]]

    def log_loss(self, part):
        """Ln L (n,), a number wherever the search goes."""
        theta = self.held.copy()
        theta[self.moving] = part
        return np.nan_to_num(self.form.log_loss(theta, self.columns, self.centre), nan=1e3, posinf=1e3, neginf=-1e3)

    def by_least_squares(self):
        """Lowest Huber sum."""
        found = [
            least_squares(
                lambda part: self.log_loss(part) - self.z, start, bounds=(self.low, self.high), loss="huber",
                f_scale=DELTA, x_scale="jac", xtol=1e-10, ftol=1e-9, gtol=1e-12, max_nfev=200,
            ).x
            for start in self.starts
        ]  # fmt: skip
        return min(float(huber(self.log_loss(part) - self.z, DELTA).sum()) for part in found)

    def by_curve_fit(self):
        """Lowest half sum of squares; a start from which it gives up counts for nothing."""
        sums = []
        for start in self.starts:
            try:
                part, _ = curve_fit(
                    lambda _, *part: self.log_loss(np.array(part)), np.zeros(len(self.z)), self.z, start,
                    bounds=(self.low, self.high), max_nfev=2000,
                )  # fmt: skip
            except RuntimeError:
                continue
            sums.append(0.5 * float(((self.log_loss(part) - self.z) ** 2).sum()))
        return min(sums)


def timed(function, repeats):
    """Median processor seconds and the result."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        result = function()
        seconds.append(time.process_time() - begin)
    return float(np.median(seconds)), result


def row_of(name, N, D, loss, link):
    """One link on one table."""
    care = {"link": link, "duplicates": "keep"}
    fit_s, fitted = timed(lambda: ziplaw.fit(N, D, loss, **care), 15)
    refits_s, _ = timed(lambda: fitted.bootstrap(REFITS, method="case", threads=1), 1)
    squares = ziplaw.fit(N, D, loss, objective="log-mse", **care)
    # each peer has the law of the fit beside it: the knots of the free link are that fit's
    huber_s, huber_sum = timed(Peer(fitted).by_least_squares, 1)
    curve_s, square_sum = timed(Peer(squares).by_curve_fit, 1)
    return {
        "table": name,
        "rows": len(N),
        "link": link,
        "fit_ms": 1e3 * fit_s,
        "refits_s": refits_s,
        "least_squares_times": huber_s / fit_s,
        "objective_ratio": fitted.objective / huber_sum,
        "curve_fit_times": curve_s / fit_s,
        "squares_ratio": squares.objective / square_sum,
    }


def write_markdown(path, rows):
    """Put the table between the marks of a page."""
    page = Path(path).read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"link_fits.py: {path} must hold {BEGIN!r} and {END!r} once each")
    header = ["table", "link", "one fit, ms", f"{REFITS} refits, s", "`least_squares` takes", "objective / its",
              "`curve_fit` takes", "squares / its"]  # fmt: skip
    lines = ["| " + " | ".join(header) + " |", "|---|---" + "|---:" * (len(header) - 2) + "|"]
    for r in rows:
        own = f"| {r['table']} | `{r['link']}` | {r['fit_ms']:.1f} | {r['refits_s']:.2f} "
        huber_sum = f"| {r['least_squares_times']:.0f} x | {r['objective_ratio']:.6f} "
        lines.append(f"{own}{huber_sum}| {r['curve_fit_times']:.0f} x | {r['squares_ratio']:.6f} |")
    write_text(path, f"{page.split(BEGIN)[0]}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{page.split(END)[1]}")


def main():
    """Time every link on every table; exit status 1 where the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--out", default="link_fits.csv")
    parser.add_argument("--markdown", help="page whose table is written anew")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # overflow on the way: the peers step back from it
    rows, missed = [], []
    for name, N, D, loss in tables(options.data):
        for link in LINKS:
            row = row_of(name, N, D, loss, link)
            rows.append(row)
            print(*aligned([row]), sep="\n", flush=True)
            fit_ms, refits_s = WITHIN.get(link, OTHERS)
            if row["fit_ms"] > fit_ms or row["refits_s"] > refits_s:
                missed.append(f"{name}, {link}: {row['fit_ms']:.1f} ms, {row['refits_s']:.1f} s")
            if max(row["objective_ratio"], row["squares_ratio"]) > 1 + 1e-4:
                missed.append(f"{name}, {link}: a peer found {row['objective_ratio']:.6f}, {row['squares_ratio']:.6f}")
    write_csv(options.out, rows)
    if options.markdown:
        write_markdown(options.markdown, rows)
    if missed:
        sys.exit("; ".join(missed))


if __name__ == "__main__":
    main()
