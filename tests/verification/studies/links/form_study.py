"""Coverage of the intervals of Kaplan's laws and of the law of repeated data, by simulation.

    python tests/verification/studies/links/form_study.py

fits tables simulated from the published constants by the general optimiser, as ``ziplaw fit --law`` does, and counts
how often the intervals hold the truth. Every simulation is a line of --log; a study that was stopped goes on where it
was. Writes tests/verification/studies/links/form_study.csv, from which ``page.py`` makes a table of docs/validation.md.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import catalogue, constrained, kaplan
from ziplaw.laws.forms.allocation import exponents, split

HERE = Path(__file__).parent
METHODS = ("delta", "sandwich")
SIZES, BUDGETS = np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 2e10, 6)
AT = {"C": 60 * SIZES[-1] * BUDGETS[-1], "N": 2 * SIZES[-1], "D": 2 * BUDGETS[-1]}
FLOOR = 1.0
EPOCHS = (1, 4, 24)
NOISE = {"kaplan": 0.005, "kaplan-coupled": 0.003, "data-constrained": 0.005}


def planted(law):
    """Columns, mean losses (n,), true values of what intervals are asked for, and where they are asked."""
    N, D = (grid.ravel() for grid in np.meshgrid(SIZES, BUDGETS))
    if law == "data-constrained":
        N, D = np.tile(N, len(EPOCHS)), np.tile(D, len(EPOCHS))
        columns = {"N": N, "D": D, "U": D / np.repeat(EPOCHS, N.size // len(EPOCHS))}
        names = catalogue.law(law).parameters
        values = [*constrained.DATA_CONSTRAINED.array, constrained.R_D_STAR, constrained.R_N_STAR]
        return columns, constrained.data_constrained_loss(**columns), dict(zip(names, values)), {}
    form, floor, k = catalogue.law(law), FLOOR * (law == "kaplan-coupled"), kaplan.KAPLAN
    true = {"Nc": k.joint_N_c, "Dc": k.joint_D_c, "alpha_N": k.joint_alpha_N, "alpha_D": k.joint_alpha_D}
    true |= {"E": floor} if floor else {}
    parameters = [true[name] for name in form.parameters]
    a, b, _ = exponents(parameters, form)
    best = split(parameters, AT["C"], form)
    true |= {"a": float(a), "b": float(b), "N_opt": float(best[0]), "D_opt": float(best[1])}
    true["loss_opt"] = float(kaplan.joint_loss(*best)) + floor
    true["loss"] = float(kaplan.joint_loss(AT["N"], AT["D"])) + floor
    return {"N": N, "D": D}, kaplan.joint_loss(N, D) + floor, true, AT


def one(seed, law, methods=METHODS):
    """Fit one simulated table: whether each method's intervals held the truth, by quantity."""
    columns, mean, true, at = planted(law)
    loss = mean * np.exp(NOISE[law] * np.random.default_rng(seed).normal(size=mean.size))
    fitted = fit_law(law, columns, loss)
    found = {method: fitted.intervals(method, seed=seed, **at) for method in methods}
    return {m: {q: bool(out[q][0] <= v <= out[q][1]) for q, v in true.items()} for m, out in found.items()}


def rates(results):
    """Share of intervals that cover: method -> quantity -> rate."""
    methods = results[0]
    return {m: {q: float(np.mean([r[m][q] for r in results])) for q in methods[m]} for m in methods}


def run(law, simulations, log=None):
    """Results of the first so many simulations of a law, those in the log taken from there."""
    done = {}
    if log and log.exists():
        lines = (json.loads(line) for line in log.read_text().splitlines())
        done = {line["seed"]: line["covered"] for line in lines if line["law"] == law}
    for seed in progress(range(simulations), desc=law):
        if seed not in done:
            done[seed] = one(seed, law)
            if log:
                with log.open("a") as file:
                    file.write(json.dumps({"law": law, "seed": seed, "covered": done[seed]}) + "\n")
    return [done[seed] for seed in range(simulations)]


def rows_of(law, results):
    """Rows of the CSV for one law."""
    n = len(results)
    return [
        {"law": law, "noise": NOISE[law], "method": method, "quantity": quantity, "value": rate,
         "mc_error": float(np.sqrt(rate * (1 - rate) / n)), "simulations": n}
        for method, by in rates(results).items()
        for quantity, rate in by.items()
    ]  # fmt: skip


def main():
    """Run all laws and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--law", action="append", choices=NOISE, help="only this one; may be repeated")
    parser.add_argument("--log", type=Path, help="a file of finished simulations, to go on from")
    parser.add_argument("-o", "--output", default=str(HERE / "form_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    rows = read_csv(path) if path.exists() else []
    for law in arguments.law or NOISE:
        rows = [row for row in rows if row["law"] != law] + rows_of(law, run(law, arguments.simulations, arguments.log))
        write_csv(path, sorted(rows, key=lambda row: list(NOISE).index(row["law"])))
        print(law, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
