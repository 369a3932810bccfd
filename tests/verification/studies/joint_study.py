"""Size, power and coverage of every test of "exponents depend on H", by simulation.

    python tests/verification/studies/joint_study.py --simulations 500

runs all scenarios (half an hour on one core) and writes tests/verification/studies/joint_study.csv, from which \
``page.py`` makes
the tables of docs/validation.md. The slow tests run the same functions.
"""

import argparse
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy import stats

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.errors import FitError
from ziplaw.laws.dependence import joint_test, law_in_H
from ziplaw.laws.dependence.panel import Panel
from ziplaw.laws.dependence.statistics import permutation
from ziplaw.laws.dependence.two_stage import ols
from ziplaw.laws.fits.fit import fit

HERE = Path(__file__).parent
N = np.geomspace(750, 20_000, 6)
D = np.geomspace(65_536, 2_097_152, 6)
LEVEL = 0.05
# a sample of the relabellings: a permutation test keeps its size with any number, and this takes a third of the time
FEWER = {"ALL_PERMUTATIONS": 4, "SAMPLED": 199}
FEWER_ALL_LINEAR = {"SAMPLED_ALL_LINEAR": 59}

# slopes of alpha and beta per unit of H (H spans about .13), scatter of exponents off the line, what else moves with H
SCENARIOS = {
    "none": {},
    "none, datasets scatter": {"scatter": 0.05},
    "slopes -1.5 and -1": {"slopes": (-1.5, -1.0)},
    "slopes -3 and -2, datasets scatter": {"slopes": (-3.0, -2.0), "scatter": 0.05},
    "none, datasets scatter, amplitudes and floors follow H": {"scatter": 0.05, "drift": 6.0},
    "none, E free": {"known_floor": False},
    "none, the additive form is wrong": {"coupled": True},
    "none, 4 datasets": {"K": 4},
}


def simulate(rng, *, K=6, slopes=(0.0, 0.0), scatter=0.0, drift=0.0, noise=0.02, known_floor=True, coupled=False):
    """Draw K datasets on a 6 x 6 grid: H, floors, tables, true slopes; losses carry normal noise in logs.

    ``coupled`` takes Kaplan's form E + [(A'/N)^(alpha/beta) + B'/D]^beta, which the additive law cannot fit.
    """
    H = np.sort(rng.uniform(0.35, 0.48, K))
    h = H - H.mean()
    n, d = (grid.ravel() for grid in np.meshgrid(N, D))
    floors = np.exp(rng.normal(0.0, 0.35, K) - drift * h)
    tables = []
    for k in range(K):
        alpha = max(0.5 + slopes[0] * h[k] + scatter * rng.normal(), 0.05)
        beta = max(0.6 + slopes[1] * h[k] + scatter * rng.normal(), 0.05)
        size_n, size_d = np.exp(rng.normal(-0.2, 0.3, 2) + drift * h[k])
        u, v = n / np.exp(np.log(N).mean()), d / np.exp(np.log(D).mean())
        if coupled:
            loss = floors[k] + ((size_n ** (1 / alpha) / u) ** (alpha / beta) + size_d ** (1 / beta) / v) ** beta
        else:
            loss = floors[k] + size_n / u**alpha + size_d / v**beta
        tables.append((n, d, loss * np.exp(noise * rng.normal(size=n.size))))
    return H, floors if known_floor else None, tables


def one(seed, *, full=True, **scenario):
    """Run every test on one simulated sweep: name -> p-value (or 0/1 for a choice), and whether intervals covered."""
    rng = np.random.default_rng(seed)
    slopes = scenario.get("slopes", (0.0, 0.0))
    H, floors, tables = simulate(rng, **scenario)
    panel = Panel.of([f"d{k}" for k in range(len(H))], H, tables, floors)
    with patch.multiple(permutation, **FEWER), patch.multiple(joint_test, **FEWER_ALL_LINEAR):
        test = joint_test.joint_test(panel, bootstrap=59 if full else 0, level=1 - LEVEL, seed=seed)
    models = test["models"]
    out = {
        "permutation, M1 against M0 (default)": test["p_permutation"],
        "F distribution, M1 against M0": float(stats.f.sf(test["F"], *test["df"])),
        "permutation, L1 against L0": test["all_linear"]["p_permutation"],
        "AICc prefers M1": 0.0 if models["M1"]["AICc"] < models["M0"]["AICc"] else 1.0,
        "BIC prefers M1": 0.0 if models["M1"]["BIC"] < models["M0"]["BIC"] else 1.0,
    }
    covered = {}
    for i, name in enumerate(("alpha", "beta")):
        low, high = test["exponents"][name]["slope_ci"]
        covered[f"joint slope of {name}"] = low <= slopes[i] <= high
    if full:
        out["parametric bootstrap, M1 against M0"] = test["p_bootstrap"]
        out |= _by_stages(panel, H, floors, tables, slopes, covered)
    return out, covered


def _by_stages(panel, H, floors, tables, slopes, covered):
    """Two-stage regression and random-effects law from separate fits of the datasets."""
    fits = []
    for k, table in enumerate(tables):
        fits.append(fit(*table, fixed_E=None if floors is None else float(floors[k]), units="keep"))
    values = np.array([f.parameters for f in fits])
    out = {}
    for i, name in ((3, "alpha"), (4, "beta")):
        out[f"two-stage OLS, {name}"] = ols(H, values[:, i])["p_value"]
    logs = np.column_stack([np.log(np.maximum(values[:, :3], 1e-3)), values[:, 3:]])
    try:
        law = law_in_H.regress_laws(logs, [f.covariance for f in fits], H, ln_N=panel.x_mean, ln_D=panel.y_mean)
    except (FitError, np.linalg.LinAlgError):
        return out
    for i, name in enumerate(("alpha", "beta")):
        line = law["lines"][name]
        out[f"random-effects law, {name}"] = line["p_value"]
        covered[f"law's slope of {name}"] = line["slope_ci"][0] <= slopes[i] <= line["slope_ci"][1]
    return out


def rates(simulations, seed=0, *, full=True, **scenario):
    """Share of rejections at 5 % of each test, share of intervals that cover, over simulations."""
    tests, covered = {}, {}
    for i in progress(range(simulations), desc=str(scenario)):
        p, inside = one(seed + i, full=full, **scenario)
        for name, value in p.items():
            tests.setdefault(name, []).append(value <= LEVEL)
        for name, value in inside.items():
            covered.setdefault(name, []).append(value)
    return {k: float(np.mean(v)) for k, v in tests.items()}, {k: float(np.mean(v)) for k, v in covered.items()}


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("-o", "--output", default=str(HERE / "joint_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    done = read_csv(path) if path.exists() else []
    for name, scenario in SCENARIOS.items():
        if arguments.scenario and name not in arguments.scenario:
            continue
        rejected, covered = rates(arguments.simulations, **scenario)
        rows = []
        for kind, values in (("rejects", rejected), ("covers", covered)):
            for what, rate in values.items():
                error = np.sqrt(rate * (1 - rate) / arguments.simulations)
                rows.append({"scenario": name, "kind": kind, "what": what, "rate": rate, "mc_error": float(error),
                             "simulations": arguments.simulations})  # fmt: skip
        done = [row for row in done if row["scenario"] != name] + rows
        write_csv(path, sorted(done, key=lambda row: list(SCENARIOS).index(row["scenario"])))
        print(f"{name}: {rejected} {covered}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
