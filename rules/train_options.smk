# How training is grouped into jobs, what each is given, and what it asks of a batch system.
import functools
import itertools

BUDGETS = ",".join(map(str, SWEEP.budgets))


def shape_options(model):
    """What `ziplaw train` makes a model of."""
    shape = SWEEP.models[model].model_dump(
        exclude_defaults=True, exclude={"learning_rate"}
    )
    return options(shape)


def training_options(model):
    """How `ziplaw train` trains it: as all, at its own rate if it has one."""
    settings = SWEEP.training.model_dump(exclude={"ensemble"})
    rate = SWEEP.models[model].learning_rate
    return options(settings if rate is None else settings | {"learning_rate": rate})


def batches_of(runs, most):
    """Those runs in as few batches of at most `most` as it takes, as even as can be."""
    count = -(-len(runs) // most)
    size = -(-len(runs) // count)
    return [runs[start : start + size] for start in range(0, len(runs), size)]


def side_by_side(most):
    """The runs (dataset, seed) of one job, batch by batch; what tells its jobs apart is left as a wildcard.

    A job has all runs of a size, or those of a seed, or those of a dataset, or one: whichever trains the most of them
    side by side, and of several such the smallest, which leaves more jobs to run at once. Where datasets have seeds of
    their own, it has all runs of a size, or one.
    """
    if any(SWEEP.seeds_of(dataset) != SWEEP.seeds for dataset in SWEEP.datasets):
        every = [(d, str(s)) for d in SWEEP.datasets for s in SWEEP.seeds_of(d)]
        ways = [every, [("{dataset}", "{seed}")]]
    else:
        some = itertools.product(
            ([*SWEEP.datasets], ["{dataset}"]),
            ([*map(str, SWEEP.seeds)], ["{seed}"]),
        )
        ways = [[(d, s) for s in seeds for d in datasets] for datasets, seeds in some]
    jobs = [batches_of(runs, most) for runs in ways]
    return max(jobs, key=lambda job: (len(job[0]), -sum(map(len, job))))


# a rule's files differ in nothing but its wildcards, so that is how runs are grouped
AT_ONCE = {model: SWEEP.side_by_side(model, ON_GPU) for model in SWEEP.models}
BATCHES = side_by_side(max(AT_ONCE.values()))
TOGETHER = [run for batch in BATCHES for run in batch]
# models whose runs share jobs, and those whose runs have one each
SHARING = [model for model, most in AT_ONCE.items() if most > 1 and len(TOGETHER) > 1]
ALONE = [model for model in SWEEP.models if model not in SHARING]


def batches(wildcards):
    """The runs (dataset, seed) of a job, batch by batch."""
    given = dict(wildcards.items())
    return [
        [(dataset.format(**given), seed.format(**given)) for dataset, seed in batch]
        for batch in BATCHES
    ]


def batch_options(wildcards):
    """What `ziplaw train` is told of each batch: a corpus, a seed and a folder for every run."""
    return [
        " ".join(
            [
                *(f"{RESULTS}/corpora/{dataset}" for dataset, _ in batch),
                *(f"--seed {seed}" for _, seed in batch),
                *(
                    f"-o {RESULTS}/runs/{dataset}/{wildcards.model}/s{seed}"
                    for dataset, seed in batch
                ),
            ]
        )
        for batch in batches(wildcards)
    ]


def vocabulary(dataset):
    """Token ids of a dataset, an upper bound where only its corpus would tell."""
    grammar = SWEEP.datasets[dataset].grammar
    return grammar.n_terminals + 1 if grammar else 1 << 16


@functools.cache
def needs_of(model, vocabularies):
    # imports torch, so not while Snakemake reads the rules, but for the first job that is to train
    from ziplaw.training.job_needs import job_needs

    shape = SWEEP.models[model].model_dump(exclude={"learning_rate"})
    return job_needs(
        [shape | {"vocab_size": size} for size in vocabularies],
        SWEEP.recipe(),
        context=SWEEP.corpus.context,
        gpu=ON_GPU,
    )


def needs(wildcards, attempt=1):
    """Memory and time of a job, for a batch system: its batches train one after another.

    A job that is tried again gets more memory; of time it needs less, since it goes on from its checkpoint.
    """
    found = [
        needs_of(wildcards.model, tuple(vocabulary(dataset) for dataset, _ in batch))
        for batch in batches(wildcards)
    ]
    return type(found[0])(
        attempt * max(one.mem_mb for one in found), sum(one.minutes for one in found)
    )
