"""How often a split is refused: on ordinary tables, where it should not be, and on tables that do not identify it.

    python tests/verification/studies/identification_study.py

Tables simulated from planted laws; the split asked for is that of ten times the largest C. Writes
tests/verification/studies/identification_study.csv (some minutes on one core), from which ``page.py`` makes a table \
of docs/validation.md.
"""

import argparse
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, write_csv
from ziplaw.laws.fits.fit import fit
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA, additive
from ziplaw.laws.intervals.identification import LEVEL, law_doubts, split_doubts

HERE = Path(__file__).parent
LAPTOP = np.array([1.2, 30.0, 300.0, 0.40, 0.45])
LARGE = CHINCHILLA.array
# first words of a reason -> its name in the table
REASONS = {
    "N and D move": "move together",
    "the optimum": "optimum outside",
    "the 95%": "wide band",
    "the best split": "wide band",
    "alpha": "exponent at a bound",
    "beta": "exponent at a bound",
    "A at": "exponent at a bound",
    "B at": "exponent at a bound",
    "few starts": "starts disagree",
}


def grid(sizes, budgets):
    """Every size at every budget."""
    return lambda rng: tuple(g.ravel() for g in np.meshgrid(sizes, budgets))


def scaling(sizes, budgets, share):
    """A grid of which only a share of the cells is in the scaling regime, as in the default sweep."""

    def draw(rng):
        N, D = grid(sizes, budgets)(rng)
        keep = rng.permutation(len(N))[: round(share * len(N))]
        return N[keep], D[keep]

    return draw


def isoflops(budgets, sizes, spread, shift=1.0):
    """Sizes of its own about the best one of every budget, all moved to one side by ``shift``."""

    def draw(rng):
        N = [optimal_split(LARGE, C)[0] * shift * np.geomspace(1 / spread, spread, sizes) for C in budgets]
        return np.concatenate(N), np.repeat(budgets, sizes) / (6 * np.concatenate(N))

    return draw


def cloud(rows):
    """Runs anywhere about the frontier, as in a published collection."""

    def draw(rng):
        C = 10 ** rng.uniform(18.5, 21.5, rows)
        N = optimal_split(LARGE, C)[0] * np.exp(0.8 * rng.normal(size=rows))
        return N, C / (6 * N)

    return draw


def ladders(ratios, jitter=0.0, power=1.0, rows=10):
    """Runs at fixed ratios D/N."""

    def draw(rng):
        N = np.tile(np.geomspace(7e7, 3e9, rows), len(ratios))
        D = np.repeat(ratios, rows) * N * (N / 1e9) ** (power - 1)
        return N, D * np.exp(jitter * rng.normal(size=len(N)))

    return draw


