"""Sweeps of which a report must say different things: built from planted laws, some then changed file by file."""

import shutil

from synthetic_sweep import NAMES, build, planted

from ziplaw.base.documents import read_csv, read_json, sha256_file, write_csv, write_json
from ziplaw.report.sentences import registry
from ziplaw.sweep.default import DEFAULT


def scattered(H):
    """A law whose exponents jump between datasets without any order in H."""
    law = planted(0.42)
    alpha = law["alpha"] + 0.1 * (-1) ** round(1000 * H / 24)
    return law | {"alpha": alpha, "A": 1.4 * 750**alpha}


def bent(H):
    """A law whose E rises with H, hardly related to the exponents."""
    return planted(H) | {"E": 1.0 + 0.3 * ((1000 * H) % 2)}


def ended(law, N, D):
    """A loss of the law's index that ends at the unigram entropy, 3.4 nats above the floor."""
    excess = law["A"] / N ** law["alpha"] + law["B"] / D ** law["beta"]
    return law["E"] + 1 / (1 / 3.4 + excess**-2.5)


BUILT = {
    "planted": {},
    "bounded": {"names": NAMES[:2], "of": ended},
    "imports": {"names": NAMES[:4], "floors": False, "presets": False, "references": False},
    "mixed": {"names": NAMES[:4], "floors": NAMES[:2]},
    "one": {"names": ("only",), "references": False},
    "lost": {"names": ("z",), "diverged": ("z",), "budgets": (65536,)},
    "part lost": {"names": ("d1", "d2"), "diverged": (("d1", 32), "d2")},
    "saturated": {"names": ("s-1", "s-2"), "shrink": 0.01, "noise": 1e-4},
    "seeds": {"names": NAMES[:2], "seeds": (0, 1), "widths": (6, 12, 24)},
    "scattered": {"law": scattered},
    "noisy": {"names": NAMES[:4], "noise": 0.12},
    "level": {"names": NAMES[:4], "level": 0.9},
}


def _json(folder, name, kind, /, **changes):
    document = read_json(folder / name, kind)
    document.pop("sha256")
    changed = {key: value for key, value in (document | changes).items() if key not in ("sha256", "kind", "format")}
    write_json(folder / name, changed, kind=kind)


def _rows(folder, name, change):
    rows = read_csv(folder / name)
    for row in rows:
        row.update(change(row))
    write_csv(folder / name, rows)


