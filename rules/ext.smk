# Build the compiled cores. Everything below takes them as ancient(): a rebuilt but unchanged core reruns nothing;
# the version integers in pkg/ziplaw/versions.py say when output bytes changed.
CORES = sorted(glob_wildcards("ext/{name}.pyx").name)
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
EXTENSIONS = [f"pkg/ziplaw/{name}{SUFFIX}" for name in CORES]
BUILD = f"{shlex.quote(sys.executable)} setup.py --quiet build_ext --inplace"


# A core that is there but older than its sources is rebuilt before the first job, not by the rule: Snakemake 9 drops
# every job below a stale producer of ancient() files, whether or not the job has reasons of its own to run.
onstart:
    if stale(EXTENSIONS, ["setup.py", *Path("ext").rglob("*.[chp]*")]):
        shell("mkdir -p {LOGS}; {BUILD} > {LOGS}/build_extensions.log 2>&1")


rule build_extensions:
    input:
        ancient("setup.py"),
    output:
        EXTENSIONS,
    log:
        f"{LOGS}/build_extensions.log",
    benchmark:
        f"{BENCHMARKS}/build_extensions.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        build=BUILD,
    message:
        "Building the compiled cores (sampler, scorer, floor, fitter)"
    shell:
        "{params.build} --force > {log} 2>&1"
