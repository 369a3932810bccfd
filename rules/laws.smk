# From runs to laws: tables, one fit a dataset, the dependence on H, the frontier.


LAW_OPTIONS = options(SWEEP.laws.model_dump())


localrules:
    collect_dataset,
    collect_runs,
    fit_law,
    fit_architecture,
    tabulate_fits,
    regress_laws,
    frontier,


rule collect_dataset:
    input:
        runs=lambda w: [
            f"{RESULTS}/runs/{w.dataset}/{model}/s{seed}/run.json"
            for model in SWEEP.models
            for seed in SWEEP.seeds_of(w.dataset)
        ],
        meta=f"{RESULTS}/corpora/{{dataset}}/meta.json",
        score=f"{RESULTS}/scores/{{dataset}}.json",
        floor=lambda w: (
            f"{RESULTS}/floors/{w.dataset}.json" if w.dataset in GRAMMARS else []
        ),
    output:
        table=f"{RESULTS}/runs/{{dataset}}/runs.csv",
        sums=f"{RESULTS}/runs/{{dataset}}/runs.csv.sha256",
    log:
        f"{LOGS}/collect_dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/collect_dataset/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        version=versions.TABLES,
        corpus=subpath(input.meta, parent=True),
        floor=lambda w: (
            f"--floor {RESULTS}/floors/{w.dataset}.json"
            if w.dataset in GRAMMARS
            else ""
        ),
    message:
        "Table of {wildcards.dataset}'s runs"
    shell:
        "ziplaw collect {input.runs} --corpus {params.corpus} --score {input.score} {params.floor}"
        " -o {output.table} --checksums > {log} 2>&1"


rule collect_runs:
    input:
        tables=expand(f"{RESULTS}/runs/{{dataset}}/runs.csv", dataset=SWEEP.datasets),
        sums=expand(
            f"{RESULTS}/runs/{{dataset}}/runs.csv.sha256", dataset=SWEEP.datasets
        ),
    output:
        table=report(
            f"{RESULTS}/runs.csv", caption="captions/runs.rst", category="Tables"
        ),
        sums=f"{RESULTS}/runs.csv.sha256",
    log:
        f"{LOGS}/collect_runs.log",
    benchmark:
        f"{BENCHMARKS}/collect_runs.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        version=versions.TABLES,
    message:
        "Table of every run"
    shell:
        "ziplaw collect {input.tables} -o {output.table} --checksums > {log} 2>&1"


rule fit_law:
    input:
        table=f"{RESULTS}/runs/{{dataset}}/runs.csv",
        sums=f"{RESULTS}/runs/{{dataset}}/runs.csv.sha256",
    output:
        law=f"{RESULTS}/fits/{{dataset}}.json",
        sums=f"{RESULTS}/fits/{{dataset}}.json.sha256",
    log:
        f"{LOGS}/fit_law/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_law/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=LAW_OPTIONS,
        version=versions.FITTER,
    message:
        "Law of {wildcards.dataset}: free E and E at the floor, every link, with intervals"
    shell:
        "ziplaw fit {input.table} --dataset {wildcards.dataset} {params.settings} -o {output.law} --checksums"
        " > {log} 2>&1"


rule fit_architecture:
    input:
        table=f"{RESULTS}/runs/{{dataset}}/runs.csv",
        sums=f"{RESULTS}/runs/{{dataset}}/runs.csv.sha256",
    output:
        law=f"{RESULTS}/fits/{{dataset}}.{{architecture}}.json",
        sums=f"{RESULTS}/fits/{{dataset}}.{{architecture}}.json.sha256",
    log:
        f"{LOGS}/fit_architecture/{{dataset}}.{{architecture}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_architecture/{{dataset}}.{{architecture}}.tsv"
    wildcard_constraints:
        architecture=one_of(SEVERAL),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=LAW_OPTIONS,
        version=versions.FITTER,
    message:
        "Law of {wildcards.dataset}: {wildcards.architecture} alone"
    shell:
        "ziplaw fit {input.table} --dataset {wildcards.dataset} --where architecture={wildcards.architecture}"
        " {params.settings} -o {output.law} --checksums > {log} 2>&1"


rule tabulate_fits:
    input:
        FITS,
    output:
        fits=report(
            f"{RESULTS}/fits.csv", caption="captions/fits.rst", category="Tables"
        ),
        links=report(
            f"{RESULTS}/links.csv", caption="captions/links.rst", category="Tables"
        ),
        sums=f"{RESULTS}/fits.csv.sha256",
    log:
        f"{LOGS}/tabulate_fits.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_fits.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        version=versions.TABLES,
    message:
        "Table of every law"
    shell:
        "ziplaw fits-table {input} -o {output.fits} --links {output.links} --checksums > {log} 2>&1"


rule regress_laws:
    input:
        runs=f"{RESULTS}/runs.csv",
        sums=f"{RESULTS}/runs.csv.sha256",
        fits=FITS,
        scores=expand(f"{RESULTS}/scores/{{dataset}}.json", dataset=SWEEP.datasets),
    output:
        regression=f"{RESULTS}/regression.json",
        claims=report(
            f"{RESULTS}/claims.csv", caption="captions/claims.rst", category="Tables"
        ),
        sums=f"{RESULTS}/regression.json.sha256",
    log:
        f"{LOGS}/regress_laws.log",
    benchmark:
        f"{BENCHMARKS}/regress_laws.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        level=SWEEP.laws.level,
        version=versions.REGRESSION,
        scores=lambda w, input: Path(input.scores[0]).parent,
        grammars=f"--grammars {RESULTS}/grammars" if GRAMMARS else "",
    message:
        "Do the best split and the laws move with H? Every link, joint test, the paper's claims"
    shell:
        "ziplaw regress --runs {input.runs} --fits {input.fits} --scores {params.scores} {params.grammars} --level {params.level}"
        " -o {output.regression} --claims {output.claims} --checksums > {log} 2>&1"


rule frontier:
    input:
        regression=f"{RESULTS}/regression.json",
        fits=FITS,
    output:
        table=report(
            f"{RESULTS}/frontier.csv",
            caption="captions/frontier.rst",
            category="Tables",
        ),
        sums=f"{RESULTS}/frontier.csv.sha256",
    log:
        f"{LOGS}/frontier.log",
    benchmark:
        f"{BENCHMARKS}/frontier.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        version=versions.REGRESSION,
    message:
        "Compute-optimal N and D along C, beside Chinchilla's"
    shell:
        "ziplaw frontier --regression {input.regression} --fits {input.fits} -o {output.table} --checksums > {log} 2>&1"