def _bare(folder):
    for path in folder.iterdir():
        if path.name not in ("runs.csv", "runs"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _regression(**changes):
    return lambda folder: _json(folder, "regression.json", "regression", **changes)


def _p_joint(p, **more):
    def change(folder):
        test = read_json(folder / "regression.json")["joint_test"]
        _json(folder, "regression.json", "regression", joint_test=test | {"p_permutation": p} | more)

    return change


def _moving(*ways):
    """By these ways, and no other, the best N rises with H."""

    def change(folder):
        split = read_json(folder / "regression.json")["split"]
        for way, found in split["by"].items():
            p = 0.003 if way in ways else 0.5
            found["lines"]["ln_N"] |= {"slope": 5.0, "p_permutation": p, "per_tenth": 1.65, "per_tenth_ci": [1.2, 2.3]}
        split["multiplicity"]["primary"]["ln_N"]["p_holm"] = 0.006 if split["link"] in ways else 1.0
        _json(folder, "regression.json", "regression", split=split)

    return change


def _scores(*names, **changes):
    def change(folder):
        for name in names:
            _json(folder, f"scores/{name}.json", "score", **changes)

    return change


def _no_twins(folder):
    for name in ("code", "prose"):
        (folder / "scores" / f"{name}.bytes.json").unlink()


def _shipped(folder):
    """The same results under the name and with a grammar of the default sweep."""
    grammar = DEFAULT.datasets["g3x400"].grammar.model_dump()
    document = read_json(folder / "grammars" / "syn-a.json")
    made = document["provenance"] | grammar
    shape = {key: grammar[key] for key in ("n_nonterminals", "n_terminals")}
    _json(folder, "grammars/syn-a.json", "grammar", **shape, provenance=made)


def _floors_above(folder):
    _rows(folder, "runs.csv", lambda row: {"excess": -1.0} if row["dataset"] == "syn-a" else {})


def _huge(folder):
    _rows(folder, "runs.csv", lambda row: {"C_6nd": row["C_6nd"] * 1e11})
    _rows(folder, "frontier.csv", lambda row: {"C": row["C"] * 1e11})


def _links(*factors):
    """Best N of identity over that of bounded: these factors for the first datasets, 1 for the others."""

    def change(folder):
        rows = read_csv(folder / "links.csv")
        names = sorted({row["dataset"] for row in rows})
        for row in rows:
            far = dict(zip(names, factors)).get(row["dataset"], 1.0) if row["link"] == "identity" else 1.0
            row["N_opt"] = 4000.0 * far
        write_csv(folder / "links.csv", rows)

    return change


def _two_runs(folder):
    """Splits without an interval, as where too few runs can be left out."""
    for path in (folder / "fits").iterdir():
        fit = read_json(path)
        why = "3 runs, and leaving one out at a time needs 4"
        for link in fit["links"].values():
            link["split"] |= {"identified": False, "reason": why}
        _json(folder, f"fits/{path.name}", "fit", **fit)


def _architectures(folder):
    _rows(folder, "runs.csv", lambda row: {"architecture": "lstm" if row["hidden"] == 12 else "llama"})
    shutil.rmtree(folder / "fits")
    for name in ("fits.csv", "links.csv", "regression.json", "claims.csv", "frontier.csv"):
        (folder / name).unlink()


def _vocabularies(folder):
    _rows(folder, "runs.csv", lambda row: {"vocab_size": 301 if row["dataset"] == "syn-a" else 8192})


def _one_preset_seed(folder):
    write_csv(folder / "presets.csv", [r | {"H_std": None} for r in read_csv(folder / "presets.csv") if r["seed"] == 0])


def _branches(folder):
    for path in (folder / "runs").glob("*/*/*/curve.csv"):
        rows = read_csv(path)
        write_csv(path, [*rows, rows[-1] | {"kind": "branch", "budget": 65536}], list(rows[0]))
        _json(path.parent, "run.json", "run", curve_sha256=sha256_file(path))


def _crossed(folder):
    """The hierarchical law says that ln A rises, the two-stage regression that it falls; at the mean N it falls too."""
    document = read_json(folder / "regression.json")
    document["law"]["lines"]["ln_A"]["slope"] = 3.0
    document["law"]["lines"]["ln_A"]["at_centre"]["slope"] = -2.0
    document["two_stage"]["parameters"]["ln_A"]["slope"] = -4.0
    _json(folder, "regression.json", "regression", **document)


def _agreeing(folder):
    document = read_json(folder / "regression.json")
    for name in ("ln_A", "ln_B"):
        line = document["law"]["lines"][name]
        line["slope"] = line["at_centre"]["slope"] = document["two_stage"]["parameters"][name]["slope"] = -1.0
    _json(folder, "regression.json", "regression", **document)


def _holdout(error):
    def change(folder):
        for path in (folder / "fits").iterdir():
            fit = read_json(path)
            for body in filter(None, fit["variants"].values()):
                body["holdout"] = None if error is None else body["holdout"] | {"rms_log_error": error}
            _json(folder, f"fits/{path.name}", "fit", **fit)

    return change


def _inside(folder):
    """Every best split within what was measured."""
    _rows(folder, "frontier.csv", lambda row: {"N_opt": 5000.0, "D_opt": 500_000.0})


def _no_hand_drawn(folder):
    """Grammars that somebody wrote: no shape is known."""
    for path in (folder / "grammars").iterdir():
        _json(folder, f"grammars/{path.name}", "grammar", provenance={})


def _verdicts(verdict):
    return lambda folder: _rows(folder, "claims.csv", lambda row: {"verdict": verdict})


def _grammars_gone(folder):
    shutil.rmtree(folder / "grammars")


def _no_presets(folder):
    (folder / "presets.csv").unlink()


def _trunk_of_code(folder):
    _json(folder, "corpora/syn-a/meta.json", "corpus", source={"kind": "builtin", "name": "code", "tokenizer": "bytes"})


def _intervals(**intervals):
    def change(folder):
        for name, ends in intervals.items():
            _json(folder, f"scores/{name}.json", "score", H_interval=ends)

    return change


def _few_sources(folder):
    _intervals(**{"syn-a": [0.3, 0.4], "syn-b": [0.35, 0.45], "syn-c": [0.46, 0.47]})(folder)
    _rows(folder, "runs.csv", lambda row: {"valid_sources": 3 if row["dataset"] == "syn-b" else 200})


def _many_sources(folder):
    _intervals(**{"syn-a": [0.35, 0.36], "syn-b": [0.38, 0.39]})(folder)
    _rows(folder, "runs.csv", lambda row: {"valid_sources": 200})


def _executions(**by_width):
    """Runs of a width made in another way."""

    def change(folder):
        for path in (folder / "runs").glob("*/*/*/run.json"):
            run = read_json(path)
            if (width := f"h{run['model']['hidden']}") in by_width:
                _json(path.parent, path.name, "run", execution=by_width[width])

    return change


# name -> (the sweep it starts from, what is changed)
def _trainer_of_width(width, version):
    """Runs of a width by another version of the trainer."""

    def change(folder):
        for path in (folder / "runs").glob(f"*/h{width}/*/run.json"):
            _json(path.parent, path.name, "run", versions={"ziplaw_trainer": version})

    return change


CHANGED = {
    "bare": ("planted", _bare),
    "best N moves": ("planted", _moving("identity", "bounded", "isoflop")),
    "ways disagree": ("planted", _moving("bounded")),
    "links agree": ("planted", _links()),
    "links apart": ("planted", _links(2.0)),
    "seeds, no jackknife": ("seeds", _two_runs),
    "prose by bytes": ("planted", _scores("prose", tokenizer="bytes")),
    "prose by another file": ("planted", _scores("prose", tokenizer_sha256="ab" * 32)),
    "prose in other windows": ("planted", _scores("prose", window=1000)),
    "references in other windows": ("planted", _scores("prose", "code", "code.bytes", "prose.bytes", window=1000)),
    "a dataset in other windows": ("planted", _scores("syn-a", window=1000)),
    "equal references": ("planted", _scores("prose", "code", H=0.45)),
    "code above prose": ("planted", _scores("code", H=0.6)),
    "no twins": ("planted", _no_twins),
    "shipped": ("planted", _shipped),
    "below the floor": ("planted", _floors_above),
    "huge": ("planted", _huge),
    "architectures": ("planted", _architectures),
    "vocabularies": ("planted", _vocabularies),
    "one preset seed": ("planted", _one_preset_seed),
    "branches": ("planted", _branches),
    "crossed": ("planted", _crossed),
    "agreeing": ("planted", _agreeing),
    "tests disagree": ("planted", _p_joint(0.6)),
    "bootstrapped": ("planted", _p_joint(0.01, p_bootstrap=0.002)),
    "no joint test": ("planted", _regression(joint_test=None, joint_test_message="12 cells cannot hold 40 parameters")),
    "worse held out": ("planted", _holdout(0.3)),
    "not held out": ("planted", _holdout(None)),
    "split inside": ("planted", _inside),
    "written by hand": ("planted", _no_hand_drawn),
    "all undecided": ("planted", _verdicts("undecided")),
    "all supported": ("planted", _verdicts("supported")),
    "no grammars": ("planted", _grammars_gone),
    "no presets": ("planted", _no_presets),
    "presets far off": ("planted", lambda folder: _rows(folder, "presets.csv", lambda row: {"H_mean": row["H"] + 0.2})),
    "presets all known": (
        "planted",
        lambda folder: _rows(folder, "presets.csv", lambda row: {"paper_H": row["H_mean"]}),
    ),
    "architectures, seeds": ("seeds", _architectures),
    "no curves": ("planted", lambda folder: shutil.rmtree(folder / "runs")),
    "code and prose overlap": ("planted", _intervals(code=[0.4, 0.5], prose=[0.45, 0.55])),
    "imports of few sources": ("imports", _few_sources),
    "imports of many sources": ("imports", _many_sources),
    "no sources": ("planted", lambda folder: _rows(folder, "runs.csv", lambda row: {"valid_sources": None})),
    "trained by torch": (
        "planted",
        _executions(h12={"device": "cpu", "step": "torch 2.13.0", "machine_dependent": True}),
    ),
    "trained on a GPU": (
        "planted",
        _executions(h12={"device": "cuda", "device_name": "NVIDIA H100", "precision": "bfloat16"}, h6={}),
    ),
    "trained by two versions": ("planted", _trainer_of_width(12, 1)),
    "trained on code": ("planted", _trunk_of_code),
}


def make(name, root):
    """Return the folder of a sweep, built when first asked for."""
    folder = root / name.replace(" ", "-")
    if folder.exists():
        return folder
    if name in BUILT:
        return build(folder, bootstrap=50, **BUILT[name])
    start, change = CHANGED[name]
    shutil.copytree(make(start, root), folder)
    change(folder)
    return folder


def sentences_of(module):
    """The sentences that a module of the report registers, by name."""
    return {name: each for name, each in registry().items() if each.say.__module__ == f"ziplaw.report.{module}"}


def hold(sentence, yes, words, no, sweep_of):
    """A sentence is said, in these words, where it is true, and not where it is not."""
    assert words in (sentence.say(sweep_of(yes)) or "")
    assert sentence.say(sweep_of(no)) is None
