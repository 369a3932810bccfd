"""\
Fuzz the scorer, grammar loading, tables of runs and every reader for a given time each: `make fuzz`, FUZZ_SECONDS=60.

    python tests/fuzzing/fuzz.py [--seconds 60] [--only scorer|grammar|table|READER]

Coverage-guided where it can be: the scorer by libFuzzer (clang with its runtime, zlib's header) under the address and
undefined-behaviour sanitizers; grammar loading by atheris (the `bench` extra). Without them the same checks run on
random mutations of the same inputs, which tests/sanitize.py also does; so are the readers always, each in a process of
its own with a limit of memory and of time (tests/fuzzing/fuzz_readers.py). What a run found interesting stays in
build/fuzz and starts the next. A crash, a mismatch, an exception that is no ZiplawError or a
hang ends with a status other than 0; the input is kept and its path printed.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fuzz_checks
import fuzz_readers
import numpy as np

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
LIMITS = ["-rss_limit_mb=3000", "-timeout=20", "-print_final_stats=1", "-verbosity=0"]


def corpus(name):
    """The folder of inputs of one check, begun with the seeds; and the prefix of what fails."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(fuzz_checks.seeds()[name]):
        (folder / f"seed{i:02}").write_bytes(data)
    return folder, f"-artifact_prefix={BUILD}/failed-{name}-"


def libfuzzer(seconds):
    """The scorer by libFuzzer; None where it cannot be built."""
    clang = next(filter(None, map(shutil.which, ["clang", *(f"clang-{n}" for n in range(22, 11, -1))])), None)
    if clang is None:
        return None
    folder, artifacts = corpus("scorer")
    program = BUILD / "gzip_fuzz"
    sources = ["tests/csrc/gzip_fuzz.c", "ext/src/gzip/gzip_size.c"]
    flags = [
        "-g",
        "-O2",
        "-Iext/src",
        "-Iext/src/gzip",
        "-fsanitize=fuzzer,address,undefined",
        "-fno-sanitize-recover=all",
    ]
    built = subprocess.run(
        [clang, *flags, *sources, "-o", program, "-lz"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if built.returncode:
        print(f"fuzz: {clang} cannot build the libFuzzer target: {built.stderr.strip().splitlines()[-1]}")
        return None
    limits = [*LIMITS, f"-max_total_time={seconds}", "-max_len=4200", artifacts]
    return subprocess.run([program, *limits, folder], cwd=BUILD, check=False).returncode


def atheris(seconds):
    """Grammar loading by atheris, in a process of its own; None where atheris is missing."""
    if importlib.util.find_spec("atheris") is None:
        return None
    folder, artifacts = corpus("grammar")
    limits = [*LIMITS, f"-max_total_time={seconds}", "-max_len=6000", artifacts]
    return subprocess.run([sys.executable, __file__, "--atheris", *limits, folder], check=False).returncode


def atheris_main(arguments):
    import atheris as engine

    with engine.instrument_imports(include=["ziplaw"]):
        import ziplaw.grammars.checks
        import ziplaw.grammars.grammar
        import ziplaw.grammars.notation  # noqa: F401

    engine.Setup([sys.argv[0], *arguments], fuzz_checks.grammar)
    engine.Fuzz()


def mutations(name, seconds, seed=0):
    """The same checks on random mutations, without guidance."""
    check, pool, rng = getattr(fuzz_checks, name), fuzz_checks.seeds()[name], np.random.default_rng(seed)
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = fuzz_checks.mutated(rng, pool)
        try:
            check(data)
        except Exception:
            BUILD.mkdir(parents=True, exist_ok=True)
            failed = BUILD / f"failed-{name}-{runs}"
            failed.write_bytes(data)
            print(f"fuzz: {name} failed on {os.path.relpath(failed)}")
            raise
        runs += 1
    print(f"fuzz: {name}: {runs} mutations, no failure")
    return 0


def reader(name, seconds, runs=0, seed=0):
    """One reader on random mutations; a crash, a hang and a hunger for memory end its process only."""
    arguments = [sys.executable, Path(__file__).with_name("fuzz_readers.py"), name, seconds, runs, seed]
    status = subprocess.run(list(map(str, arguments)), check=False).returncode
    if status:
        print(f"fuzz: reader {name} ended with {status} on {os.path.relpath(BUILD / f'reader-{name}')}")
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", choices=["scorer", "grammar", "table", *fuzz_readers.READERS])
    parser.add_argument("--mutations", action="store_true", help="no coverage guidance, even where it is at hand")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations of the readers' inputs")
    options = parser.parse_args()
    failed = []
    for name, guided in {"scorer": libfuzzer, "grammar": atheris, "table": None}.items():
        if options.only not in (None, name):
            continue
        status = None if options.mutations or guided is None else guided(options.seconds)
        how = guided.__name__ if guided else "mutations"
        if status is None:
            how, status = "mutations", mutations(name, options.seconds)
        print(f"fuzz: {name} by {how}: {'FAILED' if status else 'no failure'}", flush=True)
        failed += [name] if status else []
    for name in fuzz_readers.READERS:
        if options.only in (None, name) and reader(name, options.seconds, seed=options.seed):
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--atheris"]:
        atheris_main(sys.argv[2:])
    else:
        sys.exit(main())
