"""Coverage of the intervals of laws under each link, with the right link and with a wrong one, by simulation.

    python tests/verification/studies/links/link_study.py

fits tables simulated from planted laws (6 x 6 sizes and budgets of laptop models), asks each method for all its
intervals, and counts how often they hold the truth. A law of each link is planted: the identity, a power, bounded, and
one that is none of these (``SATURATING``), of which the free link knows no more than that it rises. Every simulation is
a line of --log as soon as it is done: a study that was stopped goes on where it was. Writes
tests/verification/studies/links/link_study.csv, from which ``page.py`` makes the tables of docs/validation.md; the slow
tests run the same functions.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from ziplaw.base.documents import progress, read_csv, write_csv
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.allocation import exponents, split
from ziplaw.laws.forms.links import linked
from ziplaw.laws.intervals.choose import default_method

HERE = Path(__file__).parent
REFITS = 200
METHODS = ("case", "delta", "sandwich")
SIZES, BUDGETS = np.geomspace(1e3, 1e5, 6), np.geomspace(3e4, 3e6, 6)
E, U = 1.2, 5.0
AT = {"C": 60 * SIZES[-1] * BUDGETS[-1], "N": 2 * SIZES[-1], "D": 2 * BUDGETS[-1]}
# E, A, B, alpha, beta and k, U: the terms of 30/N^.4 + 300/D^.45 to the power 1/k, so that all four lie near each other
_INDEX = {k: [E, 30 ** (1 / k), 300 ** (1 / k), 0.40 / k, 0.45 / k] for k in (0.6, 0.8, 1.0)}
PLANTED = {
    "identity": np.array(_INDEX[1.0]),
    "power": np.array([*_INDEX[0.6], 0.6]),
    "bounded": np.array([*_INDEX[0.8], 0.8, U]),
    "saturating": np.array([*_INDEX[0.8], 0.8, U]),
}
# how a table is fitted: E (and U) free by default, as ``ziplaw fit`` does; all cells at the floor, as a sweep does
FITTED = {
    "all free": {"noise": 0.01, "choices": {}},
    "at the floor": {"noise": 0.03, "choices": {"E": E, "excess": True, "objective": "log-mse"}},
}


def _scenarios():
    right = [(link, link) for link in ("identity", "power", "bounded")] + [("saturating", "free")]
    floor = ["identity", "power", "free"]
    wrong = [("bounded", link, "at the floor") for link in floor]
    wrong += [("identity", "bounded", "all free"), ("identity", "free", "at the floor")]
    wrong += [("saturating", link, "at the floor") for link in ("identity", "bounded")]
    out = {}
    for how in FITTED:
        for truth, link in right:
            out[f"{truth}, fitted as {link}, {how}"] = {"truth": truth, "link": link, "how": how}
    for truth, link in (("bounded", "bounded"), ("bounded", "identity"), ("saturating", "free")):
        name = f"{truth}, fitted as {link}, at the floor, 6 runs share an error"
        out[name] = {"truth": truth, "link": link, "how": "at the floor", "shared": 0.03, "methods": ("jackknife",)}
    for truth, link, how in wrong:
        out[f"{truth}, fitted as {link}, {how}"] = {"truth": truth, "link": link, "how": how, "methods": (None,)}
    return out


SCENARIOS = _scenarios()


def is_right(truth, link):
    """Whether a planted law is one of those that a link can be."""
    return link in (truth, "free") or truth == "identity"


def planted_loss(truth, N, D):
    """Loss (n,) of a planted law."""
    p = PLANTED[truth]
    if truth != "saturating":
        return linked(truth).loss_at(p, N, D)
    _, A, B, alpha, beta, k, _ = p
    z = np.logaddexp(np.log(A) - alpha * np.log(N), np.log(B) - beta * np.log(D))
    return E - (U - E) * np.expm1(-np.exp(k * z) / (U - E))


def truths(truth, link):
    """True value of everything that an interval is asked for; of parameters where the link is the planted one."""
    p = PLANTED[truth]
    form = linked("bounded" if truth == "saturating" else truth)
    a, b, _ = (float(v) for v in exponents(p, form))
    N, D = (float(v) for v in split(p, AT["C"], form))
    out = {"a": a, "b": b, "N_opt": N, "D_opt": D, "loss_opt": float(planted_loss(truth, N, D)),
           "loss": float(planted_loss(truth, AT["N"], AT["D"]))}  # fmt: skip
    return out | (dict(zip(form.parameters, p.tolist())) if truth == link else {})


def simulate(seed, truth, how, shared=0.0):
    """N, D and loss (36,) of one simulated table: noise in log loss, or in the log of its excess over the floor.

    ``shared`` is the standard deviation of an error that all points of a size have in common.
    """
    rng = np.random.default_rng(seed)
    N, D = np.repeat(SIZES, len(BUDGETS)), np.tile(BUDGETS, len(SIZES))
    floor = E if FITTED[how]["choices"].get("excess") else 0.0
    error = FITTED[how]["noise"] * rng.normal(size=N.size) + shared * np.repeat(rng.normal(size=len(SIZES)), 6)
    return N, D, floor + (planted_loss(truth, N, D) - floor) * np.exp(error)


def fit_simulated(seed, truth, link, how, shared=0.0):
    """Fit one simulated table."""
    choices = dict(FITTED[how]["choices"])
    if choices.get("excess") and link == "bounded":
        choices["U"] = U
    return fit_link(*simulate(seed, truth, how, shared), link=link, units="keep", **choices)


def one(seed, *, truth, link, how, methods=METHODS, refits=REFITS, shared=0.0):
    """Fit one simulated table: whether each method's intervals held the truth, and estimates of a and ln N_opt."""
    fitted = fit_simulated(seed, truth, link, how, shared)
    true = truths(truth, link)
    covered = {}
    for method in methods:
        clusters = np.repeat(np.arange(len(SIZES)), len(BUDGETS)) if method == "jackknife" else None
        found = fitted.intervals(method, n=refits, seed=seed, clusters=clusters, **AT)
        held = set(fitted.view.held())
        covered[method or default_method(None, fitted.view)] = {
            name: bool(found[name][0] <= value <= found[name][1])
            for name, value in true.items()
            # a loss that the law says nothing about is not held, but not told
            if name in found and name not in held and not (name.startswith("loss") and np.isinf(found[name][1]))
        }
    ln_N, a = fitted.split_at(AT["C"])
    return {"seed": seed, "a": a - true["a"], "ln_N": ln_N - np.log(true["N_opt"]), "covered": covered,
            "flags": list(fitted.flags)}  # fmt: skip


