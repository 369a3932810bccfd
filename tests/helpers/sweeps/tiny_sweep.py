"""A whole sweep of the smallest kind, made by the verbs as the rules call them, in this process and in seconds."""

import contextlib
import os
from pathlib import Path

import yaml
from verbs import run

from ziplaw import versions
from ziplaw.base.checksums import write_checksums
from ziplaw.report import figures

CONFIG = {
    "sweep": "try",
    "datasets": {
        "low": {"grammar": {"n_nonterminals": 3, "n_terminals": 60, "max_rhs_options": 40, "max_rhs_length": 3}},
        "high": {"grammar": {"n_nonterminals": 10, "n_terminals": 60, "max_rhs_options": 6, "max_rhs_length": 8}},
    },
    "models": {"h4": {"hidden": 4, "layers": 1}, "h8": {"hidden": 8, "layers": 1}},
    "budgets": [1024, 2048, 4096],
    "corpus": {"context": 64, "documents": 64, "valid_documents": 8},
    "scoring": {"window": 64, "samples": 32},
    "references": [],
    "presets": {"seeds": 1},
    "training": {"device": "cpu"},
    "laws": {"bootstrap": 100},
}
FOLDER = "results/try"
# figures that are drawn; the others are stubs with checksums
DRAWN = ("training_curves", "frontiers")


@contextlib.contextmanager
def working_in(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def build(house):
    """Make results/try in a folder, and its config try.yaml beside; return the house."""
    (house / "try.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    with working_in(house):
        for name in CONFIG["datasets"]:
            dataset(name)
        tables([*CONFIG["datasets"]])
    return house


def dataset(name):
    """Everything of one dataset, from its grammar to its law."""
    shape = CONFIG["datasets"][name]["grammar"]
    at = {kind: f"{FOLDER}/{kind}/{name}" for kind in ("grammars", "corpora", "scores", "floors", "runs", "fits")}
    grammar, corpus = f"{at['grammars']}.json", at["corpora"]
    given = {"nonterminals": "n_nonterminals", "terminals": "n_terminals", "rhs-options": "max_rhs_options",
             "rhs-length": "max_rhs_length"}  # fmt: skip
    run("grammar", "new", "-o", grammar, *(w for option, key in given.items() for w in (f"--{option}", shape[key])))
    run("sample", grammar, "--documents", 64, "--valid-documents", 8, "--context", 64, "-o", corpus)
    run("score", corpus, "--dataset", name, "--window", 64, "--samples", 32, "-o", f"{at['scores']}.json")
    run("floor", grammar, "--corpus", corpus, "--dataset", name, "-o", f"{at['floors']}.json")
    for model, shape in CONFIG["models"].items():
        sizes = ("--hidden", shape["hidden"], "--layers", shape["layers"], "--device", "cpu")
        run("train", corpus, *sizes, "--budgets", "1024,2048,4096", "-o", f"{at['runs']}/{model}/s0")
    collect(name)
    fit(name)


def collect(name):
    runs = [f"{FOLDER}/runs/{name}/{model}/s0/run.json" for model in CONFIG["models"]]
    beside = ("--corpus", f"{FOLDER}/corpora/{name}", "--score", f"{FOLDER}/scores/{name}.json")
    floor = ("--floor", f"{FOLDER}/floors/{name}.json")
    return run("collect", *runs, *beside, *floor, "-o", f"{FOLDER}/runs/{name}/runs.csv", "--checksums")


def fit(name):
    to = ("--dataset", name, "--bootstrap", 100, "-o", f"{FOLDER}/fits/{name}.json", "--checksums")
    return run("fit", f"{FOLDER}/runs/{name}/runs.csv", *to)


def tables(names):
    """What is made of all datasets."""
    fits = [f"{FOLDER}/fits/{name}.json" for name in names]
    run("collect", *(f"{FOLDER}/runs/{name}/runs.csv" for name in names), "-o", f"{FOLDER}/runs.csv", "--checksums")
    run("fits-table", *fits, "-o", f"{FOLDER}/fits.csv", "--links", f"{FOLDER}/links.csv", "--checksums")
    run("regress", "--runs", f"{FOLDER}/runs.csv", "--fits", *fits, "-o", f"{FOLDER}/regression.json",
        "--claims", f"{FOLDER}/claims.csv", "--bootstrap", 0, "--checksums")  # fmt: skip
    run("frontier", "--regression", f"{FOLDER}/regression.json", "--fits", *fits, "-o", f"{FOLDER}/frontier.csv",
        "--checksums")  # fmt: skip
    run("presets", "--seeds", 1, "--group", "main", "--documents", 2, "-o", f"{FOLDER}/presets.csv", "--checksums")
    for figure in figures.drawn_from(["runs", "scores", "laws", "presets"]):
        if figure in DRAWN:
            run("plot", figure, "--sweep-dir", FOLDER, "--checksums")
        else:
            stub = [Path(FOLDER, "figures", f"{figure}.{end}") for end in ("svg", "csv")]
            stub[0].parent.mkdir(exist_ok=True)
            stub[0].write_text("<svg width='3pt'/>\n")
            stub[1].write_text("x,y\n1,2\n")
            write_checksums(stub, [], "FIGURES", versions.FIGURES)
    run("report", "--sweep-dir", FOLDER, "--config", "try.yaml", "--checksums")
    run("provenance", FOLDER, "--config", "try.yaml")
