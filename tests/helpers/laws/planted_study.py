"""A study whose best splits move with chosen covariates as planted: design, runs, fits, in memory or as its folder.

    study = planted_study(effects={"H": 5.0}, effects_a={"floor": 0.02})        ln N_opt and a per unit of each

The loss is bounded between floor and unigram entropy: 1/(1/(U - E) + 1/x), x = A/N^alpha + B/D^beta. Fits are invented
about the planted splits (fast, all links; ``bias`` sets a link apart) or, with ``fitted=True``, made of the runs.
"""

import math

import numpy as np

from ziplaw.base.documents import write_csv, write_json
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.laws.forms.catalogue import LINKS
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import training_flops_per_token
from ziplaw.studies.measured import Study
from ziplaw.sweep.runs_table import regime
from ziplaw.tables.declared import DESIGN, RUNS

WIDTHS = (6, 8, 12, 16, 24, 32)
BUDGETS = tuple(65536 * 2**k for k in range(6))
C0 = 6 * 4000.0 * 400_000.0  # 6 N D, about the middle of the cells: where splits are planted
FAMILY = {"v": "varied", "f": "vocabulary", "h": "H"}
# about what they are measured from, so that an effect of one leaves ln N_opt where it is at a middling dataset
MIDDLE = {"H": 0.39, "floor": 1.4, "unigram_entropy": 4.7, "productions": 500, "vocab_size": 350, "sentence_length": 8}
MIDDLE_LN_N, MIDDLE_A = 8.3, 0.48


def planted_study(
    families=(("v", 5), ("f", 5), ("h", 2)),
    *,
    effects=None,
    effects_a=None,
    scatter=0.05,
    scatter_a=0.01,
    error=0.1,
    error_a=0.02,
    noise=0.004,
    seeds=2,
    bias=None,
    fitted=False,
    links=LINKS,
    bootstrap=20,
    seed=0,
):
    """Return a Study with so many datasets of each family in each half.

    ``scatter`` is that of datasets about the planted line, ``error`` the standard error of an invented split, ``noise``
    that of ln(loss - floor) from run to run; every third dataset has ``seeds`` seeds. ``bias`` adds a slope in H to the
    invented ln N_opt of some links (or "isoflop").
    """
    rng = np.random.default_rng(seed)
    design, runs, fits, covariates = [], [], [], {}
    for half in ("exploratory", "confirmatory"):
        for letter, count in families:
            for k, H in enumerate(_compressibilities(rng, letter, count)):
                row = _design_row(rng, half, letter, k, H, seeds)
                known = {name: row[name] for name in MIDDLE}
                away = {name: known[name] - MIDDLE[name] for name in MIDDLE}
                ln_N = MIDDLE_LN_N + sum(by * away[name] for name, by in (effects or {}).items())
                a = MIDDLE_A + sum(by * away[name] for name, by in (effects_a or {}).items())
                truth = np.array([ln_N, a]) + rng.normal(size=2) * [scatter, scatter_a]
                mine = _runs(rng, row, known, *truth, noise)
                design.append(row)
                runs += mine
                covariates[row["dataset"]] = known
                if fitted:
                    fits.append(fit_dataset(mine, bootstrap=bootstrap, links=links))
                else:
                    slopes = {kind: by * away["H"] for kind, by in (bias or {}).items()}
                    fits.append(_invented(rng, row, known, truth, (error, error_a), slopes))
    return Study(tuple(design), tuple(runs), tuple(fits), covariates)


def write_study(folder, study, extra=None):
    """Write a study's folder as ``read_study`` reads it; ``extra`` is dataset -> column -> value of covariates.csv."""
    DESIGN.write(folder / "design.csv", study.design)
    RUNS.write(folder / "runs.csv", study.runs)
    for fit in study.fits:
        write_json(folder / "fits" / f"{fit['dataset']}.json", fit, kind="fit")
    if extra:
        write_csv(folder / "covariates.csv", [{"dataset": name, **values} for name, values in extra.items()])
    return folder


def _compressibilities(rng, letter, count):
    return np.sort(rng.uniform(0.3, 0.5, count)) if letter != "h" else 0.395 + 0.002 * np.arange(count)


