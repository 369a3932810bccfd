"""Documents of fits whose best splits move with H as planted, with the rows of runs.csv behind them."""

import numpy as np

LINKS = ("identity", "power", "bounded", "free")
C = 6 * 4000.0 * 400_000.0


def sweep_of_splits(
    K=6, slope=4.0, slope_a=0.0, *, seed=0, H=None, error=0.1, error_a=0.02, scatter=0.05, bias=None, holdout=None
):
    """Rows and fits of K datasets: ln N_opt = 8.3 + slope (H - mean) + scatter + error, a likewise around .45.

    ``bias`` adds a slope of its own to ln N_opt by some links (or "isoflop"); ``holdout`` are their held-out errors.
    Each dataset's errors differ by up to a factor of four, and its covariances say so.
    """
    rng = np.random.default_rng(seed)
    H = np.linspace(0.35, 0.48, K) if H is None else np.asarray(H, dtype=np.float64)
    bias, holdout = bias or {}, holdout or {"identity": 0.4, "power": 0.39, "bounded": 0.2, "free": 0.21}
    rows, fits = [], []
    for k, h in enumerate(H - H.mean()):
        times = 2 ** rng.uniform(-1, 1)
        sd = times * np.array([error, error_a])
        truth = np.array([8.3 + slope * h + scatter * rng.normal(), 0.45 + slope_a * h])

        def split(kind, truth=truth, sd=sd, h=h):
            ln_N, a = truth + sd * rng.normal(size=2) + [bias.get(kind, 0.0) * h, 0.0]
            return {"C": C, "ln_N": float(ln_N), "a": float(a), "covariance": np.diag(sd**2).tolist(),
                    "intervals": {"ln_N": [ln_N - 2 * sd[0], ln_N + 2 * sd[0]], "a": [a - 2 * sd[1], a + 2 * sd[1]]},
                    "identified": True, "method": "planted"}  # fmt: skip

        links = {
            link: {"converged": True, "message": "converged", "split": split(link), "flags": [],
                   "n": 36, "error_of": "excess", "holdout": {"n": 5, "rms_log_error": holdout[link]}}
            for link in LINKS
        }  # fmt: skip
        fits.append(
            {"dataset": f"d{k}", "H": float(H[k]), "floor": float(1 + rng.uniform()), "unigram_entropy": 4 + 3 * h,
             "links": links, "isoflop": {"split": split("isoflop"), "note": ""}}
        )  # fmt: skip
        rows += [
            {"dataset": f"d{k}", "N": n, "D": d, "loss": 2.0, "status": "finished", "vocab_size": 301}
            for n in (1000.0, 16_000.0)
            for d in (100_000.0, 1_600_000.0)
        ]
    return rows, fits
