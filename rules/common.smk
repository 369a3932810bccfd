# The typed config, paths and the small functions that rules share.
import re
import shlex
import shutil
import sys
import time

PKG = Path(workflow.basedir) / "pkg"
sys.path.insert(0, str(PKG))

from ziplaw import versions
from ziplaw.sweep import fingerprints
from ziplaw.sweep.config import parse_config, read_yaml
from ziplaw.corpora.tokenizers import tokenizer_path
from ziplaw.errors import ConfigError, ZiplawError

try:
    for path in workflow.configfiles:
        read_yaml(path)  # Snakemake keeps the last of two datasets of one name
    SWEEP = parse_config(config)
except ConfigError as error:
    raise WorkflowError(str(error))


def braced(text):
    """Text that a format string leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")


RESULTS = f"results/{SWEEP.sweep}"
LOGS = f"logs/{SWEEP.sweep}"
BENCHMARKS = f"benchmarks/{SWEEP.sweep}"

# in a shell line, `ziplaw` is this checkout's, run by the Python that runs Snakemake, installed or not
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={braced(shlex.quote(str(PKG)))}; "
    f'ziplaw() {{{{ {braced(shlex.quote(sys.executable))} -m ziplaw "$@"; }}}}; '
)


def one_of(names):
    """A regular expression that matches exactly these names (nothing, when there are none)."""
    return "|".join(map(re.escape, names)) or "(?!)"


# Snakemake only counts GPUs; a sweep on a machine without one must not wait for one
GPU_HERE = shutil.which("nvidia-smi") is not None

GRAMMARS = [name for name, dataset in SWEEP.datasets.items() if not dataset.imported]
IMPORTS = [name for name, dataset in SWEEP.datasets.items() if dataset.imported]
RANDOM_GRAMMARS = [name for name in GRAMMARS if SWEEP.datasets[name].grammar]


def options(settings):
    """A typed model as command-line options: max_rhs_length=3 -> --max-rhs-length 3; None and [] are left out."""
    return " ".join(
        f"--{key.replace('_', '-')} {shlex.quote(str(value))}"
        for key, values in settings.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    )


CORPUS_OPTIONS = {
    "documents": SWEEP.train_documents(),
    "valid_documents": SWEEP.corpus.valid_documents,
    "context": SWEEP.corpus.context,
    "seed": SWEEP.corpus.seed,
}


# Params that depend on input or output are not recorded, and what is not recorded reruns nothing: everything below
# comes from the config alone. A user's files are params too; pkg/ziplaw/sweep/fingerprints.py says why.


def fingerprint(of, what):
    try:
        return of(what)
    except ZiplawError as error:
        raise WorkflowError(str(error))


def missing(*paths):
    """Those files of the user that are not there, for Snakemake to name as missing input (it cannot name braces)."""
    return [
        path for path in paths if path and not Path(path).exists() and "{" not in path
    ]


def tokenizer_file(imported):
    file = tokenizer_path(imported.tokenizer)
    return file and str(file)


def grammar_options(dataset):
    """What `ziplaw grammar new` draws, or the file that `ziplaw grammar convert` reads."""
    shape = SWEEP.datasets[dataset].grammar
    if shape is None:
        return f"-- {shlex.quote(SWEEP.datasets[dataset].grammar_file)}"
    names = {"n_nonterminals": "nonterminals", "n_terminals": "terminals"}
    names |= {"max_rhs_options": "rhs_options", "max_rhs_length": "rhs_length"}
    return options(
        {names.get(key, key): value for key, value in shape.model_dump().items()}
    )


def grammar_source(dataset):
    path = SWEEP.datasets[dataset].grammar_file
    return fingerprint(fingerprints.of_file, path) if path else "drawn"


def import_options(dataset):
    """What `ziplaw import` reads, and how: options, then the path."""
    settings = SWEEP.datasets[dataset].imported.model_dump()
    path = settings.pop("path")
    return options(settings) + (f" -- {shlex.quote(path)}" if path else "")


def import_source(dataset):
    """Fingerprints of everything that is read: the corpus, and a tokenizer file."""
    imported = SWEEP.datasets[dataset].imported
    file = tokenizer_file(imported)
    return [
        (
            fingerprint(fingerprints.of_source, imported.path)
            if imported.path
            else fingerprint(fingerprints.of_builtin, imported.builtin)
        ),
        fingerprint(fingerprints.of_file, file) if file else imported.tokenizer,
    ]


def run_files(dataset):
    return expand(
        f"{RESULTS}/runs/{dataset}/{{model}}/s{{seed}}/run.json",
        model=SWEEP.models,
        seed=SWEEP.seeds,
    )


def shape_options(model):
    return options(SWEEP.models[model].model_dump(exclude_defaults=True))


def ensembles(most):
    """Runs (dataset, seed) of each model in groups of at most so many."""
    runs = [(dataset, seed) for seed in SWEEP.seeds for dataset in SWEEP.datasets]
    for model in SWEEP.models:
        for start in range(0, len(runs), most):
            yield model, runs[start : start + most]


# laws are fitted to one architecture at a time, and a sweep of several is there to compare them
SEVERAL = SWEEP.architectures() if len(SWEEP.architectures()) > 1 else []
FIGURES = (
    ["training_curves", "architectures"]
    if SEVERAL
    else [
        "gzip_distributions",
        "training_curves",
        "loss_contours",
        "frontiers",
        "parameters_vs_h",
        "predicted_vs_measured",
        *(["presets"] if SWEEP.presets else []),
    ]
)

SCORES = expand(f"{RESULTS}/scores/{{name}}.json", name=[*SWEEP.datasets])
SCORES += expand(
    f"{RESULTS}/scores/{{name}}{{kind}}.json",
    name=SWEEP.references,
    kind=["", ".bytes"],
)
FLOORS = expand(f"{RESULTS}/floors/{{name}}.json", name=GRAMMARS)
FITS = expand(f"{RESULTS}/fits/{{name}}.json", name=SWEEP.datasets)
TABLES = expand(
    f"{RESULTS}/{{name}}",
    name=["runs.csv", "fits.csv", "regression.json", "claims.csv", "frontier.csv"],
)
TABLES += [f"{RESULTS}/presets.csv"] if SWEEP.presets else []
if SEVERAL:
    FITS = expand(
        f"{RESULTS}/fits/{{name}}.{{architecture}}.json",
        name=SWEEP.datasets,
        architecture=SEVERAL,
    )
    TABLES = [f"{RESULTS}/runs.csv"]
PLOTS = expand(
    f"{RESULTS}/figures/{{figure}}.{{ext}}", figure=FIGURES, ext=["svg", "csv"]
)
CORPORA = expand(
    f"{RESULTS}/corpora/{{name}}/{{part}}",
    name=SWEEP.datasets,
    part=["train.npy", "valid.npy", "meta.json"],
)
RUNS = expand(
    f"{RESULTS}/runs/{{dataset}}/{{model}}/s{{seed}}/{{part}}",
    dataset=SWEEP.datasets,
    model=SWEEP.models,
    seed=SWEEP.seeds,
    part=["curve.csv", "run.json"],
)
RUNS += expand(f"{RESULTS}/runs/{{dataset}}/runs.csv", dataset=SWEEP.datasets)
MADE_GRAMMARS = expand(f"{RESULTS}/grammars/{{name}}.json", name=GRAMMARS)

# what the report shows
SHOWN = [*MADE_GRAMMARS, *SCORES, *FLOORS, *FITS, *TABLES, *PLOTS]
# intermediates too: rule all asks for them, so that whichever is deleted is made again
EVERY_RESULT = [*SHOWN, *CORPORA, *RUNS]

# Snakemake makes what depends on a file from the future again, and then fails it
for path in map(Path, EVERY_RESULT):
    if path.exists() and path.stat().st_mtime > time.time() + 60:
        raise WorkflowError(
            f"{path} is dated {time.ctime(path.stat().st_mtime)}, in the future: set the clock right, or give such results "
            f"the time of now: find {RESULTS} -newermt now -exec touch {{}} +"
        )
