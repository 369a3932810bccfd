"""Sweeps with planted laws in H, as rows of runs.csv and documents of fits, shared by the tests of laws in H."""

from functools import cache

import numpy as np

from ziplaw.laws.dependence.regress import regress
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.sweep.runs_table import regime

SIZES = np.geomspace(750, 20_000, 5)
BUDGETS = np.geomspace(65_536, 2_097_152, 6)


def rows_of(name, H, floor, alpha, beta, rng, *, noise=0.01, sizes=(0.8, 0.8), vocab_size=301, budgets=BUDGETS):
    """Rows of runs.csv of one dataset whose law is planted; ``sizes`` are the terms of N and D at the grid's middle."""
    rows = []
    for n in SIZES:
        for d in budgets:
            loss = floor + sizes[0] / (n / 3900) ** alpha + sizes[1] / (d / 370_000) ** beta
            loss *= np.exp(noise * rng.normal())
            reducible = (loss - floor) / 3.4
            rows.append({
                "dataset": name, "model": f"n{n:.0f}", "seed": 0, "arm": "mup", "hidden": 8, "layers": 2,
                "vocab_size": vocab_size, "N": float(n), "N_total": float(2 * n), "budget": int(d), "D": float(d),
                "C": 7 * n * d, "C_6nd": 6 * n * d, "loss": float(loss), "loss_stderr": 0.01, "train_loss": float(loss),
                "status": "finished", "floor": floor, "floor_stderr": 0.004, "excess": float(loss - floor),
                "unigram_entropy": floor + 3.4, "reducible": float(reducible), "regime": regime(reducible), "H": H,
                "H_std": 0.02,
            })  # fmt: skip
    return rows


def sweep(K=5, slopes=(-3.0, -1.0), *, seed=0, noise=0.01, scatter=0.0, floor_slope=-5.0, H=None, **options):
    """Rows and fits of K datasets whose alpha and beta are linear in H (middle .5 and .6)."""
    rng = np.random.default_rng(seed)
    H = np.linspace(0.22, 0.48, K) if H is None else np.asarray(H)
    rows, fits = [], []
    for k, h in enumerate(H - H.mean()):
        alpha, beta = np.array([0.5, 0.6]) + np.array(slopes) * h + scatter * rng.normal(size=2)
        mine = {key: value[k] if isinstance(value, list) else value for key, value in options.items()}
        part = rows_of(
            f"d{k}", float(H[k]), float(np.exp(0.1 + floor_slope * h)), alpha, beta, rng, noise=noise, **mine
        )
        rows += part
        fits.append(fit_dataset(part, bootstrap=100))
    return rows, fits


@cache
def planted_sweep():
    """Rows and fits of five datasets with little noise; made once, so copy before a change."""
    return sweep(noise=0.003)


@cache
def planted_regression():
    """The content of regression.json of ``planted_sweep``."""
    return regress(*planted_sweep(), bootstrap=50)


GRAMMAR = {"window": 256, "encoding": ">i4", "level": 9, "tokenizer": None}


def score(dataset="d0", **changes):
    """What says how the H of a dataset was measured, as documents of kind score have it."""
    return {"dataset": dataset} | GRAMMAR | changes