SMALL_N, SMALL_D = np.geomspace(750, 20_000, 6), np.geomspace(65_536, 2_097_152, 6)
BIG_N, BIG_D = np.geomspace(5e7, 1.6e10, 6), np.geomspace(1e9, 3e11, 6)
FIVE = (1e18, 3e18, 1e19, 3e19, 1e20)
DESIGNS = {  # name -> (should be refused, law, noise, design, options of the fit)
    "default sweep, 36 cells, 1 %": (False, LAPTOP, 0.01, grid(SMALL_N, SMALL_D), {"fixed_E": 1.2}),
    "default sweep, 70 % of the cells scale, 2 %": (False, LAPTOP, 0.02, scaling(SMALL_N, SMALL_D, 0.7),
                                                     {"fixed_E": 1.2}),
    "the same, E free, 1 %": (False, LAPTOP, 0.01, scaling(SMALL_N, SMALL_D, 0.7), {}),
    "large models, 6 x 6, 1 %": (False, LARGE, 0.01, grid(BIG_N, BIG_D), {}),
    "large models, 4 x 4, .5 %": (False, LARGE, 0.005, grid(BIG_N[:4], BIG_D[:4]), {}),
    "isoFLOP, 5 budgets of 5 sizes, .3 %": (False, LARGE, 0.003, isoflops(FIVE, 5, 4), {}),
    "isoFLOP, 9 budgets of 7 sizes, .5 %": (False, LARGE, 0.005, isoflops(np.geomspace(6e18, 3e21, 9), 7, 4), {}),
    "100 runs about the frontier, .5 %": (False, LARGE, 0.005, cloud(100), {}),
    "40 runs about the frontier, 1 %": (False, LARGE, 0.01, cloud(40), {}),
    "ladders at D = 10, 20 and 40 N, .3 %": (False, LARGE, 0.003, ladders((10, 20, 40)), {}),
    "one ladder, D = 20 N": (True, LARGE, 0.003, ladders((20,)), {}),
    "the same, alpha = beta forced": (True, LARGE, 0.003, ladders((20,)), {"tie": True}),
    "one ladder, D within 5 % of 20 N": (True, LARGE, 0.003, ladders((20,), 0.05), {}),
    "one ladder, D within 10 % of 20 N": (True, LARGE, 0.003, ladders((20,), 0.1), {}),
    "one ladder, D within 20 % of 20 N": (True, LARGE, 0.003, ladders((20,), 0.2), {}),
    "one ladder, D ~ N^1.2": (True, LARGE, 0.003, ladders((20,), 0.0, 1.2), {}),
    "one isoFLOP budget": (True, LARGE, 0.003, isoflops((1e20,), 9, 8), {}),
    "isoFLOP, all sizes 20 times too large": (True, LARGE, 0.003, isoflops(FIVE, 5, 3, 20), {}),
    "isoFLOP, all sizes 20 times too small": (True, LARGE, 0.003, isoflops(FIVE, 5, 3, 1 / 20), {}),
    "4 x 4 within a factor of two, 1 %": (True, LARGE, 0.01,
                                          grid(np.geomspace(1e9, 2e9, 4), np.geomspace(2e10, 4e10, 4)), {}),
    "3 x 3, 5 % noise": (True, LARGE, 0.05, grid(np.geomspace(5e7, 5e9, 3), np.geomspace(1e9, 1e11, 3)), {}),
    "6 x 6, 10 % noise": (True, LARGE, 0.10, grid(BIG_N, BIG_D), {}),
}  # fmt: skip


def one(name, seed):
    """One simulated table: the names of the reasons for a refusal, and log10 of N_opt over the true one."""
    _, law, noise, design, options = DESIGNS[name]
    rng = np.random.default_rng(seed)
    N, D = design(rng)
    fitted = fit(N, D, additive(law, N, D) * np.exp(noise * rng.normal(size=len(N))), units="keep", **options)
    C = 60 * float((N * D).max())
    draws = fitted.bootstrap(200, seed=seed)
    split = float(optimal_split(fitted.parameters, C)[0])
    doubts = law_doubts(fitted, draws.interval(LEVEL)) or split_doubts(C, split, draws.allocate(C, LEVEL)["N"])
    named = {
        next((named for words, named in REASONS.items() if doubt.reason.startswith(words)), doubt.reason.split(":")[0])
        for doubt in doubts
    }
    return named, float(np.log10(split / optimal_split(law, C)[0]))


def main():
    """Simulate every design and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("-o", "--output", default=str(HERE / "identification_study.csv"))
    arguments = parser.parse_args()
    rows = []
    for name in progress(DESIGNS):
        found = [one(name, seed) for seed in range(arguments.simulations)]
        kept = [abs(error) for named, error in found if not named]
        reasons = [reason for named, _ in found for reason in named]
        rows.append({
            "design": name,
            "should_refuse": DESIGNS[name][0],
            "refused": sum(bool(named) for named, _ in found) / len(found),
            "reasons": ", ".join(sorted(set(reasons), key=lambda reason: -reasons.count(reason))),
            "median_factor": 10 ** float(np.median([min(abs(error), 9) for _, error in found])),
            "kept_factor_q90": 10 ** float(np.quantile(kept, 0.9)) if kept else None,
            "simulations": len(found),
        })  # fmt: skip
    write_csv(arguments.output, rows)


if __name__ == "__main__":
    main()
