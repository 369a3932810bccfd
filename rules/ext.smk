# Build the compiled cores. Everything below takes them as ancient(): a rebuilt but unchanged core reruns nothing;
# the version integers in pkg/ziplaw/versions.py say when output bytes changed.
CORES = sorted(glob_wildcards("ext/{name}.pyx").name)
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
EXTENSIONS = [f"pkg/ziplaw/{name}{SUFFIX}" for name in CORES]


rule build_extensions:
    input:
        "setup.py",
        expand("ext/{name}.pyx", name=CORES),
        expand(
            "ext/src/{name}", name=glob_wildcards(r"ext/src/{name,[^/]+\.[ch]}").name
        ),
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
