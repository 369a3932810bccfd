# For developers: the picture of the rules that README shows.


localrules:
    rulegraph,


rule rulegraph:
    output:
        "docs/images/rulegraph.svg",
    log:
        "logs/rulegraph.log",
    benchmark:
        "benchmarks/rulegraph.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        snakemake=f"{shlex.quote(sys.executable)} -m snakemake",
    message:
        "Drawing the rules (needs Graphviz's dot)"
    shell:
        "{params.snakemake} --rulegraph --forceall --quiet 2> {log} | dot -Tsvg > {output}"
