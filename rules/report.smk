# One HTML file that opens offline; and what made everything, which hangs on the machine and the commit.


localrules:
    report,
    provenance,


rule report:
    input:
        shown=SHOWN,
        sums=[*TABLE_SUMS, *PLOT_SUMS],
    output:
        page=f"{RESULTS}/report.html",
        sums=f"{RESULTS}/report.html.sha256",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=subpath(output[0], parent=True),
        # the report quotes the config, and its name with that of its folder; where that lies does not count
        config=lambda w, output: [
            f"--config {shlex.quote(str(path))}" for path in workflow.configfiles
        ],
        content=lambda w: [
            [*Path(path).resolve().parts[-2:], fingerprint(fingerprints.of_file, path)]
            for path in workflow.configfiles
        ],
        # it prints them all
        version={
            stage: value for stage, value in vars(versions).items() if stage.isupper()
        },
    message:
        "Report: {output.page}"
    shell:
        "ziplaw report --sweep-dir {params.results} {params.config} -o {output.page} --checksums {input.shown} > {log} 2>&1"


rule provenance:
    input:
        # whatever changes, the report is made again
        SHOWN if SEVERAL else rules.report.output,
        COVARIATES,
    output:
        f"{RESULTS}/provenance.json",
    log:
        f"{LOGS}/provenance.log",
    benchmark:
        f"{BENCHMARKS}/provenance.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        results=subpath(output[0], parent=True),
        config=lambda w, output: [
            f"--config {shlex.quote(str(path))}" for path in workflow.configfiles
        ],
        content=lambda w: [
            [*Path(path).resolve().parts[-2:], fingerprint(fingerprints.of_file, path)]
            for path in workflow.configfiles
        ],
        version={
            stage: value for stage, value in vars(versions).items() if stage.isupper()
        },
    message:
        "What made it all: {output}"
    shell:
        "ziplaw provenance {params.results} {params.config} -o {output} > {log} 2>&1"
