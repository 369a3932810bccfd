"""The prior of published grids, and what plans with it are worth on budgets that they were not shown.

    python tests/verification/studies/plan_study.py --data ../shared/data

fits the published grids with the project's own fitter, writes their random-effects summary to
pkg/ziplaw/sweep/web_prior.json (the prior of ``ziplaw plan``) and tests/verification/studies/plan_study.csv, from which
``page.py`` makes a table of docs/validation.md. A minute on one core.

The rows: each isoFLOP grid's upper budgets, planned from the budgets below them and a prior made without that grid and
without every grid of its source. Regret is the loss at the planned N above the least, on the curve of the held-out
budget's own runs: a polynomial in ln N through ln loss whose degree, 2 to 4, errs least on runs left out one by one.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

from ziplaw.base.documents import read_csv, write_csv, write_json
from ziplaw.laws.plans.evidence.combined_plan import Prior, combined_plan
from ziplaw.laws.plans.evidence.gaussian_split import REFERENCE_C
from ziplaw.laws.plans.evidence.own_runs import own_runs
from ziplaw.laws.plans.evidence.published_grids import prior_of, summarise

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "pkg" / "ziplaw"
MOST_HELD_OUT = 2  # budgets, in the table of regret
LEAST_BELOW = 3  # budgets, that a plan is made from
DRAWS = 400  # of a held-out budget's curve
TOKENS_PER_PARAMETER = 20.0  # the rule of thumb that plans are held against
# the file, how to choose its rows, its columns of N, D and loss; and where it is from
GRIDS = {
    "chinchilla": ("chinchilla_points.csv", {}, ("N", "D", "loss"), "Hoffmann et al. 2022"),
    "gadre c4": ("gadre_models.csv", {"dataset_name": "c4_original"}, ("N_no_embed", "D", "loss_c4_val"),
                 "Gadre et al. 2024"),
    "gadre redpajama": ("gadre_models.csv", {"dataset_name": "rpj"}, ("N_no_embed", "D", "loss_c4_val"),
                        "Gadre et al. 2024"),
    "gadre refinedweb": ("gadre_models.csv", {"dataset_name": "rw_original"}, ("N_no_embed", "D", "loss_c4_val"),
                         "Gadre et al. 2024"),
    "llama 3": ("isoflops.csv", {"table": "llama_3"}, ("N", "D", "loss"), "Grattafiori et al. 2024"),
    "comma": ("isoflops.csv", {"table": "comma"}, ("N", "D", "loss"), "Open-Athena 2025"),
    "dclm": ("isoflops.csv", {"table": "dclm"}, ("N", "D", "loss"), "Open-Athena 2025"),
}  # fmt: skip
FROM = {
    "chinchilla_points.csv": ("https://github.com/kyo-takano/chinchilla", "Apache-2.0",
                              "read off a figure of arXiv 2203.15556"),
    "gadre_models.csv": ("https://github.com/mlfoundations/scaling", "MIT", "arXiv 2403.08540; N without embeddings, "
                         "loss on C4's validation set"),
    "isoflops.csv": ("https://github.com/Open-Athena/scaling-law-analysis", "not stated",
                     "isoFLOP runs; rows marked as outliers left out"),
}  # fmt: skip


def table(folder, name):
    """N, D, loss and nominal C (None where there is none) of a grid, each (n,)."""
    file, chosen, columns, _ = GRIDS[name]
    rows = [row for row in read_csv(folder / file) if all(row[key] == value for key, value in chosen.items())]
    rows = [row for row in rows if row.get("outlier") != "True" and row[columns[2]] is not None]
    N, D, loss = (np.array([row[key] for row in rows], dtype=float) for key in columns)
    return N, D, loss, np.array([row["C"] for row in rows], dtype=float) if file == "isoflops.csv" else None


def grid_of(folder, name):
    """The split of a grid, as the prior's file lists it."""
    N, D, loss, _ = table(folder, name)
    runs = own_runs(N, D, loss, seed=0)
    file, _, columns, source = GRIDS[name]
    url, licence, note = FROM[file]
    C = 6 * N * D
    here = runs.split.at(REFERENCE_C).to_dict()
    return here | {
        "name": name, "source": source, "url": url, "licence": licence, "note": note, "columns": list(columns),
        "n": len(N), "C_range": [float(C.min()), float(C.max())], "link": runs.link, "links": runs.links,
        "tokens_per_parameter": float(REFERENCE_C / 6 / np.exp(2 * here["ln_N"])),
    }  # fmt: skip


