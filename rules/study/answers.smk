# What a study answers: a table for each answer, side by side, then figures and the page that quote them.
# Included where RESULTS has runs.csv, FITS and, perhaps, covariates.csv of a study; the design, the arms and pilots of
# real corpora are those of results/reference (pkg/ziplaw/studies/measured.py).
from ziplaw.report.figures.studies import STUDY_FIGURES
from ziplaw.studies.answers.all_answers import ANSWERS

ANSWERED = f"{RESULTS}/answers"
ANSWER_TABLES = expand(f"{ANSWERED}/{{answer}}.csv", answer=ANSWERS)
STUDY_RESULTS = expand(f"{ANSWERED}/{{name}}", name=["study.json", "results.md"])
ARMS = Path(REFERENCE, "arms")
BESIDE = ["design.csv", *(f"arms/{p.relative_to(ARMS)}" for p in ARMS.rglob("*.csv"))]
PILOTS = ["corpora.csv", "rules.csv"]
STUDY_INPUTS = expand(
    f"{RESULTS}/{{name}}",
    name=[
        *sorted(BESIDE),
        *(f"pilots/{name}" for name in PILOTS),
        "runs.csv",
        *["covariates.csv"] * SWEEP.covariates,
    ],
)


localrules:
    study_beside,
    study_answer,
    study_answers_of_laws,
    study_results,


rule study_beside:
    input:
        [f"{REFERENCE}/{name}" for name in sorted(BESIDE)],
        [f"results/reference/pilots/1/{name}" for name in PILOTS],
    output:
        [f"{RESULTS}/{name}" for name in sorted(BESIDE)],
        [f"{RESULTS}/pilots/{name}" for name in PILOTS],
    log:
        f"{LOGS}/study_beside.log",
    benchmark:
        f"{BENCHMARKS}/study_beside.tsv"
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "The design, and what else answers read"
    shell:
        "to=({output}); for from in {input}; do cp $from ${{to[0]}}; to=(${{to[@]:1}}); done 2> {log}"


def told_alone(answer):
    return not ANSWERS[answer].reads_laws


rule study_answer:
    input:
        beside=STUDY_INPUTS,
        fits=FITS,
    output:
        f"{ANSWERED}/{{answer}}.csv",
    log:
        f"{LOGS}/study_answer/{{answer}}.log",
    benchmark:
        f"{BENCHMARKS}/study_answer/{{answer}}.tsv"
    wildcard_constraints:
        answer=one_of(filter(told_alone, ANSWERS)),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        version=versions.ANSWERS,
        study=RESULTS,
        into=ANSWERED,
    message:
        "Answer {wildcards.answer}"
    shell:
        "ziplaw study {params.study} --only {wildcards.answer} -o {params.into} > {log} 2>&1"


rule study_answers_of_laws:
    input:
        beside=STUDY_INPUTS,
        fits=FITS,
    output:
        [f"{ANSWERED}/{name}.csv" for name in ANSWERS if not told_alone(name)],
    log:
        f"{LOGS}/study_answers_of_laws.log",
    benchmark:
        f"{BENCHMARKS}/study_answers_of_laws.tsv"
    priority: 1  # the longest job
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        version=versions.ANSWERS,
        study=RESULTS,
        into=ANSWERED,
        only=" ".join(f"--only {name}" for name in ANSWERS if not told_alone(name)),
    message:
        "Answers read off every dataset's laws"
    shell:
        "ziplaw study {params.study} {params.only} -o {params.into} > {log} 2>&1"


rule study_results:
    input:
        ANSWER_TABLES,
    output:
        STUDY_RESULTS,
        figures=expand(
            f"{ANSWERED}/figures/{{figure}}.{{ext}}",
            figure=STUDY_FIGURES,
            ext=["svg", "csv"],
        ),
    log:
        f"{LOGS}/study_results.log",
    benchmark:
        f"{BENCHMARKS}/study_results.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        version=[versions.FIGURES, versions.REPORT],
        study=RESULTS,
        into=ANSWERED,
    message:
        "Figures of the study, and the page that quotes its tables"
    shell:
        "ziplaw study {params.study} --made -o {params.into} > {log} 2>&1"
