# One HTML file that opens offline.


rule report:
    input:
        SHOWN,
    output:
        f"{RESULTS}/report.html",
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
        config=[f"--config {shlex.quote(str(path))}" for path in workflow.configfiles],
        version=versions.REPORT,
    message:
        "Report: {output}"
    shell:
        "ziplaw report --sweep-dir {params.results} {params.config} -o {output} > {log} 2>&1"
