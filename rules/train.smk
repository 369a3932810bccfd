# One job trains one model at every budget: a trunk, and a cooldown branch per budget.


rule train_run:
    input:
        corpus=expand(
            f"{RESULTS}/corpora/{{{{dataset}}}}/{{part}}",
            part=["train.npy", "valid.npy", "meta.json"],
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
        gpu=lambda w: 0 if SWEEP.training.device == "cpu" else 1 if GPU_HERE else 0,
    params:
        shape=lambda w: options(SWEEP.models[w.model].model_dump(exclude_defaults=True)),
        training=options(SWEEP.training.model_dump(exclude={"ensemble"})),
        budgets=",".join(map(str, SWEEP.budgets)),
        corpus=subpath(input[0], parent=True),
        folder=subpath(output.run, parent=True),
        version=versions.TRAINER,
    message:
        "Train {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "ziplaw train {params.corpus} {params.shape} {params.training} --budgets {params.budgets}"
        " --seed {wildcards.seed} --threads {threads} -o {params.folder} > {log} 2>&1"
