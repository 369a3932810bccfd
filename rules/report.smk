# One HTML file that opens offline.


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
