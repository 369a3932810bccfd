"""A complete sweep folder from planted laws, for tests of figures and the report: real schemas, invented numbers.

Everything past the training runs is made by the project's own code (tables, fits, regression, claims, frontier), so
the files cannot drift from their schemas.

    python tests/helpers/sweeps/synthetic_sweep.py /tmp/sweep        to look at figures by hand
"""

import importlib
import math
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import read_csv, read_json, sha256_file, write_csv, write_json
from ziplaw.laws.dependence import claims as judged
from ziplaw.laws.dependence import regress as regression
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.laws.plans import frontier as frontiers
from ziplaw.report.figures import FIGURES
from ziplaw.sweep import fits_table, links_table, runs_table
from ziplaw.tables.declared import CLAIMS, FITS, FRONTIER, LINKS, RUNS

NAMES = ("syn-a", "syn-b", "syn-c", "syn-d", "syn-e", "syn-f")
WIDTHS = (6, 8, 12, 16, 24, 32)
BUDGETS = tuple(1024 * 2**k for k in range(6, 12))
CONTEXT, VOCAB = 256, 301


def planted(H):
    """The law behind a dataset of compressibility H: alpha falls with H, so a rises."""
    alpha, beta = 0.55 - 1.0 * (H - 0.42), 0.42 + 0.3 * (H - 0.42)
    return {
        "E": 1.9 - 6 * (H - 0.36),
        "alpha": alpha,
        "beta": beta,
        "A": 1.4 * 750**alpha,
        "B": 1.1 * 65536**beta,
    }


def loss(law, N, D):
    return law["E"] + law["A"] / N ** law["alpha"] + law["B"] / D ** law["beta"]


def build(
    folder,
    names=NAMES,
    *,
    seeds=(0,),
    widths=WIDTHS,
    budgets=BUDGETS,
    floors=True,
    references=True,
    presets=True,
    noise=0.004,
    shrink=1.0,
    diverged=(),
    bootstrap=100,
    law=planted,
    level=0.95,
    models=None,
    links=("identity", "bounded"),
    of=loss,
):
    """Write a sweep folder and return its path.

    ``links`` are those that are fitted, not all for the sake of time; ``of(law, N, D)`` is the loss of a law.

    ``floors=False`` makes datasets that were imported, names say which are grammars; ``shrink`` scales the reducible
    loss (0.01: saturated); ``models`` names the model of a width other than h<width>; ``diverged`` names (dataset,
    width) pairs, or a dataset as a whole, whose runs diverge half way.
    """
    folder = Path(folder)
    rng = np.random.default_rng(7)
    spread = np.linspace(0.36, 0.48, max(len(names), 2))
    rows, fits = [], []
    for index, name in enumerate(names):
        H = float(spread[index])
        true = law(H)
        true |= {"A": true["A"] * shrink, "B": true["B"] * shrink}
        known = name in floors if isinstance(floors, tuple) else floors
        _dataset(folder, name, H, true, index, known, rng)
        for width in widths:
            for seed in seeds:
                lost = name in diverged or (name, width) in diverged
                where = folder / "runs" / name / (models or {}).get(width, f"h{width}") / f"s{seed}"
                _run(folder, where, name, width, seed, true, budgets, noise, lost, rng, of)
        part = _collect(folder, name, known)
        rows += part
        fits.append(fit_dataset(part, bootstrap=bootstrap, level=level, links=links))
        write_json(folder / "fits" / f"{name}.json", fits[-1], kind="fit")
    if references:
        for name, value, tokenizer in (
            ("code", 0.44, "bundled"),
            ("code.bytes", 0.23, "bytes"),
            ("prose", 0.49, "bundled"),
            ("prose.bytes", 0.25, "bytes"),
        ):
            write_json(folder / "scores" / f"{name}.json", _score(name, value, rng, tokenizer), kind="score")
    RUNS.write(folder / "runs.csv", rows)
    _tabulate(folder, names)
    fits = [read_json(folder / "fits" / f"{name}.json", "fit") for name in names]
    document = regression.regress(rows, fits, bootstrap=0, level=level)
    write_json(folder / "regression.json", document, kind="regression")
    CLAIMS.write(folder / "claims.csv", judged.claims(document, *regression.evidence(rows, fits)))
    FRONTIER.write(folder / "frontier.csv", frontiers.frontier(document, fits))
    if presets:
        write_csv(folder / "presets.csv", _presets(rng))
    return folder


