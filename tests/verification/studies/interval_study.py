"""Coverage of every kind of interval, and bias of every parameter, by simulation.

    python tests/verification/studies/interval_study.py --simulations 1000

fits tables simulated from planted laws (6 x 6 designs, 1 % noise), asks each method for all its intervals, and counts \
how
often they hold the truth. Writes tests/verification/studies/interval_study.csv (half an hour on one core), from which
``page.py`` makes the tables of docs/validation.md. The slow tests run the same functions.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.laws.fits.fit import fit
from ziplaw.laws.forms.allocation import exponents, optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, PARAMETERS, additive
from ziplaw.laws.intervals.profile import profile_interval

HERE = Path(__file__).parent
REFITS = 500
INDEPENDENT = ("case", "residual", "wild", "parametric", "delta")
FEW_RUNS = ("jackknife", "wild", "case")  # a cluster bootstrap refuses fewer than five
BY_RUN = ("jackknife", "cluster", "wild", "case")
LAPTOP = np.array([1.2, 30.0, 300.0, 0.40, 0.45])
# profiles are slow; b mirrors a, D_opt mirrors N_opt (N D = C/6), and A and B go with alpha and beta
PROFILED = ("E", "alpha", "beta", "a", "N_opt", "loss_opt", "loss")
DESIGNS = {  # law, N, D
    "large": (CHINCHILLA_REFIT.array, np.geomspace(5e7, 1.6e10, 6), np.geomspace(1e9, 3e11, 6)),
    "laptop": (LAPTOP, np.geomspace(1e3, 1e5, 6), np.geomspace(3e4, 3e6, 6)),
    "four sizes": (LAPTOP, np.geomspace(1e3, 1e5, 4), np.geomspace(3e4, 3e6, 6)),
}
SCENARIOS = {
    "large models": {"design": "large"},
    "laptop models": {"design": "laptop"},
    "laptop models, E at the floor": {"design": "laptop", "fixed_E": True},
    "laptop models, least squares": {"design": "laptop", "objective": "log-mse"},
    "laptop models, 6 runs": {"design": "laptop", "by_run": True},
    "laptop models, 6 runs share an error": {"design": "laptop", "shared": 0.01, "by_run": True},
    "laptop models, 12 runs share an error": {"design": "laptop", "shared": 0.01, "seeds": 2, "by_run": True},
    "laptop models, 4 runs share an error": {
        "design": "four sizes",
        "shared": 0.01,
        "by_run": True,
        "methods": FEW_RUNS,
    },
    "laptop models: profile": {"design": "laptop", "methods": ("profile",)},
}


def truths(law, C, N, D):
    """True value of everything that an interval is asked for."""
    a, b, log10_G = (float(v) for v in exponents(law))
    plan = [float(v) for v in optimal_split(law, C)]
    return {
        **dict(zip(PARAMETERS, law.tolist())),
        "a": a,
        "b": b,
        "log10_G": log10_G,
        **dict(zip(("N_opt", "D_opt", "loss_opt"), plan)),
        "loss": float(additive(law, N, D)),
    }


def one(seed, *, design, methods=None, by_run=False, shared=0.0, seeds=1, noise=0.01, fixed_E=False, objective="huber"):
    """Fit one simulated table: estimates (5,), and for each method whether its intervals held the truth, by quantity.

    ``shared`` is the standard deviation of an error that all points of a run have in common; ``noise`` of each point's
    own; ``by_run`` tells the methods that know of runs which points share one. The allocation is asked for at ten times
    the largest C, the loss at twice the largest N and D.
    """
    rng = np.random.default_rng(seed)
    law, sizes, budgets = DESIGNS[design]
    N, D = np.tile(np.repeat(sizes, len(budgets)), seeds), np.tile(budgets, seeds * len(sizes))
    runs = np.repeat(np.arange(seeds * len(sizes)), len(budgets))
    error = noise * rng.normal(size=N.size) + shared * rng.normal(size=runs.max() + 1)[runs]
    loss = additive(law, N, D) * np.exp(error)
    fitted = fit(N, D, loss, fixed_E=float(law[0]) if fixed_E else None, objective=objective, units="keep")
    at = {"C": 60 * sizes[-1] * budgets[-1], "N": 2 * sizes[-1], "D": 2 * budgets[-1]}
    true = truths(law, **at)
    covered = {}
    for method in methods or (BY_RUN if by_run else INDEPENDENT):
        clusters = runs if by_run and method != "case" else None
        if method == "profile":
            found = profile_interval(fitted, names=PROFILED, **at)
        else:
            found = fitted.intervals(method, clusters=clusters, n=REFITS, seed=seed, **at)
        if fixed_E:
            del found["E"]
        covered[method] = {name: bool(lo <= true[name] <= hi) for name, (lo, hi) in found.items()}
    return fitted.parameters, covered


def rates(simulations, *, first=0, **scenario):
    """Estimates (simulations, 5) and the share of intervals that cover: method -> quantity -> rate."""
    estimates, hits = [], {}
    for i in progress(range(simulations), desc=str(scenario)):
        parameters, covered = one(first + i, **scenario)
        estimates.append(parameters)
        for method, inside in covered.items():
            for name, value in inside.items():
                hits.setdefault(method, {}).setdefault(name, []).append(value)
    return np.array(estimates), {m: {n: float(np.mean(v)) for n, v in by.items()} for m, by in hits.items()}


def rows_of(name, simulations, scenario):
    """Rows of the CSV for one scenario: coverage of each interval, and how the estimates lie about the truth."""
    estimates, covered = rates(simulations, **scenario)
    rows = []
    for method, by in covered.items():
        for quantity, rate in by.items():
            error = float(np.sqrt(rate * (1 - rate) / simulations))
            rows.append({"scenario": name, "kind": "covers", "method": method, "quantity": quantity, "value": rate,
                         "mc_error": error, "simulations": simulations})  # fmt: skip
    law = DESIGNS[scenario["design"]][0]
    for i, quantity in enumerate(PARAMETERS):
        for kind, value in (
            ("truth", law[i]),
            ("median", np.median(estimates[:, i])),
            ("q05", np.quantile(estimates[:, i], 0.05)),
            ("q95", np.quantile(estimates[:, i], 0.95)),
        ):
            rows.append({"scenario": name, "kind": kind, "method": None, "quantity": quantity, "value": float(value),
                         "mc_error": None, "simulations": simulations})  # fmt: skip
    return rows


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("-o", "--output", default=str(HERE / "interval_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    done = read_csv(path) if path.exists() else []
    for name, scenario in SCENARIOS.items():
        if arguments.scenario and name not in arguments.scenario:
            continue
        rows = rows_of(name, arguments.simulations, scenario)
        done = [row for row in done if row["scenario"] != name] + rows
        write_csv(path, sorted(done, key=lambda row: list(SCENARIOS).index(row["scenario"])))
        print(name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
