# How training is grouped into jobs, what each is given, and what it asks of a batch system.
import functools
import itertools
import shutil

# Snakemake only counts GPUs; a sweep on a machine without one must not wait for one
GPU_HERE = shutil.which("nvidia-smi") is not None
GPUS = 0 if SWEEP.training.device == "cpu" or not GPU_HERE else 1
TRAINING_OPTIONS = options(SWEEP.training.model_dump(exclude={"ensemble"}))
BUDGETS = ",".join(map(str, SWEEP.budgets))


def shape_options(model):
    """What `ziplaw train` makes a model of."""
    return options(SWEEP.models[model].model_dump(exclude_defaults=True))


def side_by_side(most):
    """The runs (dataset, seed) of one job, as many as fit `most`; what tells its jobs apart is left as a wildcard.

    They are all runs of a size; where those are too many, the runs of a seed; then those of a dataset; then each alone.
    """
    ways = itertools.product(
        ([*SWEEP.datasets], ["{dataset}"]), ([*map(str, SWEEP.seeds)], ["{seed}"])
    )
    fitting = [way for way in ways if len(way[0]) * len(way[1]) <= most]
    datasets, seeds = max(fitting, key=lambda way: len(way[0]) * len(way[1]))
    return [(dataset, seed) for seed in seeds for dataset in datasets]


# a rule's files differ in nothing but its wildcards, so that is how runs are grouped
TOGETHER = side_by_side(SWEEP.training.ensemble)


def members(wildcards):
    """The runs (dataset, seed) of a job."""
    given = dict(wildcards.items())
    return [
        (dataset.format(**given), seed.format(**given)) for dataset, seed in TOGETHER
    ]


def vocabulary(dataset):
    """Token ids of a dataset, an upper bound where only its corpus would tell."""
    grammar = SWEEP.datasets[dataset].grammar
    return grammar.n_terminals + 1 if grammar else 1 << 16


@functools.cache
def needs_of(model, vocabularies):
    # imports torch, so not while Snakemake reads the rules, but for the first job that is to train
    from ziplaw.training.job_needs import job_needs

    shape = SWEEP.models[model].model_dump()
    return job_needs(
        [shape | {"vocab_size": size} for size in vocabularies],
        SWEEP.recipe(),
        context=SWEEP.corpus.context,
        gpu=GPUS > 0,
    )


def needs(wildcards):
    """Memory and time of a job, for a batch system."""
    vocabularies = [vocabulary(dataset) for dataset, _ in members(wildcards)]
    return needs_of(wildcards.model, tuple(vocabularies))
