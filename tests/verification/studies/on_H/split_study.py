"""Size, power and coverage of the tests of "the best N at a given compute depends on H", by simulation.

    python tests/verification/studies/on_H/split_study.py --simulations 300

plants bounded laws whose best N at the middle compute moves with H as told, simulates sweeps of their tables (six
sizes and six budgets, noise in the log of the excess, a part of it shared by the cells of one run), fits the links and
isoFLOP as a sweep does and asks ``split_on_H``. Writes tests/verification/studies/on_H/split_study.csv; the slow tests
run the same functions.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.laws.dependence.splits.split_on_H import split_on_H
from ziplaw.laws.fits.dataset_links import fit_links, split_by_isoflop

HERE = Path(__file__).parent
SIZES, BUDGETS = np.geomspace(750, 20_000, 6), np.geomspace(65_536, 2_097_152, 6)
MIDDLE = 6 * np.exp(np.log(SIZES).mean() + np.log(BUDGETS).mean())
LEVEL = 0.05
LINKS = ("identity", "bounded")
REDRAWN = 200  # tables behind isoFLOP's covariance

# slope of ln N_opt per unit of H (H spans about .13: x1.7 over the sweep at a slope of 4), scatter of datasets about
# the line, and whether what has nothing to do with the split (both ends, the link's power, the excess) follows H
SCENARIOS = {
    "none": {},
    "none, datasets scatter": {"scatter": 0.2},
    "none, ends and link follow H": {"scatter": 0.2, "drift": 1.0},
    "slope 4": {"slope": 4.0},
    "slope 8, datasets scatter": {"slope": 8.0, "scatter": 0.2},
}


def simulate(rng, *, K=6, slope=0.0, scatter=0.0, drift=0.0, noise=0.03, shared=0.03):
    """Rows and fits of one sweep of K datasets; their H, and the slope of ln N_opt at the middle compute."""
    H = np.sort(rng.uniform(0.35, 0.48, K))
    rows, fits = [], []
    for k, h in enumerate(H - 0.415):
        steep = drift * h / 0.065  # -1 to 1 over the range of H
        floor, room, power = 1.2 * np.exp(0.4 * steep), 3.5 * np.exp(0.2 * steep), 0.8 * np.exp(0.2 * steep)
        alpha, beta = 0.6 + 0.03 * rng.normal(), 0.5 + 0.03 * rng.normal()
        best = np.log(4000) + slope * h + scatter * rng.normal()
        # index at the best split: the excess there is a fifth of the room between the ends
        z = -np.log(5 / room - 1 / room) / power + 0.3 * steep
        ln_A = z + np.log(beta / (alpha + beta)) + alpha * best
        ln_B = z + np.log(alpha / (alpha + beta)) + beta * (np.log(MIDDLE / 6) - best)
        mine = []
        for i, n in enumerate(SIZES):
            run = shared * rng.normal()
            for d in BUDGETS:
                index = np.logaddexp(ln_A - alpha * np.log(n), ln_B - beta * np.log(d))
                excess = 1 / (1 / room + np.exp(-power * index)) * np.exp(run + noise * rng.normal())
                mine.append({"dataset": f"d{k}", "model": f"m{i}", "seed": 0, "N": float(n), "D": float(d),
                             "loss": float(floor + excess)})  # fmt: skip
        fits.append({"dataset": f"d{k}", "H": float(H[k]), "floor": float(floor),
                     "unigram_entropy": float(floor + room),
                     "links": fit_links(mine, floor=floor, unigram=floor + room, links=LINKS),
                     "isoflop": split_by_isoflop(mine, n=REDRAWN)})  # fmt: skip
        rows += mine
    return rows, fits


def one(seed, **scenario):
    """Rejections at 5 % of each test of one sweep, and which intervals of the slope cover; None where not made."""
    split, _ = split_on_H(*simulate(np.random.default_rng(seed), **scenario), seed=seed)
    if split is None:
        return {}, {}
    slope = scenario.get("slope", 0.0)
    primary = split["multiplicity"]["primary"]
    rejected = {"chosen link, Holm (default)": primary["ln_N"]["p_holm"] <= LEVEL,
                "chosen link, of a, Holm": primary["a"]["p_holm"] <= LEVEL,
                "bounded is chosen": split["link"] == "bounded"}  # fmt: skip
    covered = {}
    for kind, entry in split["by"].items():
        line = entry["lines"]["ln_N"]
        rejected[f"{kind}, permutation"] = line["p_permutation"] <= LEVEL
        rejected[f"{kind}, rank correlation"] = line["p_rank"] <= LEVEL
        rejected[f"{kind}, t"] = line["p_value"] <= LEVEL
        covered[f"{kind}, slope of ln N_opt"] = line["slope_ci"][0] <= slope <= line["slope_ci"][1]
    return rejected, covered


def rates(simulations, seed=0, **scenario):
    """Share of rejections of each test and of intervals that cover, over the simulations in which they were made."""
    tests, covered = {}, {}
    for i in progress(range(simulations), desc=str(scenario)):
        rejected, inside = one(seed + i, **scenario)
        for found, values in ((tests, rejected), (covered, inside)):
            for name, value in values.items():
                found.setdefault(name, []).append(value)
    return tuple({name: float(np.mean(values)) for name, values in found.items()} for found in (tests, covered))


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("-o", "--output", default=str(HERE / "split_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    done = read_csv(path) if path.exists() else []
    for name, scenario in SCENARIOS.items():
        if arguments.scenario and name not in arguments.scenario:
            continue
        rows = []
        for kind, values in zip(("rejects", "covers"), rates(arguments.simulations, **scenario)):
            for what, rate in values.items():
                error = np.sqrt(rate * (1 - rate) / arguments.simulations)
                rows.append({"scenario": name, "kind": kind, "what": what, "rate": rate, "mc_error": float(error),
                             "simulations": arguments.simulations})  # fmt: skip
        done = [row for row in done if row["scenario"] != name] + rows
        write_csv(path, sorted(done, key=lambda row: list(SCENARIOS).index(row["scenario"])))
        print(f"{name}: {rows}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
