# A pilot: from a corpus to a plan by a few runs that are chosen as it goes. Each round is a checkpoint: it is designed
# from all runs of the rounds before, and says which are to be trained next, or why the pilot ends.


include: "pilot_options.smk"


wildcard_constraints:
    round=r"[1-9]",
    model=r"h[0-9]+",


localrules:
    pilot_score,
    pilot_round,
    pilot_collect,
    pilot_plan,
    pilot_page,


rule pilot_tokenizer:
    input:
        missing(*PILOT.paths, TOKENIZER_FILE and str(TOKENIZER_FILE)),
    output:
        f"{RESULTS}/tokenizer.json",
        f"{RESULTS}/tokenizer.report.json",
    log:
        f"{LOGS}/pilot_tokenizer.log",
    benchmark:
        f"{BENCHMARKS}/pilot_tokenizer.tsv"
    threads: PILOT.cores
    resources:
        **CLUSTER.plain,
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=60,
    params:
        settings=options(
            {
                "tokenizer": None if PILOT.tokenizer == "auto" else PILOT.tokenizer,
                "vocab-size": PILOT.vocab_size,
                "pilot-flops": PILOT.expected_flops,
                "flops": PILOT.flops,
                "context": PILOT.context,
                "seed": PILOT.seed,
            }
        ),
        source=lambda w: pilot_source(),
        what=lambda w: pilot_reading(),
        version=versions.CORPUS,
    message:
        "Tokenizer: what a vocabulary costs"
    shell:
        "RAYON_NUM_THREADS={threads} ziplaw tokenizer {params.settings} -o {output[0]} {params.what} > {log} 2>&1"


rule pilot_corpus:
    input:
        missing(*PILOT.paths),
        tokenizer=f"{RESULTS}/tokenizer.json",
    output:
        expand(f"{CORPUS}/{{part}}", part=["train.npy", "valid.npy", "meta.json"]),
    log:
        f"{LOGS}/pilot_corpus.log",
    benchmark:
        f"{BENCHMARKS}/pilot_corpus.tsv"
    threads: 1
    resources:
        **CLUSTER.plain,
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=60,
    params:
        size=options(
            {
                "valid-documents": PILOT.valid_documents,
                "context": PILOT.context,
                "seed": PILOT.seed,
                "by": PILOT.by,
            }
        ),
        most=PILOT.most_documents,
        source=lambda w: pilot_source(),
        what=lambda w: pilot_reading(),
        folder=CORPUS,
        version=versions.CORPUS,
    message:
        "Corpus: reading, tokenising, holding out"
    shell:
        "ziplaw import --tokenizer bpe:{input.tokenizer} {params.size} --max-documents {params.most} -o {params.folder}"
        " {params.what} > {log} 2>&1"


rule pilot_score:
    input:
        f"{CORPUS}/train.npy",
        f"{CORPUS}/meta.json",
    output:
        f"{RESULTS}/scores/corpus.json",
    log:
        f"{LOGS}/pilot_score.log",
    benchmark:
        f"{BENCHMARKS}/pilot_score.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        folder=CORPUS,
        # H of windows other than 256 is compared with that of web text in such windows
        window=options({"window": min(PILOT.context, 256)}),
        version=versions.SCORER,
    message:
        "H: how compressible the corpus is"
    shell:
        "ziplaw score {params.folder} --dataset corpus {params.window} --threads {threads} -o {output} > {log} 2>&1"


rule pilot_speed:
    input:
        f"{CORPUS}/train.npy",
        f"{CORPUS}/valid.npy",
        f"{CORPUS}/meta.json",
        # nothing else runs beside it
        f"{RESULTS}/scores/corpus.json",
    output:
        f"{RESULTS}/speed.json",
    log:
        f"{LOGS}/pilot_speed.log",
    benchmark:
        f"{BENCHMARKS}/pilot_speed.tsv"
    threads: PILOT.cores
    resources:
        **TRAINING,
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=10,
    params:
        settings=options(
            {
                "flops": PILOT.flops,
                "minutes": PILOT.minutes_given,
                "prior": PILOT.prior,
                "device": PILOT.device,
            }
        ),
        version=versions.TRAINER,
    message:
        "Speed: a short trial with every core at work"
    shell:
        "ziplaw pilot-speed {RESULTS} {params.settings} --cores {threads}"
        " -o {output} > {log} 2>&1"


