# How compressible each dataset is (H), and how well any model could predict it (the floor).
SCORE_OPTIONS = options(SWEEP.scoring.model_dump())


localrules:
    score_corpus,
    score_reference,
    score_presets,
    measure_covariates,
    grammar_floor,


rule score_corpus:
    input:
        corpus=f"{RESULTS}/corpora/{{dataset}}/train.npy",
        meta=f"{RESULTS}/corpora/{{dataset}}/meta.json",
    output:
        f"{RESULTS}/scores/{{dataset}}.json",
    log:
        f"{LOGS}/score_corpus/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/score_corpus/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=SCORE_OPTIONS,
        folder=subpath(input.corpus, parent=True),
        version=versions.SCORER,
    message:
        "Score {wildcards.dataset}: H, as gzip level 9 would compress it"
    shell:
        "ziplaw score {params.folder} --dataset {wildcards.dataset} {params.settings} --threads {threads}"
        " -o {output} > {log} 2>&1"


rule score_reference:
    output:
        f"{RESULTS}/scores/{{reference}}{{twin}}.json",
    log:
        f"{LOGS}/score_reference/{{reference}}{{twin}}.log",
    benchmark:
        f"{BENCHMARKS}/score_reference/{{reference}}{{twin}}.tsv"
    wildcard_constraints:
        twin=r"(\.bytes)?",  # with it, the same text as raw bytes
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=SCORE_OPTIONS,
        tokenizer=lambda w: "bytes" if w.twin else "bundled",
        source=lambda w: fingerprint(fingerprints.of_builtin, w.reference),
        version=[versions.SCORER, versions.CORPUS],
    message:
        "Score real {wildcards.reference} ({params.tokenizer})"
    shell:
        "ziplaw score --builtin {wildcards.reference} --tokenizer {params.tokenizer}"
        " --dataset {wildcards.reference}{wildcards.twin} {params.settings} --threads {threads}"
        " -o {output} > {log} 2>&1"


rule score_presets:
    output:
        table=report(
            f"{RESULTS}/presets.csv", caption="captions/presets.rst", category="Scores"
        ),
        sums=f"{RESULTS}/presets.csv.sha256",
    log:
        f"{LOGS}/score_presets.log",
    benchmark:
        f"{BENCHMARKS}/score_presets.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        seeds=SWEEP.presets.seeds if SWEEP.presets else 0,
        version=[versions.GRAMMAR, versions.SAMPLER, versions.SCORER],
    message:
        "Score the paper's preset grammars, {params.seeds} seeds each"
    shell:
        "ziplaw presets --seeds {params.seeds} --threads {threads} -o {output.table} --checksums > {log} 2>&1"


rule measure_covariates:
    input:
        corpora=expand(
            f"{RESULTS}/corpora/{{dataset}}/train.npy", dataset=SWEEP.datasets
        ),
        meta=expand(f"{RESULTS}/corpora/{{dataset}}/meta.json", dataset=SWEEP.datasets),
    output:
        table=report(
            f"{RESULTS}/covariates.csv",
            caption="captions/covariates.rst",
            category="Scores",
        ),
        details=f"{RESULTS}/covariates.json",
        sums=f"{RESULTS}/covariates.csv.sha256",
    log:
        f"{LOGS}/measure_covariates.log",
    benchmark:
        f"{BENCHMARKS}/measure_covariates.tsv"
    threads: 2
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=SCORE_OPTIONS,
        folders=[f"{RESULTS}/corpora/{dataset}" for dataset in SWEEP.datasets],
        version=versions.COVARIATES,
    message:
        "Measure rivals of H: entropies of blocks, correlations at a distance, other ratios"
    shell:
        "ziplaw covariates {params.folders} {params.settings} --threads {threads}"
        " -o {output.table} --details {output.details} --checksums > {log} 2>&1"


rule grammar_floor:
    input:
        grammar=f"{RESULTS}/grammars/{{dataset}}.json",
        valid=f"{RESULTS}/corpora/{{dataset}}/valid.npy",
    output:
        f"{RESULTS}/floors/{{dataset}}.json",
    log:
        f"{LOGS}/grammar_floor/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/grammar_floor/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(GRAMMARS),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(input.valid, parent=True),
        version=versions.FLOOR,
    message:
        "Floor {wildcards.dataset}: the exact Bayes-optimal loss of its validation documents"
    shell:
        "ziplaw floor {input.grammar} --corpus {params.folder} --dataset {wildcards.dataset}"
        " --threads {threads} -o {output} > {log} 2>&1"