def _dataset(folder, name, H, law, index, floors, rng):
    write_json(folder / "scores" / f"{name}.json", _score(name, H, rng, corpus=_sha(index)), kind="score")
    meta = {
        "vocab_size": VOCAB,
        "context": CONTEXT,
        "n_train": 8192,
        "n_valid": 256,
        "dtype": "uint16",
        "sha256_train": _sha(index),
        "sha256_valid": f"{index + 99:064x}",
        "unigram_entropy": law["E"] + 3.4,
        "token_bytes": None,
        "source": {"kind": "grammar", "seed": 0, "grammar_sha256": _sha(index)},
    }
    write_json(folder / "corpora" / name / "meta.json", meta, kind="corpus")
    if not floors:
        return
    shape = {"n_nonterminals": 3 + 20 * index, "n_terminals": 300, "max_rhs_options": 40, "max_rhs_length": 5}
    grammar = {
        "n_nonterminals": shape["n_nonterminals"],
        "n_terminals": 300,
        "start": "uniform",
        "productions": ["N0 -> '1' [1.0]"],
        "provenance": {**shape, "seed": index, "sub_seed": 0, "supercritical": "redraw", "rho_m": 0.4, "rho_lc": 0.1},
    }
    write_json(folder / "grammars" / f"{name}.json", grammar, kind="grammar")
    floor = {
        "dataset": name,
        "floor": law["E"],
        "stderr": 0.005,
        "n_documents": 256,
        "context": CONTEXT,
        "documents": "valid",
        "entropy_rate": law["E"] - 0.02,
        "expected_sentence_length": 12.0,
        "rho_m": 0.4,
        "rho_lc": 0.1,
        "grammar_sha256": _sha(index),
    }
    write_json(folder / "floors" / f"{name}.json", floor, kind="floor")


def _sha(index):
    return f"{index:064x}"


def _score(name, H, rng, tokenizer=None, corpus=None):
    sizes = np.clip(np.round(1024 * (H + 0.02 * rng.standard_normal(1000))), 40, 1100).astype(int)
    sizes = np.concatenate([sizes[:-1], [round(1024 * H)]])
    ratio = sizes / 1024
    quantiles = {f"q{q:02d}": float(np.quantile(ratio, q / 100)) for q in (5, 25, 50, 75, 95)}
    document = {
        "dataset": name,
        "H": quantiles["q50"],
        "mean": float(ratio.mean()),
        "std": float(ratio.std()),
        **quantiles,
        "n": len(sizes),
        "window": CONTEXT,
        "encoding": ">i4",
        "level": 9,
        "zlib": "1.2.13",
        "raw_bytes": 1024,
        "sizes": sizes,
        "tokens": 2_000_000,
        "bytes_per_token": {"bundled": 3.6, "bytes": 1.0}.get(tokenizer),
        "tokenizer": tokenizer,
        "source": {"kind": "builtin" if tokenizer else "corpus", "name": name, "sha256_train": corpus},
    }
    if tokenizer:
        document |= {"reference": True, "bytes_H": 0.42, "bytes_window": 1024, "vocab_size": 8192}
    return document