def rates(results):
    """Share of intervals that cover: method -> quantity -> rate."""
    hits = {}
    for result in results:
        for method, inside in result["covered"].items():
            for name, value in inside.items():
                hits.setdefault(method, {}).setdefault(name, []).append(value)
    return {m: {n: float(np.mean(v)) for n, v in by.items()} for m, by in hits.items()}


def run(name, simulations, log=None, **changed):
    """Results of the first so many simulations of a scenario, those in the log taken from there."""
    scenario = {**SCENARIOS[name], **changed}
    done = {}
    if log and log.exists():
        lines = (json.loads(line) for line in log.read_text().splitlines())
        done = {line["seed"]: line for line in lines if line["scenario"] == name}
    for seed in progress(range(simulations), desc=name):
        if seed in done:
            continue
        done[seed] = one(seed, **scenario) | {"scenario": name}
        if log:
            with log.open("a") as file:
                file.write(json.dumps(done[seed]) + "\n")
    return [done[seed] for seed in range(simulations)]


def rows_of(name, results):
    """Rows of the CSV for one scenario: coverage of each interval, and how a and ln N_opt lie about the truth."""
    scenario, n = SCENARIOS[name], len(results)
    truth, link = scenario["truth"], scenario["link"]
    head = {"scenario": name, "truth": truth, "link": link, "how": scenario["how"], "right": is_right(truth, link)}
    rows = []
    for method, by in rates(results).items():
        for quantity, rate in by.items():
            error = float(np.sqrt(rate * (1 - rate) / n))
            rows.append({**head, "kind": "covers", "method": method, "quantity": quantity, "value": rate,
                         "mc_error": error, "simulations": n})  # fmt: skip
    for quantity in ("a", "ln_N"):
        off = np.array([result[quantity] for result in results])
        for kind, value in (
            ("median off by", np.median(off)),
            ("scatter", np.subtract(*np.quantile(off, [0.84, 0.16])) / 2),
        ):
            rows.append({**head, "kind": kind, "method": None, "quantity": quantity, "value": float(value),
                         "mc_error": None, "simulations": n})  # fmt: skip
    return rows


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--scenario", action="append", help="only this one; may be repeated")
    parser.add_argument("--log", type=Path, help="a file of finished simulations, to go on from")
    parser.add_argument("-o", "--output", default=str(HERE / "link_study.csv"))
    arguments = parser.parse_args()
    path = Path(arguments.output)
    rows = read_csv(path) if path.exists() else []
    for name in arguments.scenario or SCENARIOS:
        found = rows_of(name, run(name, arguments.simulations, arguments.log))
        rows = [row for row in rows if row["scenario"] != name] + found
        write_csv(path, sorted(rows, key=lambda row: list(SCENARIOS).index(row["scenario"])))
        print(name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
