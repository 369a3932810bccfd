"""How often the interval of an arm's factor holds the truth, and how often arms of one law are told apart.

    python tests/verification/studies/outcomes/arms_study.py

Runs of two arms simulated from planted laws. Writes tests/verification/studies/outcomes/arms_study.csv (a quarter of an
hour on one core), from which docs/outcomes.md has its table (the first design of 300 tables, the others of 120).
"""

import argparse
from pathlib import Path

import numpy as np

from ziplaw.base.documents import write_csv
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.outcomes.arms import compare_arms

HERE = Path(__file__).parent
LAW = CHINCHILLA_REFIT.array
S, T = 1.2, 1.25  # what each parameter and each token of the arm is worth
NOISE = 0.004


def grid(k):
    """Every one of k sizes at every one of k budgets."""
    return tuple(g.ravel() for g in np.meshgrid(np.geomspace(5e7, 5e9, k), np.geomspace(1e9, 1e11, k)))


def ladder(k):
    """K sizes with 20 tokens a parameter."""
    N = np.geomspace(5e7, 5e9, k)
    return N, 20 * N


# name -> N and D of the base, by which the arm's differ, noise that the runs of a pair share, E that the arm lacks
DESIGNS = {
    "grid 5 x 5, the same runs": (grid(5), 1.0, 0.0, 0.0),
    "the same, with an error that pairs share": (grid(5), 1.0, 0.006, 0.0),
    "grid 5 x 5, other runs": (grid(5), 1.3, 0.0, 0.0),
    "grid 4 x 4, the same runs": (grid(4), 1.0, 0.0, 0.0),
    "ladder of 6": (ladder(6), 1.0, 0.0, 0.0),
    "grid 5 x 5, another floor": (grid(5), 1.0, 0.0, 0.05),
}


def tables(name, seed, s=S, t=T):
    """Runs of base and arm."""
    (N, D), shift, shared, lower = DESIGNS[name]
    rng = np.random.default_rng(seed)
    both = shared * rng.standard_normal(len(N))
    first, second = (np.exp(both + NOISE * rng.standard_normal(len(N))) for _ in range(2))
    arm = additive(LAW, s * N * shift, t * D * shift) - lower
    return (N, D, additive(LAW, N, D) * first), (N * shift, D * shift, arm * second)


def truth(name, C):
    """The factor at a compute of the arm."""
    lower = DESIGNS[name][3]
    if name.startswith("ladder"):
        # along D = 20 N: the base's D and N that reach the loss of the arm's
        N = np.sqrt(C / 120)
        sizes = N * np.geomspace(0.5, 3.0, 20_001)
        return float(np.interp(-additive(LAW, S * N, 20 * T * N), -additive(LAW, sizes, 20 * sizes), sizes) / N) ** 2
    if not lower:
        return S * T
    costs = C * np.geomspace(0.1, 30.0, 20_001)
    return float(np.interp(lower - optimal_split(LAW, S * T * C)[2], -optimal_split(LAW, costs)[2], costs) / C)


def one(name, seed, bootstrap=300):
    """Whether intervals hold the truth, the width of the factor's, and whether the tests reject."""
    found = compare_arms(*tables(name, seed), bootstrap=bootstrap, seed=seed)
    low, high = found["factor"]["interval"]
    (N, D), *_ = DESIGNS[name]
    middle = truth(name, float(np.exp(np.log(6 * N * D).mean())))
    row = found["by_C"][len(found["by_C"]) // 2]
    ends = [edge if edge is not None else bound for edge, bound in zip(row["interval"], (0.0, np.inf))]
    return {
        "factor": low <= middle <= high,
        "width": float(np.log(high / low)),
        "at_C": ends[0] <= truth(name, row["C"]) <= ends[1],
        "one_factor_rejected": not found["shared"]["holds"],
    }


def same(name, seed):
    """Whether two arms of one law are called different, by F and by swapping within pairs."""
    base, arm = tables(name, seed, 1.0, 1.0)
    found = compare_arms(base, arm, bootstrap=100, seed=seed)["difference"]
    by_swaps = found["p_permutation"]
    return {"F_rejects": found["p_value"] < 0.05, "swaps_reject": None if by_swaps is None else by_swaps < 0.05}


def study(name, n):
    """A row of the table."""
    rows = [one(name, seed) for seed in range(n)]
    equal = [same(name, 100_000 + seed) for seed in range(n)] if not DESIGNS[name][3] else []
    out = {"design": name, "n": n, "factor_coverage": np.mean([row["factor"] for row in rows])}
    out["at_C_coverage"] = np.mean([row["at_C"] for row in rows])
    out["width"] = float(np.exp(np.median([row["width"] for row in rows])))
    out["one_factor_rejected"] = np.mean([row["one_factor_rejected"] for row in rows])
    for key in ("F_rejects", "swaps_reject"):
        found = [row[key] for row in equal if row[key] is not None]
        out[key] = np.mean(found) if found else ""
    return {key: round(float(value), 4) if isinstance(value, float) else value for key, value in out.items()}


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=300, help="simulated pairs of tables a design")
    args = parser.parse_args()
    rows = []
    for name in DESIGNS:
        rows.append(study(name, args.n))
        print(rows[-1], flush=True)
    write_csv(HERE / "arms_study.csv", rows)


if __name__ == "__main__":
    main()
