# One job trains one model at every budget: a trunk, and a cooldown branch per budget. With training.ensemble above 1 a job
# trains that many runs of one size side by side, each into the folder that it would have alone.
GPUS = 0 if SWEEP.training.device == "cpu" or not GPU_HERE else 1
TRAINING_OPTIONS = options(SWEEP.training.model_dump(exclude={"ensemble"}))
BUDGETS = ",".join(map(str, SWEEP.budgets))
CORPUS_PARTS = ["train.npy", "valid.npy", "meta.json"]


if SWEEP.training.ensemble == 1:

    rule train_run:
        input:
            corpus=expand(
                f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
                part=CORPUS_PARTS,
            ),
        output:
            curve=f"{RESULTS}/runs/{{dataset}}/{{model}}/s{{seed}}/curve.csv",
            run=f"{RESULTS}/runs/{{dataset}}/{{model}}/s{{seed}}/run.json",
        log:
            f"{LOGS}/train_run/{{dataset}}/{{model}}/s{{seed}}.log",
        benchmark:
            f"{BENCHMARKS}/train_run/{{dataset}}/{{model}}/s{{seed}}.tsv"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=600,
            gpu=GPUS,
        params:
            shape=lambda w: shape_options(w.model),
            training=TRAINING_OPTIONS,
            budgets=BUDGETS,
            corpus=subpath(input[0], parent=True),
            folder=subpath(output.run, parent=True),
            version=versions.TRAINER,
        message:
            "Train {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
        shell:
            "ziplaw train {params.corpus} {params.shape} {params.training} --budgets {params.budgets}"
            " --seed {wildcards.seed} --threads {threads} -o {params.folder} > {log} 2>&1"

else:
    for number, (model, runs) in enumerate(ensembles(SWEEP.training.ensemble)):
        folders = [
            f"{RESULTS}/runs/{dataset}/{model}/s{seed}" for dataset, seed in runs
        ]

        rule:
            name:
                f"train_ensemble_{number}"
            input:
                corpora=expand(
                    f"{RESULTS}/corpora/{{dataset}}/{{part}}",
                    dataset=sorted({dataset for dataset, _ in runs}),
                    part=CORPUS_PARTS,
                ),
            # update: the runs that are there when one is to be made again stay, and --keep-finished leaves them alone
            output:
                update(
                    expand(
                        "{folder}/{part}",
                        folder=folders,
                        part=["curve.csv", "run.json"],
                    )
                ),
            log:
                f"{LOGS}/train_ensemble/{number}.log",
            benchmark:
                f"{BENCHMARKS}/train_ensemble/{number}.tsv"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=600,
                gpu=GPUS,
            params:
                corpora=[f"{RESULTS}/corpora/{dataset}" for dataset, _ in runs],
                shape=shape_options(model),
                training=TRAINING_OPTIONS,
                budgets=BUDGETS,
                seeds=[f"--seed {seed}" for _, seed in runs],
                folders=[f"-o {folder}" for folder in folders],
                version=versions.TRAINER,
            message:
                f"Train {len(runs)} runs of {model} side by side"
            shell:
                "ziplaw train {params.corpora} {params.shape} {params.training} --budgets {params.budgets}"
                " {params.seeds} --threads {threads} --keep-finished {params.folders} > {log} 2>&1"
