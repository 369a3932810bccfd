# One job trains one model at every budget: a trunk, and a cooldown branch per budget. With training.ensemble above 1, or
# auto and small models on a GPU, a job trains several runs of one size side by side, each into the folder that it would
# have alone.


include: "train_options.smk"


if ALONE:

    rule train_run:
        input:
            corpus=expand(
                f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}", part=CORPUS_PARTS
            ),
        # update: a run that is there stays when its corpus was touched, copied or made again with the same bytes, and
        # --keep-finished leaves it alone
        output:
            curve=update(f"{RESULTS}/runs/{{dataset}}/{{model}}/s{{seed}}/curve.csv"),
            run=update(f"{RESULTS}/runs/{{dataset}}/{{model}}/s{{seed}}/run.json"),
        log:
            f"{LOGS}/train_run/{{dataset}}/{{model}}/s{{seed}}.log",
        benchmark:
            f"{BENCHMARKS}/train_run/{{dataset}}/{{model}}/s{{seed}}.tsv"
        wildcard_constraints:
            model=one_of(ALONE),
        threads: 1
        resources:
            **TRAINING,
            mem_mb=lambda w, attempt: needs(w, attempt).mem_mb,
            runtime=lambda w: needs(w).minutes,
        params:
            shape=lambda w: shape_options(w.model),
            training=lambda w: training_options(w.model),
            budgets=BUDGETS,
            corpus=subpath(input[0], parent=True),
            folder=subpath(output.run, parent=True),
            version=versions.TRAINER,
        message:
            "Train {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
        shell:
            "ziplaw train {params.corpus} {params.shape} {params.training} --budgets {params.budgets}"
            " --seed {wildcards.seed} --threads {threads} --keep-finished -o {params.folder} > {log} 2>&1"


if SHARING:
    # the wildcards of a job's name
    JOB = "/".join(
        ["{model}", *sorted({part for run in TOGETHER for part in run if "{" in part})]
    )

    rule train_ensemble:
        input:
            corpora=expand(
                f"{RESULTS}/corpora/{{dataset}}/{{part}}",
                dataset=sorted({dataset for dataset, _ in TOGETHER}),
                part=CORPUS_PARTS,
            ),
        # update: as above
        output:
            update(
                [
                    f"{RESULTS}/runs/{dataset}/{{model}}/s{seed}/{part}"
                    for dataset, seed in TOGETHER
                    for part in RUN_PARTS
                ]
            ),
        log:
            f"{LOGS}/train_ensemble/{JOB}.log",
        benchmark:
            f"{BENCHMARKS}/train_ensemble/{JOB}.tsv"
        wildcard_constraints:
            model=one_of(SHARING),
        threads: 1
        resources:
            **TRAINING,
            mem_mb=lambda w, attempt: needs(w, attempt).mem_mb,
            runtime=lambda w: needs(w).minutes,
        params:
            batches=lambda w: batch_options(w),
            shape=lambda w: shape_options(w.model),
            training=lambda w: training_options(w.model),
            budgets=BUDGETS,
            version=versions.TRAINER,
        message:
            f"Train {len(TOGETHER)} runs of {{wildcards.model}}, {len(BATCHES[0])} side by side"
        shell:
            "for batch in {params.batches:q}; do"
            " ziplaw train $batch {params.shape} {params.training} --budgets {params.budgets}"
            " --threads {threads} --keep-finished; done > {log} 2>&1"