def _run(folder, where, name, width, seed, law, budgets, noise, lost, rng, of=loss):
    N = 2 * (4 * width**2 + 3 * width * 2 * width) + 5 * width
    points, curve = [], []
    last = budgets[len(budgets) // 2]
    for budget in budgets:
        value = of(law, N, budget) * math.exp(noise * rng.standard_normal())
        value = max(value, law["E"] + 1e-3)
        gone = lost and budget >= last
        C = 6 * (N + VOCAB * width) * budget
        point = {"budget": budget, "D": budget, "C": C, "C_6nd": 6 * N * budget, "step": budget // 1024}
        point |= {"loss": None if gone else value, "loss_stderr": None if gone else 0.015}
        point |= {"train_loss": None if gone else value + 0.01}
        points.append(point)
        keys = ("D", "C", "C_6nd", "loss", "loss_stderr", "train_loss")
        curve.append(
            {"kind": "point", "budget": budget, "step": point["step"], "tokens": budget}
            | {key: point[key] for key in keys}
        )
    for tokens in np.geomspace(20480, budgets[-1], 60):
        if lost and tokens >= last:
            break
        train = min(of(law, N, tokens) * 1.05, law["E"] + 3.4) * math.exp(0.01 * rng.standard_normal())
        curve.append({"kind": "log", "step": int(tokens) // 1024, "tokens": int(tokens), "train_loss": train})
    columns = (
        "kind budget step tokens learning_rate train_loss grad_norm grad_norm_max spikes loss loss_stderr D C C_6nd"
    )
    write_csv(where / "curve.csv", curve, columns.split())
    run = {
        "arm": "mup",
        "seed": seed,
        "model": {
            "hidden": width,
            "layers": 2,
            "heads": 1,
            "intermediate": 2 * width,
            "vocab_size": VOCAB,
            "context": CONTEXT,
        },
        "N": N,
        "N_total": N + 2 * VOCAB * width,
        "training": {"learning_rate": 0.02, "batch_documents": 4},
        "corpus_sha256": read_json(folder / "corpora" / name / "meta.json")["sha256_train"],
        "curve_sha256": sha256_file(where / "curve.csv"),
        "status": "diverged" if lost else "finished",
        "points": points,
        "versions": {"ziplaw_trainer": 2},
        "execution": {"device": "cpu", "step": "compiled"},
    }
    write_json(where / "run.json", run, kind="run")


def _collect(folder, name, floors):
    return runs_table.run_rows(
        sorted((folder / "runs" / name).glob("*/*/run.json")),
        corpus_meta=folder / "corpora" / name / "meta.json",
        score=folder / "scores" / f"{name}.json",
        floor=folder / "floors" / f"{name}.json" if floors else None,
    )


def _tabulate(folder, names):
    rows = fits_table.fits_rows(folder / "fits" / f"{name}.json" for name in names)
    FITS.write(folder / "fits.csv", rows)
    rows = links_table.links_rows(folder / "fits" / f"{name}.json" for name in names)
    LINKS.write(folder / "links.csv", rows)


def _presets(rng):
    shapes = [
        ("main", 0.11),
        ("main", 0.22),
        ("main", 0.35),
        ("main", 0.61),
        ("vocabulary", 0.36),
        ("vocabulary", None),
        ("compressibility", 0.34),
    ]
    rows = []
    for index, (group, paper) in enumerate(shapes):
        values = (paper or 0.55) + 0.01 * rng.standard_normal(5)
        for seed, H in enumerate(values):
            rows.append(
                {
                    "preset": f"{group}-{index + 1}",
                    "group": group,
                    "n_nonterminals": 10,
                    "n_terminals": 300,
                    "max_rhs_options": 5,
                    "max_rhs_length": 3,
                    "seed": seed,
                    "sub_seed": seed,
                    "H": float(H),
                    "H_mean": float(values.mean()),
                    "H_std": float(values.std(ddof=1)),
                    "paper_H": paper,
                    "rho_m": 0.3,
                    "rho_lc": 0.1,
                    "truncated": paper is None,
                }
            )
    return rows


def stub_figures(folder, content="<svg width='3pt'/>"):
    """Put an empty image for every figure into a sweep: a report takes those that are there and draws the others."""
    for kind in FIGURES:
        (folder / "figures").mkdir(exist_ok=True)
        (folder / "figures" / f"{kind}.svg").write_text(content)


def rows_of(folder, kind):
    """The rows of the CSV beside a figure drawn into a folder."""
    return read_csv(folder / f"{kind}.csv")


def words_of(kind, folder, monkeypatch):
    """Everything that a figure of a sweep writes."""
    from matplotlib.text import Text

    from ziplaw.report.figures.style import style
    from ziplaw.sweep.folder import Sweep

    found = []
    module = importlib.import_module(f"ziplaw.report.figures.{FIGURES[kind].module}")
    monkeypatch.setattr(module, "save", lambda made, *rest: found.extend(t.get_text() for t in made.findobj(Text)))
    with style():
        FIGURES[kind].draw(Sweep(folder), None)
    return " ".join(" ".join(found).split())


if __name__ == "__main__":
    print(build(sys.argv[1]))
