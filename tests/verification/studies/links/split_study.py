"""Size and power of the tests of "the best split depends on H", where losses follow the bounded law, by simulation.

    python tests/verification/studies/links/split_study.py

Each simulated sweep has 6 datasets of 6 x 6 cells whose losses lie between a floor and a unigram entropy; its fits are
those of ``ziplaw fit`` (every link on all cells, E at the floor, isoFLOP beside them), its tests those of
``ziplaw regress``: ln N_opt in the middle of what was measured, and a, against H by permutation. Every simulation is a
line of --log; a study that was stopped goes on where it was. Writes
tests/verification/studies/links/split_study.csv, from which ``page.py`` makes a table of docs/validation.md.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.laws.dependence.splits.dataset_splits import KINDS, gather
from ziplaw.laws.dependence.splits.trend import QUANTITIES, trend
from ziplaw.laws.fits.dataset_links import LINKS, jackknifed_split, split_by_isoflop
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.links import BOUNDED

HERE = Path(__file__).parent
N = np.geomspace(750, 20_000, 6)
D = np.geomspace(65_536, 2_097_152, 6)
C = float(np.exp(np.log(6) + np.log([N, D]).mean(axis=1).sum()))
LEVEL, NOISE = 0.05, 0.03
REDRAWN = 40  # tables of isoFLOP
K, LINK_EXPONENT, SUM = 6, 0.8, 1.1  # datasets; k of the planted law; alpha + beta

# slopes of ln N_opt (in the middle of the measured compute) and of a per unit of H, which spans about .13; scatter of
# both about the line; what else moves with H
SCENARIOS = {
    "none": {},
    "none, datasets scatter": {"scatter": (0.1, 0.02)},
    "none, floor and unigram entropy follow H": {"drift": 6.0},
    "ln N_opt rises by 5 per H, datasets scatter": {"slopes": (5.0, 0.0), "scatter": (0.1, 0.02)},
    "a rises by .6 per H": {"slopes": (0.0, 0.6)},
}


def simulate(rng, *, slopes=(0.0, 0.0), scatter=(0.0, 0.0), drift=0.0):
    """Draw a sweep: H (K,), floors (K,), unigram entropies (K,), rows of runs.csv of each dataset."""
    H = np.sort(rng.uniform(0.35, 0.48, K))
    n, d = (grid.ravel() for grid in np.meshgrid(N, D))
    middle = np.log([N, D]).mean(axis=1)
    floors, tops, tables = [], [], []
    for h in H - H.mean():
        a = 0.47 + slopes[1] * h + scatter[1] * rng.normal()
        ln_N = middle[0] + slopes[0] * h + scatter[0] * rng.normal()
        alpha, beta = SUM * (1 - a), SUM * a
        ln_G = ln_N - a * middle.sum()
        # ln A - ln B from the split, their size from the loss in the middle
        ln_A, ln_B = SUM * ln_G + np.log(beta / alpha), 0.0
        size = np.logaddexp(ln_A - alpha * middle[0], ln_B - beta * middle[1]) - rng.normal(0.2, 0.15) + drift * h
        E, U = np.exp(rng.normal(0.0, 0.2) - drift * h), np.exp(rng.normal(1.5, 0.05) + drift * h / 4)
        law = [E, np.exp(ln_A - size), np.exp(ln_B - size), alpha, beta, LINK_EXPONENT, U]
        loss = E + (BOUNDED.loss_at(law, n, d) - E) * np.exp(NOISE * rng.normal(size=n.size))
        floors.append(float(E))
        tops.append(float(U))
        tables.append([{"model": f"m{i}", "seed": 0, "N": i, "D": j, "loss": v} for i, j, v in zip(n, d, loss)])
    return H, floors, tops, tables


def linked_split(rows, link, floor, unigram):
    """What ``dataset_links.fit_links`` says about the split of one dataset by one link, and nothing besides."""
    n, d, loss = (np.array([row[key] for row in rows]) for key in ("N", "D", "loss"))
    fitted = fit_link(
        n, d, loss, link=link, E=floor, U=unigram if link == "bounded" else None, excess=True, objective="log-mse",
        duplicates="keep", units="keep",
    )  # fmt: skip
    return {"converged": fitted.converged, "split": jackknifed_split(fitted, [row["model"] for row in rows], C)}


def one(seed, isoflop=True, **scenario):
    """Fit one simulated sweep and test it: p of ln_N and of a by every link and by isoFLOP, None where one has none."""
    H, floors, tops, tables = simulate(np.random.default_rng(seed), **scenario)
    fits = [
        {
            "dataset": f"d{k}",
            "links": {link: linked_split(rows, link, floors[k], tops[k]) for link in LINKS},
            "isoflop": split_by_isoflop(rows, n=REDRAWN) if isoflop else None,
        }
        for k, rows in enumerate(tables)
    ]
    out = {}
    for kind in KINDS:
        splits, _ = gather(fits, kind, C)
        found = len(splits.names) >= 4
        lines = trend(splits, H[[int(name[1:]) for name in splits.names]])["lines"] if found else {}
        for what in QUANTITIES:
            out[f"{kind}, {what}"] = lines[what]["p_permutation"] if found else None
    return out


def run(name, simulations, log=None, isoflop=0):
    """p-values of the first so many simulations of a scenario, those in the log taken from there.

    The first ``isoflop`` of them are judged by isoFLOP too, which takes five times as long.
    """
    done = {}
    if log and log.exists():
        lines = (json.loads(line) for line in log.read_text().splitlines())
        done = {line["seed"]: line["p"] for line in lines if line["scenario"] == name}
    for seed in progress(range(simulations), desc=name):
        if seed not in done:
            done[seed] = one(seed, seed < isoflop, **SCENARIOS[name])
            if log:
                with log.open("a") as file:
                    file.write(json.dumps({"scenario": name, "seed": seed, "p": done[seed]}) + "\n")
    return [done[seed] for seed in range(simulations)]


def rows_of(name, results):
    """Rows of the CSV for one scenario: how often each test rejects at 5 %, of the sweeps in which it could be made."""
    rows = []
    for kind in KINDS:
        for what in QUANTITIES:
            p = [result[f"{kind}, {what}"] for result in results]
            made = [value for value in p if value is not None]
            rate = float(np.mean([value <= LEVEL for value in made])) if made else None
            rows.append({"scenario": name, "kind": kind, "quantity": what, "rejects": rate, "made": len(made),
                         "simulations": len(results)})  # fmt: skip
    return rows


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--isoflop", type=int, default=50, help="simulations that are judged by isoFLOP too")
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("--log", type=Path, help="a file of finished simulations, to go on from")
    parser.add_argument("-o", "--output", default=str(HERE / "split_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    rows = read_csv(path) if path.exists() else []
    for name in arguments.scenario or SCENARIOS:
        found = rows_of(name, run(name, arguments.simulations, arguments.log, arguments.isoflop))
        rows = [row for row in rows if row["scenario"] != name] + found
        write_csv(path, sorted(rows, key=lambda row: list(SCENARIOS).index(row["scenario"])))
        print(name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
