"""What may change after a finished sweep, and which rules notice it by themselves: keys, files, version integers."""

import copy
import os
from dataclasses import dataclass, field
from typing import get_args, get_origin

from pydantic import BaseModel

from ziplaw import versions
from ziplaw.sweep.config import SweepConfig, parse_config

# small enough to be made again for every case, with every kind of dataset in it
CONFIG = {
    "sweep": "try",
    "datasets": {
        "low": {"grammar": {"n_nonterminals": 3, "n_terminals": 60, "max_rhs_options": 40, "max_rhs_length": 3}},
        "hand": {"grammar_file": "hand {0}.txt"},
        "folder": {"import": {"path": "-texts {x}", "tokenizer": "bytes"}},
        "words": {"import": {"path": "words.txt", "tokenizer": "bpe:-words'.json"}},
        "stdlib": {"import": {"builtin": "code", "tokenizer": "bytes"}},
    },
    "models": {"m": {"hidden": 8, "layers": 1}},
    "budgets": [4096, 8192],
    "corpus": {"context": 64, "valid_documents": 16},
    "scoring": {"window": 64, "samples": 32},
    "references": ["code"],
    "presets": {"seeds": 1},
    "covariates": True,
    "training": {"device": "cpu"},
    "laws": {"bootstrap": 100},
}
GRAMMAR = "N0 -> '1' N1 [0.5] | '2' [0.5]\nN1 -> '3' [0.75] | '4' N0 [0.25]\n"
TEXT = "It was {} of the best of times, {} of the worst of times, and {} wrote it all down in {} lines.\n"

# rule -> the rules that read what it makes
FEEDS = {
    "make_grammar": "sample_corpus grammar_floor report",
    "sample_corpus": "score_corpus measure_covariates grammar_floor train_run collect_dataset",
    "import_corpus": "score_corpus measure_covariates train_run collect_dataset",
    "score_corpus": "collect_dataset regress_laws plot report",
    "score_reference": "plot report",
    "score_presets": "plot report",
    "measure_covariates": "all",
    "grammar_floor": "collect_dataset plot report",
    "train_run": "collect_dataset",
    "collect_dataset": "fit_law collect_runs",
    "collect_runs": "regress_laws plot report",
    "fit_law": "tabulate_fits regress_laws frontier plot report",
    "tabulate_fits": "plot report",
    "regress_laws": "frontier plot report",
    "frontier": "plot report",
    "plot": "report",
    "report": "provenance",
    "provenance": "all",
}
IMPORTED = ("folder", "words", "stdlib")


def _lines():
    return [TEXT.format(*(f"{n * k % 977}" for k in (1, 3, 7, 11))) for n in range(1, 1600)]


def _write_tokenizer(folder, size):
    from ziplaw.corpora.tokenizers import train_bpe

    train_bpe(_lines(), size).save(folder / "-words'.json")


def write_inputs(folder):
    """Write the files that CONFIG names."""
    (folder / "hand {0}.txt").write_text(GRAMMAR)
    lines = _lines()
    texts = folder / "-texts {x}"
    for n in range(12):
        part = texts / ("deep/er" if n % 3 else "")
        part.mkdir(parents=True, exist_ok=True)
        (part / f"{n}.txt").write_text("".join(lines[n * 100 : n * 100 + 100]))
    (folder / "words.txt").write_text("".join(lines) + "\n")
    (folder / "other.txt").write_text(GRAMMAR.replace("0.75", "0.5").replace("0.25", "0.5"))
    _write_tokenizer(folder, 300)


@dataclass
class Case:
    """A change, the rules that must notice it by themselves, and how many runs are trained again."""

    name: str
    noticed_by: set
    runs: int
    config: dict = field(default_factory=lambda: CONFIG)
    versions: dict = field(default_factory=dict)
    edit: object = None  # what it does to the folder


def closure(rules):
    """Return the rules and everything below them."""
    found, todo = set(), list(rules)
    while todo:
        rule = todo.pop()
        if rule not in found:
            found.add(rule)
            todo += FEEDS.get(rule, "").split()
    return found


def changed(path, value):
    """Return CONFIG with another value at a dotted path; None takes the key away."""
    config = copy.deepcopy(CONFIG)
    *place, key = path.split(".")
    part = config
    for name in place:
        part = part.setdefault(name, {})
    part.pop(key, None)
    if value is not None:
        part[key] = value
    return config


