# The results of a study made anew from its committed runs, without training:
#   snakemake --cores all --snakefile rules/study/again.smk --configfile config/study.yaml
include: "../common.smk"
include: "../ext.smk"


REFERENCE = f"results/reference/{NAME}"
RESULTS, LOGS, BENCHMARKS = (
    f"{at}/{NAME}_again" for at in ("results", "logs", "benchmarks")
)
LAW_OPTIONS = options(SWEEP.laws.model_dump())


# a half may be all that was trained
with open(f"{REFERENCE}/runs.csv", encoding="utf-8") as table:
    TRAINED = {line.partition(",")[0] for line in table}
FITS = [f"{RESULTS}/fits/{name}.json" for name in SWEEP.datasets if name in TRAINED]


include: "answers.smk"


rule all:
    default_target: True
    input:
        STUDY_RESULTS,
        expand(
            f"{RESULTS}/{{name}}",
            name=["fits.csv", "links.csv", "regression.json", "claims.csv"],
        ),


localrules:
    committed_runs,
    fit_again,
    tabulate_again,
    regress_again,


rule committed_runs:
    input:
        f"{REFERENCE}/{{table}}.csv",
    output:
        f"{RESULTS}/{{table}}.csv",
    log:
        f"{LOGS}/committed_runs/{{table}}.log",
    benchmark:
        f"{BENCHMARKS}/committed_runs/{{table}}.tsv"
    wildcard_constraints:
        table="runs|covariates",
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "{wildcards.table}.csv as it was committed"
    shell:
        "cp {input} {output} 2> {log}"


rule fit_again:
    input:
        f"{REFERENCE}/runs.csv",
    output:
        f"{RESULTS}/fits/{{dataset}}.json",
    log:
        f"{LOGS}/fit_again/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_again/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(SWEEP.datasets),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=LAW_OPTIONS,
        version=versions.FITTER,
    message:
        "Law of {wildcards.dataset}"
    shell:
        "ziplaw fit {input} --dataset {wildcards.dataset} {params.settings} -o {output} > {log} 2>&1"


rule tabulate_again:
    input:
        FITS,
    output:
        fits=f"{RESULTS}/fits.csv",
        links=f"{RESULTS}/links.csv",
    log:
        f"{LOGS}/tabulate_again.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_again.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        version=versions.TABLES,
    message:
        "Table of every law"
    shell:
        "ziplaw fits-table {input} -o {output.fits} --links {output.links} > {log} 2>&1"


rule regress_again:
    input:
        runs=f"{REFERENCE}/runs.csv",
        covariates=f"{REFERENCE}/covariates.csv",
        fits=FITS,
        scores=[f"{REFERENCE}/scores/{Path(fit).name}" for fit in FITS],
    output:
        regression=f"{RESULTS}/regression.json",
        claims=f"{RESULTS}/claims.csv",
    log:
        f"{LOGS}/regress_again.log",
    benchmark:
        f"{BENCHMARKS}/regress_again.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        level=SWEEP.laws.level,
        version=versions.REGRESSION,
        scores=f"{REFERENCE}/scores",
    message:
        "The dependence on H of all grammars together"
    shell:
        "ziplaw regress --runs {input.runs} --fits {input.fits} --scores {params.scores}"
        " --covariates {input.covariates} --level {params.level} -o {output.regression} --claims {output.claims}"
        " > {log} 2>&1"
