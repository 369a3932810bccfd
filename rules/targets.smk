# What a sweep makes, kind by kind, and so what `rule all` asks for. A new rule's results get a line here.
import time

from ziplaw.report import figures

GRAMMARS = [name for name, dataset in SWEEP.datasets.items() if not dataset.imported]
IMPORTS = [name for name, dataset in SWEEP.datasets.items() if dataset.imported]
CORPUS_PARTS = ["train.npy", "valid.npy", "meta.json"]
RUN_PARTS = ["curve.csv", "run.json"]
# laws are fitted to one architecture at a time, and a sweep of several is there to compare them
SEVERAL = SWEEP.architectures() if len(SWEEP.architectures()) > 1 else []
FIGURES = figures.drawn_from(
    ["runs", "architectures"]
    if SEVERAL
    else ["runs", "scores", "laws", *(["presets"] if SWEEP.presets else [])]
)

MADE_GRAMMARS = expand(f"{RESULTS}/grammars/{{name}}.json", name=GRAMMARS)
CORPORA = expand(
    f"{RESULTS}/corpora/{{name}}/{{part}}", name=SWEEP.datasets, part=CORPUS_PARTS
)
SCORES = expand(f"{RESULTS}/scores/{{name}}.json", name=[*SWEEP.datasets])
SCORES += expand(
    f"{RESULTS}/scores/{{name}}{{twin}}.json",
    name=SWEEP.references,
    twin=["", ".bytes"],
)
FLOORS = expand(f"{RESULTS}/floors/{{name}}.json", name=GRAMMARS)
RUNS = [
    f"{RESULTS}/runs/{dataset}/{model}/s{seed}/{part}"
    for dataset in SWEEP.datasets
    for model in SWEEP.models
    for seed in SWEEP.seeds_of(dataset)
    for part in RUN_PARTS
]
RUNS += expand(
    f"{RESULTS}/runs/{{dataset}}/runs.csv{{sums}}",
    dataset=SWEEP.datasets,
    sums=["", ".sha256"],
)
if SEVERAL:
    FITS = expand(
        f"{RESULTS}/fits/{{name}}.{{architecture}}.json",
        name=SWEEP.datasets,
        architecture=SEVERAL,
    )
    TABLES = [f"{RESULTS}/runs.csv"]
else:
    FITS = expand(f"{RESULTS}/fits/{{name}}.json", name=SWEEP.datasets)
    TABLES = expand(
        f"{RESULTS}/{{name}}",
        name=[
            "runs.csv",
            "fits.csv",
            "links.csv",
            "regression.json",
            "claims.csv",
            "frontier.csv",
        ],
    )
    TABLES += [f"{RESULTS}/presets.csv"] if SWEEP.presets else []
PLOTS = expand(
    f"{RESULTS}/figures/{{figure}}.{{ext}}", figure=FIGURES, ext=["svg", "csv"]
)
COVARIATES = expand(
    f"{RESULTS}/{{name}}",
    name=["covariates.csv", "covariates.json", "covariates.csv.sha256"]
    * SWEEP.covariates,
)

# the checksums of what each job made, beside its first output: each table's readers ask for those of the table
TABLE_SUMS = [
    f"{table}.sha256"
    for table in TABLES
    if Path(table).name
    not in ("links.csv", "claims.csv")  # of the jobs of fits.csv and regression.json
]
PLOT_SUMS = expand(f"{RESULTS}/figures/{{figure}}.svg.sha256", figure=FIGURES)
SUMS = [*TABLE_SUMS, *PLOT_SUMS, *(f"{fit}.sha256" for fit in FITS)]

# what the report shows
SHOWN = [*MADE_GRAMMARS, *SCORES, *FLOORS, *FITS, *TABLES, *PLOTS]
# intermediates too: rule all asks for them, so that whichever is deleted is made again
EVERY_RESULT = [*SHOWN, *CORPORA, *RUNS, *SUMS, *COVARIATES]

# Snakemake makes what depends on a file from the future again, and then fails it
for path in map(Path, EVERY_RESULT):
    if path.exists() and path.stat().st_mtime > time.time() + 60:
        raise WorkflowError(
            f"{path} is dated {time.ctime(path.stat().st_mtime)}, in the future: set the clock right, or give such "
            f"results the time of now: find {RESULTS} -newermt now -exec touch {{}} +"
        )