checkpoint pilot_round:
    input:
        f"{CORPUS}/meta.json",
        f"{RESULTS}/scores/corpus.json",
        f"{RESULTS}/speed.json" if PILOT.pilot_flops is None else [],
        lambda w: designed(int(w.round) - 1),
    output:
        f"{RESULTS}/rounds/{{round}}.json",
    log:
        f"{LOGS}/pilot_round/{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/pilot_round/{{round}}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=options(
            {
                "flops": PILOT.flops,
                "pilot-flops": PILOT.pilot_flops,
                "speed": (
                    f"{RESULTS}/speed.json" if PILOT.pilot_flops is None else None
                ),
                "prior": PILOT.prior,
                "cores": PILOT.cores,
            }
        ),
        version=versions.PILOT,
    message:
        "Round {wildcards.round}: which runs narrow the band most"
    shell:
        "ziplaw pilot-round {RESULTS} {wildcards.round} {params.settings} -o {output} > {log} 2>&1"


rule pilot_run:
    input:
        round=f"{RESULTS}/rounds/{{round}}.json",
        corpus=expand(
            f"{CORPUS}/{{part}}", part=["train.npy", "valid.npy", "meta.json"]
        ),
    output:
        # update: a run that is there stays, and the verb leaves one alone that it would train alike
        curve=update(f"{RESULTS}/runs/corpus/{{model}}/s{{round}}/curve.csv"),
        run=update(f"{RESULTS}/runs/corpus/{{model}}/s{{round}}/run.json"),
    log:
        f"{LOGS}/pilot_run/{{model}}/s{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/pilot_run/{{model}}/s{{round}}.tsv"
    priority: longest_first
    threads: 1
    resources:
        **TRAINING,
        mem_mb=lambda w, attempt: attempt * pilot_needs(w.round, w.model).mem_mb,
        runtime=lambda w: pilot_needs(w.round, w.model).minutes,
    params:
        device=PILOT.device,
        corpus=CORPUS,
        folder=subpath(output.run, parent=True),
        version=versions.TRAINER,
    message:
        "Round {wildcards.round}: training {wildcards.model}"
    shell:
        "ziplaw pilot-run {input.round} {wildcards.model} --corpus {params.corpus} --device {params.device}"
        " --threads {threads} -o {params.folder} > {log} 2>&1"


rule pilot_collect:
    input:
        runs=every_run,
        meta=f"{CORPUS}/meta.json",
        score=f"{RESULTS}/scores/corpus.json",
    output:
        table=f"{RESULTS}/runs.csv",
        sums=f"{RESULTS}/runs.csv.sha256",
    log:
        f"{LOGS}/pilot_collect.log",
    benchmark:
        f"{BENCHMARKS}/pilot_collect.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        corpus=CORPUS,
        version=versions.TABLES,
    message:
        "Table of every run"
    shell:
        "ziplaw collect {input.runs} --corpus {params.corpus} --score {input.score} -o {output.table} --checksums > {log} 2>&1"


rule pilot_plan:
    input:
        f"{RESULTS}/runs.csv",
        f"{RESULTS}/runs.csv.sha256",
        f"{RESULTS}/scores/corpus.json",
        f"{CORPUS}/meta.json",
        f"{RESULTS}/tokenizer.report.json",
    output:
        expand(
            f"{RESULTS}/{{file}}",
            file=[
                "plan.json",
                "plan.csv",
                "isoflop.csv",
                "best_n.csv",
                "held_out.csv",
                "plan.json.sha256",
            ],
        ),
    log:
        f"{LOGS}/pilot_plan.log",
    benchmark:
        f"{BENCHMARKS}/pilot_plan.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=options(
            {"flops": PILOT.flops, "prior": PILOT.prior, "level": PILOT.level}
        ),
        version=versions.PILOT,
    message:
        "The plan"
    shell:
        "ziplaw pilot-plan {RESULTS} {params.settings} --threads {threads} --checksums > {log} 2>&1"


rule pilot_page:
    input:
        rules.pilot_plan.output,
    output:
        expand(
            f"{RESULTS}/{{file}}",
            file=[
                "plan.html",
                "isoflop.svg",
                "best_n.svg",
                "held_out.svg",
                "plan.html.sha256",
            ],
        ),
    log:
        f"{LOGS}/pilot_page.log",
    benchmark:
        f"{BENCHMARKS}/pilot_page.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        version=versions.PILOT,
    message:
        "The plan's page: {output[0]}"
    shell:
        "ziplaw pilot-page {RESULTS} -o {output[0]} --checksums > {log} 2>&1"


EVERY_PILOT_RESULT = [*rules.pilot_plan.output, *rules.pilot_page.output]
