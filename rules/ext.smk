# Build the compiled cores. Everything below takes them as ancient(): a rebuilt but unchanged core reruns nothing;
# the version integers in pkg/ziplaw/versions.py say when output bytes changed.
EXTENSIONS = [
    f"pkg/ziplaw/{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    for name in ("_pcfg", "_gzip", "_earley")
]


rule build_extensions:
    input:
        "setup.py",
        glob_wildcards("ext/{name}.pyx").name
        and [f"ext/{n}.pyx" for n in glob_wildcards("ext/{name}.pyx").name],
        [f"ext/src/{n}" for n in glob_wildcards(r"ext/src/{name,[^/]+\.[ch]}").name],
    output:
        EXTENSIONS,
    log:
        "logs/build_extensions.log",
    benchmark:
        "benchmarks/build_extensions.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        python=shlex.quote(sys.executable),
    message:
        "Building the compiled cores (sampler, scorer, floor)"
    shell:
        "{params.python} setup.py build_ext --inplace --force > {log} 2>&1"