SHAPE = {"n_nonterminals": 4, "n_terminals": 60, "max_rhs_options": 9, "max_rhs_length": 3}
EVERY_CORPUS = "sample_corpus import_corpus"
# key of the config -> path in CONFIG, another value, the rules that notice (the report always does: it quotes the
# config), runs
KEYS = {
    "sweep": ("sweep", "another", " ".join(FEEDS), 5),
    "datasets.*.grammar": ("datasets.hand", {"grammar": SHAPE}, "make_grammar", 1),
    "datasets.*.grammar.n_nonterminals": ("datasets.low.grammar.n_nonterminals", 4, "make_grammar", 1),
    "datasets.*.grammar.n_terminals": ("datasets.low.grammar.n_terminals", 50, "make_grammar", 1),
    "datasets.*.grammar.max_rhs_options": ("datasets.low.grammar.max_rhs_options", 30, "make_grammar", 1),
    "datasets.*.grammar.max_rhs_length": ("datasets.low.grammar.max_rhs_length", 2, "make_grammar", 1),
    "datasets.*.grammar.seed": ("datasets.low.grammar.seed", 1, "make_grammar", 1),
    "datasets.*.grammar.supercritical": ("datasets.low.grammar.supercritical", "truncate", "make_grammar", 1),
    "datasets.*.seeds": ("datasets.low.seeds", [0, 1], "train_run", 1),
    "datasets.*.grammar_file": ("datasets.hand.grammar_file", "other.txt", "make_grammar", 1),
    "datasets.*.import": (
        "datasets.low",
        {"import": {"path": "words.txt", "tokenizer": "bytes"}},
        "import_corpus",
        1,
    ),
    "datasets.*.import.path": ("datasets.folder.import.path", "words.txt", "import_corpus", 1),
    "datasets.*.import.builtin": ("datasets.stdlib.import.builtin", "prose", "import_corpus", 1),
    "datasets.*.import.by": ("datasets.folder.import.by", "file", "import_corpus", 1),
    "datasets.*.import.field": ("datasets.folder.import.field", "body", "import_corpus", 1),
    "datasets.*.import.ext": ("datasets.folder.import.ext", ["txt"], "import_corpus", 1),
    "datasets.*.import.format": ("datasets.words.import.format", "text", "import_corpus", 1),
    "datasets.*.import.dtype": ("datasets.words.import.dtype", "uint8", "import_corpus", 1),
    "datasets.*.import.tokenizer": ("datasets.stdlib.import.tokenizer", "bundled", "import_corpus", 1),
    "models": ("models.n", {"hidden": 4, "layers": 1}, "train_run", 5),
    "models.*.architecture": ("models.m.architecture", "lstm", "train_run", 5),
    "models.*.hidden": ("models.m.hidden", 12, "train_run", 5),
    "models.*.layers": ("models.m.layers", 2, "train_run", 5),
    "models.*.heads": ("models.m.heads", 2, "train_run", 5),
    "models.*.learning_rate": ("models.m.learning_rate", 0.01, "train_run", 5),
    "budgets": ("budgets", [4096, 6144, 8192], "train_run", 5),
    "seeds": ("seeds", [0, 1], "train_run", 5),
    "corpus.context": ("corpus.context", 128, EVERY_CORPUS, 5),
    "corpus.documents": ("corpus.documents", 160, EVERY_CORPUS, 5),
    "corpus.valid_documents": ("corpus.valid_documents", 24, EVERY_CORPUS, 5),
    "corpus.seed": ("corpus.seed", 1, EVERY_CORPUS, 5),
    "scoring.window": ("scoring.window", 32, "score_corpus score_reference measure_covariates", 0),
    "scoring.samples": ("scoring.samples", 33, "score_corpus score_reference measure_covariates", 0),
    "references": ("references", ["prose"], "score_reference", 0),
    "presets": ("presets", None, "plot", 0),
    "presets.seeds": ("presets.seeds", 2, "score_presets", 0),
    "covariates": ("covariates", False, "", 0),
    "training.arm": ("training.arm", "tuned", "train_run", 5),
    "training.batch_documents": ("training.batch_documents", 8, "train_run", 5),
    "training.learning_rate": ("training.learning_rate", 0.01, "train_run", 5),
    "training.base_hidden": ("training.base_hidden", 16, "train_run", 5),
    "training.warmup_steps": ("training.warmup_steps", 3, "train_run", 5),
    "training.cooldown": ("training.cooldown", 0.3, "train_run", 5),
    "training.weight_decay": ("training.weight_decay", 0.1, "train_run", 5),
    "training.ensemble": ("training.ensemble", 5, "train_run", 1),
    "training.loss": ("training.loss", "paper", "train_run", 5),
    "training.device": ("training.device", "auto", "train_run", 5),
    "training.precision": ("training.precision", "fp32", "train_run", 5),
    "laws.cells": ("laws.cells", "all", "fit_law", 0),
    "laws.bootstrap": ("laws.bootstrap", 101, "fit_law", 0),
    "laws.level": ("laws.level", 0.9, "fit_law regress_laws", 0),
}
# datasets and models as a whole, and changes of keys above that go the other way
MORE = {
    "datasets: one added": ("datasets.more", {"grammar": SHAPE}, "make_grammar", 1),
    "datasets: one taken away": ("datasets.low", None, "collect_runs tabulate_fits measure_covariates", 0),
    "budgets: one added below": ("budgets", [2048, 4096, 8192], "train_run", 5),
    "budgets: the largest raised": ("budgets", [4096, 12288], EVERY_CORPUS, 5),
    "references: none": ("references", None, "plot", 0),
}
STAGES = {
    "GRAMMAR": ("make_grammar score_presets", 2),
    "SAMPLER": ("sample_corpus score_presets", 2),
    "SCORER": ("score_corpus score_reference score_presets", 0),
    "FLOOR": ("grammar_floor", 0),
    "COVARIATES": ("measure_covariates", 0),
    "TABLES": ("collect_dataset collect_runs tabulate_fits", 0),
    "TRAINER": ("train_run", 5),
    "FITTER": ("fit_law", 0),
    "REGRESSION": ("regress_laws frontier", 0),
    "FIGURES": ("plot", 0),
    "REPORT": ("", 0),
    "CORPUS": (f"{EVERY_CORPUS} score_reference", 5),
    "ANSWERS": ("", 0),  # of a study, when it is made again
    "PILOT": ("", 0),  # no part of a sweep, whose report says all versions
}