def _design_row(rng, half, letter, k, H, seeds):
    first = 100 * (half == "confirmatory") + 10 * "vfh".index(letter) + k + 1
    productions, vocab_size = int(rng.integers(370, 700)), 301 if letter != "v" else int(rng.integers(101, 1000))
    return {
        "dataset": f"{half[0]}{letter}{k + 1:02d}", "half": half, "family": FAMILY[letter],
        "training_seeds": " ".join(str(first + 1000 * s) for s in range(seeds if first % 3 == 0 else 1)),
        "n_nonterminals": 10, "n_terminals": vocab_size - 1, "max_rhs_options": 50, "max_rhs_length": 6,
        "seed": 1_000_000 + first, "H": float(H), "H_stderr": 0.001, "floor": float(rng.uniform(0.5, 2.3)),
        "floor_stderr": 0.002, "unigram_entropy": float(4.7 + 8 * (H - 0.39) + 0.3 * rng.normal()),
        "productions": productions, "vocab_size": vocab_size, "sentence_length": float(rng.uniform(4, 12)),
        "tokens_per_production_least": BUDGETS[0] / productions,
        "tokens_per_production_most": BUDGETS[-1] / productions,
    }  # fmt: skip


def law_with(ln_N, a, E, U, at=0.25, total=0.9):
    """A, B, alpha, beta whose best N at C0 and exponent a are these, where ``at`` of U - E is left to learn."""
    alpha, beta = (1 - a) * total, a * total
    N, D = math.exp(ln_N), C0 / 6 / math.exp(ln_N)
    x = (U - E) * at / (1 - at)
    return x * N**alpha * beta / total, x * D**beta * alpha / total, alpha, beta


def _runs(rng, row, known, ln_N, a, noise):
    E, U = known["floor"], known["unigram_entropy"]
    A, B, alpha, beta = law_with(ln_N, a, E, U)
    rows = []
    for width in WIDTHS:
        model = ModelConfig(hidden=width, layers=2, vocab_size=row["vocab_size"])
        counted, flops = count_params(model), training_flops_per_token(model)
        for seed in map(int, row["training_seeds"].split()):
            shared = noise * rng.normal()  # the cells of a run are not independent
            for D in BUDGETS:
                x = A / counted.N**alpha + B / D**beta
                excess = math.exp(shared + noise * rng.normal()) / (1 / (U - E) + 1 / x)
                rows.append({
                    "dataset": row["dataset"], "model": f"h{width}", "seed": seed, "arm": "mup",
                    "architecture": "llama", "hidden": width, "layers": 2, "vocab_size": row["vocab_size"],
                    "N": counted.N, "N_total": counted.N_total, "budget": D, "D": D, "C": flops * D,
                    "C_6nd": 6 * counted.N * D, "loss": E + excess, "loss_stderr": 0.01, "train_loss": E + excess,
                    "status": "finished", "floor": E, "floor_stderr": 0.002, "excess": excess, "unigram_entropy": U,
                    "reducible": excess / (U - E), "reducible_least": None, "regime": regime(excess / (U - E)),
                    "regime_basis": "floor", "H": known["H"], "H_std": 0.02, "valid_sources": 256,
                })  # fmt: skip
    return rows


def _invented(rng, row, known, truth, errors, slopes):
    sd = 2 ** rng.uniform(-0.5, 0.5) * np.array(errors)

    def split(kind):
        ln_N, a = truth + sd * rng.normal(size=2) + [slopes.get(kind, 0.0), 0.0]
        return {"C": C0, "ln_N": float(ln_N), "a": float(a), "covariance": np.diag(sd**2).tolist(),
                "intervals": {"ln_N": [ln_N - 2 * sd[0], ln_N + 2 * sd[0]], "a": [a - 2 * sd[1], a + 2 * sd[1]]},
                "identified": True, "method": "planted"}  # fmt: skip

    held = {"identity": 0.4, "power": 0.39, "bounded": 0.2, "free": 0.21}
    return {
        "dataset": row["dataset"], "H": known["H"], "floor": known["floor"],
        "unigram_entropy": known["unigram_entropy"],
        "links": {
            link: {"converged": True, "message": "converged", "split": split(link), "flags": [], "n": 36,
                   "error_of": "excess", "holdout": {"n": 5, "rms_log_error": held[link]}}
            for link in LINKS
        },
        "isoflop": {"split": split("isoflop"), "note": ""},
    }  # fmt: skip