def H_of_web_text():
    """What web text's H is taken to be: that of the built-in prose, with the spread of its books."""
    from itertools import groupby

    from ziplaw.corpora.builtin import open_builtin
    from ziplaw.corpora.compress import compressibility
    from ziplaw.corpora.scoring import score_builtin
    from ziplaw.corpora.tokenizers import load_tokenizer

    score, tokenizer = score_builtin("prose"), load_tokenizer("bundled")
    books = []
    for _, pieces in groupby(open_builtin("prose").pieces(), key=lambda pair: pair[0][0]):
        ids = np.concatenate(tokenizer.encode([b"".join(piece for _, piece in pieces)]))
        if len(ids) >= 20 * score["window"]:
            books.append(compressibility(ids, score["window"], 200).median)
    keys = ("window", "encoding", "level", "tokenizer", "tokenizer_sha256")
    return {"value": score["H"], "sd": float(np.std(books, ddof=1)), "builtin": "prose"} | {
        key: score[key] for key in keys} | {
        "method": f"H of the built-in prose; sd: between {len(books)} of its books of 20 windows or more"
    }  # fmt: skip


def rounded(value):
    """Ten digits: the same file on every processor."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def web_prior(folder, H=None):
    """The content of web_prior.json."""
    grids = [grid_of(folder, name) for name in GRIDS]
    document = summarise(grids) | {"name": "web text", "grids": grids, "H": H}
    return rounded(document)


def curve(N, loss):
    """ln loss over ln N at one budget: fitted values of polynomials, the degree, noise of runs left out, redrawn fits.

    Returns
    -------
    at : callable
        ln N (m,) -> ln loss (m,) of the curve.
    drawn : callable
        ln N (m,) -> ln loss (DRAWS, m) of curves through tables redrawn from the residuals.
    degree, noise
        Of the polynomial, and the RMS by which it misses runs left out one by one.
    """
    x, y = np.log(N), np.log(loss)
    x0, tried = x.mean(), []
    for degree in (2, 3, 4):
        A = np.vander(x - x0, degree + 1)
        hat = A @ np.linalg.pinv(A)
        left = (y - hat @ y) / (1 - np.diag(hat))
        tried.append((float(np.sqrt((left**2).mean())), degree))
    noise, degree = min(tried)
    solve = np.linalg.pinv(np.vander(x - x0, degree + 1))
    p = solve @ y
    rest = y - np.polyval(p, x - x0)
    rest *= np.sqrt(len(x) / (len(x) - degree - 1))
    rng = np.random.default_rng(0)
    many = (solve @ (y[:, None] - rest[:, None] + rng.choice(rest, size=(len(x), DRAWS)))).T

    def at(where):
        return np.vander(np.asarray(where) - x0, degree + 1) @ p

    def drawn(where):
        return many @ np.vander(np.asarray(where) - x0, degree + 1).T

    return at, drawn, degree, noise


def measured(N, loss, planned):
    """Regret (share of the loss) of each N of ``planned``: on the curve, with its error, and above the best single run.

    ``N_best`` is where the curve is lowest, with an interval over redrawn curves; ``more`` the standard error of a
    plan's regret less the rule of thumb's.
    """
    at, drawn, degree, noise = curve(N, loss)
    x = np.linspace(np.log(N).min(), np.log(N).max(), 1001)
    names, asked = list(planned), np.log(list(planned.values()))
    least, where = at(x).min(), x[at(x).argmin()]
    many = drawn(x)
    ends = np.quantile(x[many.argmin(axis=1)], [0.025, 0.975])
    regrets = np.exp(drawn(asked) - many.min(axis=1)[:, None]) - 1
    order = np.argsort(N)
    sizes, first = np.unique(np.log(N[order]), return_index=True)
    between = PchipInterpolator(sizes, np.minimum.reduceat(loss[order], first), extrapolate=False)
    return {
        "N_best": float(np.exp(where)), "N_best_low": float(np.exp(ends[0])), "N_best_high": float(np.exp(ends[1])),
        "degree": degree, "noise": noise,
        "smooth": dict(zip(names, (np.exp(at(asked) - least) - 1).tolist())),
        "single": {name: float(between(v) / loss.min() - 1) for name, v in zip(names, asked)},
        "more": {name: float(np.std(r - regrets[:, names.index("twenty")])) for name, r in zip(names, regrets.T)},
    }  # fmt: skip


def held_out(folder, grids):
    """Yield a row for every isoFLOP grid and budget that has enough below it."""
    for name, (file, *_, source) in GRIDS.items():
        if file != "isoflops.csv":
            continue
        N, D, loss, C = table(folder, name)
        budgets = np.unique(C)
        for without, others in (
            ("grid", [grid for grid in grids if grid["name"] != name]),
            ("source", [grid for grid in grids if grid["source"] != source]),
        ):
            document = summarise(others)
            prior = Prior(prior_of(document), "published grids", document)
            for i in range(LEAST_BELOW, len(budgets)):
                # the top two are planned from the same runs below both
                top = i >= len(budgets) - MOST_HELD_OUT
                below = C < (budgets[-MOST_HELD_OUT] if top else budgets[i])
                runs = own_runs(N[below], D[below], loss[below], seed=0)
                yield _row(name, without, budgets[i], top, prior, runs, N[C == budgets[i]], loss[C == budgets[i]])


def _row(name, without, C, top, prior, runs, N, loss):
    plans = {
        "plan": combined_plan(C, prior=prior, runs=runs),
        "prior": combined_plan(C, prior=prior),
        "runs": combined_plan(C, prior=None, runs=runs),
    }
    at = {key: plan["N"] for key, plan in plans.items()} | {"twenty": float(np.sqrt(C / 6 / TOKENS_PER_PARAMETER))}
    found = measured(N, loss, at)
    row = {"grid": name, "prior_without": without, "C": float(C), "top": top, "n_below": runs.n, "link": runs.link}
    row |= {key: found[key] for key in ("N_best", "N_best_low", "N_best_high", "degree", "noise")}
    for key, n in at.items():
        row |= {f"N_{key}": n, f"regret_{key}": found["smooth"][key], f"regret_{key}_run": found["single"][key]}
    error = np.log(found["N_best_high"] / found["N_best_low"]) / (2 * 1.96)
    for key, plan in plans.items():
        low, high = plan["N_interval"]
        row |= {f"low_{key}": low, f"high_{key}": high, f"held_{key}": bool(low <= found["N_best"] <= high)}
        # the measured optimum has an error of its own
        both = 1.96 * np.hypot(np.log(high / low) / (2 * 1.96), error)
        row[f"agrees_{key}"] = bool(abs(np.log(plan["N"] / found["N_best"])) <= both)
        row[f"more_{key}_se"] = found["more"][key]
    return row


def main():
    """Write the prior and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[3] / "shared" / "data")
    parser.add_argument("--prior", default=str(PACKAGE / "sweep" / "web_prior.json"))
    parser.add_argument("-o", "--output", default=str(HERE / "plan_study.csv"))
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is no folder: the published tables of runs are not part of the project")
    document = web_prior(arguments.data, H_of_web_text())
    write_json(arguments.prior, document, kind="prior")
    rows = list(held_out(arguments.data, document["grids"]))
    write_csv(arguments.output, rounded(rows))
    show(rows)


def show(rows):
    """Print the table's summary."""
    for without in ("grid", "source"):
        some = [row for row in rows if row["prior_without"] == without]
        top = [row for row in some if row["top"]]
        for key in ("plan", "prior", "runs", "twenty"):
            line = [f"prior without the {without}, {key}:"]
            for kind in ("", "_run"):
                r = 100 * np.array([row[f"regret_{key}{kind}"] for row in top])
                line.append(f"median {np.median(r):.3f} % worst {r.max():.3f} %{' above the best run' if kind else ''}")
            if key != "twenty":
                for word in ("held", "agrees"):
                    line.append(f"{word} {sum(row[f'{word}_{key}'] for row in some)} of {len(some)}")
            print("; ".join(line), file=sys.stderr)


if __name__ == "__main__":
    main()