def _append(folder, name, text="1\n"):
    with open(folder / name, "a") as stream:
        stream.write(text)


def _swap_for_an_older_one(folder):
    path = folder / "-texts {x}" / "0.txt"
    text = path.read_text()
    path.write_text(text.replace("best", "rest"))
    os.utime(path, (1e9, 1e9))


def _from_the_future(folder):
    _append(folder, "words.txt")
    os.utime(folder / "words.txt", (4e9, 4e9))


def _touch_all(folder):
    for path in (folder / "hand {0}.txt", folder / "words.txt", *(folder / "-texts {x}").rglob("*.txt")):
        os.utime(path, (4e9, 4e9))


def _touch_core(folder):
    for path in (folder / "pkg" / "ziplaw").glob("_decoder*.so"):
        path.touch()


FILES = {
    "a grammar file edited": (lambda f: _append(f, "hand {0}.txt", "# more\n"), "make_grammar", 1),
    "a tokenizer file edited": (lambda f: _write_tokenizer(f, 290), "import_corpus", 1),
    "a file of an import edited": (lambda f: _append(f, "-texts {x}/deep/er/1.txt"), "import_corpus", 1),
    "a file of an import swapped for an older one of its size": (_swap_for_an_older_one, "import_corpus", 1),
    "a file added in a subfolder": (
        lambda f: _append(f, "-texts {x}/deep/new.txt", "word " * 2000),
        "import_corpus",
        1,
    ),
    "a file of an import removed": (lambda f: (f / "-texts {x}/deep/er/2.txt").unlink(), "import_corpus", 1),
    "a file of an import renamed": (
        lambda f: (f / "-texts {x}/3.txt").rename(f / "-texts {x}/deep/3.txt"),
        "import_corpus",
        1,
    ),
    "an imported file edited and dated in the future": (_from_the_future, "import_corpus", 1),
    "every file touched": (_touch_all, None, 0),
    "a compiled core touched": (_touch_core, None, 0),
    "a hidden file added": (lambda f: _append(f, "-texts {x}/.swp"), None, 0),
    "a comment in the config": (lambda f: _append(f, "try.yaml", "# more\n"), "", 0),
}


def cases():
    """Return every case."""
    found = [
        Case(name, {*rules.split(), "report"}, runs, config=changed(path, value))
        for name, (path, value, rules, runs) in (KEYS | MORE).items()
    ]
    found += [
        Case(
            f"versions.{name}",
            set() if rules is None else {*rules.split(), "report"},
            runs,
            versions={name: getattr(versions, name) + 1},
        )
        for name, (rules, runs) in STAGES.items()
    ]
    found += [
        Case(name, set() if rules is None else {*rules.split(), "report"}, runs, edit=edit)
        for name, (edit, rules, runs) in FILES.items()
    ]
    for case in found:
        parse_config(case.config)
    return found


def keys(model=SweepConfig, place=""):
    """Every key that a config may have, dotted, names of datasets and models as ``*``."""
    for name, part in model.model_fields.items():
        name = f"{place}{part.alias or name}"
        models = [
            x for x in (part.annotation, *get_args(part.annotation)) if isinstance(x, type) and issubclass(x, BaseModel)
        ]
        if not models:
            yield name
        elif get_origin(part.annotation) is dict:
            yield from keys(models[0], f"{name}.*.")
        else:
            yield from keys(models[0], f"{name}.")
