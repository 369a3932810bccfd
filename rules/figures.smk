# Each figure is an SVG beside the CSV of its numbers.


localrules:
    plot,


rule plot:
    input:
        tables=TABLES,
        fits=FITS,
        scores=SCORES,
        floors=FLOORS,
        sums=TABLE_SUMS,
    output:
        svg=report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="captions/figure.rst",
            category="Figures",
        ),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        sums=f"{RESULTS}/figures/{{figure}}.svg.sha256",
    log:
        f"{LOGS}/plot/{{figure}}.log",
    benchmark:
        f"{BENCHMARKS}/plot/{{figure}}.tsv"
    wildcard_constraints:
        figure=one_of(FIGURES),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=subpath(output.svg, ancestor=2),
        caption=lambda w, output: figures.FIGURES[w.figure].caption,
        version=versions.FIGURES,
    message:
        "Figure {wildcards.figure}"
    shell:
        "ziplaw plot {wildcards.figure} --sweep-dir {params.results} -o {output.svg} --checksums"
        " {input.tables} {input.fits} {input.scores} {input.floors} > {log} 2>&1"
