# The typed config, paths and the small functions that rules share.
import re
import shlex
import shutil
import sys
import sysconfig

PKG = Path(workflow.basedir) / "pkg"
sys.path.insert(0, str(PKG))

from ziplaw import versions
from ziplaw.config import parse_config
from ziplaw.errors import ConfigError

try:
    SWEEP = parse_config(config)
except ConfigError as error:
    raise WorkflowError(str(error))

RESULTS = f"results/{SWEEP.sweep}"
LOGS = f"logs/{SWEEP.sweep}"
BENCHMARKS = f"benchmarks/{SWEEP.sweep}"

# in a shell line, `ziplaw` is this checkout's, run by the Python that runs Snakemake, installed or not
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(PKG))}; "
    f'ziplaw() {{{{ {shlex.quote(sys.executable)} -m ziplaw "$@"; }}}}; '
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
    """A typed model as command-line options: max_rhs_length=3 -> --max-rhs-length 3; None is left out."""
    values = {key: value for key, value in settings.items() if value is not None}
    return " ".join(
        f"--{key.replace('_', '-')} {shlex.quote(str(value))}"
        for key, value in values.items()
    )


def stale(made, sources):
    """Tell whether files that are all there are older than what they were made from."""
    made = [Path(file) for file in made]
    if not all(file.exists() for file in made):
        return False
    newest = max(Path(source).stat().st_mtime for source in sources)
    return newest > min(file.stat().st_mtime for file in made)


CORPUS_OPTIONS = {
    "documents": SWEEP.train_documents(),
    "valid_documents": SWEEP.corpus.valid_documents,
    "context": SWEEP.corpus.context,
    "seed": SWEEP.corpus.seed,
}


def grammar_command(dataset, source):
    """The verb and options that make a dataset's grammar: a random draw, or a file written by hand."""
    shape = SWEEP.datasets[dataset].grammar
    if shape is None:
        return f"convert {shlex.quote(str(source))}"
    names = {"n_nonterminals": "nonterminals", "n_terminals": "terminals"}
    names |= {"max_rhs_options": "rhs_options", "max_rhs_length": "rhs_length"}
    shape = {names.get(key, key): value for key, value in shape.model_dump().items()}
    return f"new {options(shape)}"


def import_options(dataset, source):
    imported = SWEEP.datasets[dataset].imported
    what = (
        f"--builtin {imported.builtin}"
        if imported.builtin
        else shlex.quote(str(source))
    )
    return f"{what} --tokenizer {shlex.quote(imported.tokenizer)}"


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
