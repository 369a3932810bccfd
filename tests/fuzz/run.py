"""Coverage-guided fuzzing of one target for so many seconds (`make fuzz`); needs atheris, `pip install '.[fuzz]'`.

Usage: python tests/fuzz/run.py scorer|grammar [--seconds 60] [--input FILE]

The Python code of ziplaw is instrumented by atheris, the C cores by gcc where it can (coverage.c). The inputs that
reached something new stay in build/fuzz/<target>/corpus and are where the next run begins; one that fails is kept in
build/fuzz/<target>/ and run again alone by --input.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "fuzz"
PACKAGE = OUT / "package"
COVERAGE = OUT / "coverage.o"
NAMES = ("scorer", "grammar")
CFLAGS = "-O1 -g -fsanitize-coverage=trace-pc,trace-cmp"
MEMORY_MB = 2048


def build():
    """Put a copy of the package with cores that count edges into build/fuzz; say so when the compiler cannot."""
    ours = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "pkg/ziplaw", PACKAGE / "ziplaw", ignore=ours, dirs_exist_ok=True)
    compiler = (os.environ.get("CC") or "cc").split()[0]
    shim = [compiler, "-std=c99", "-O2", "-c", "-fPIC", "-fvisibility=hidden", ROOT / "tests/fuzz/coverage.c", "-o", COVERAGE]
    cores = [
        sys.executable,
        "setup.py",
        "--quiet",
        "build_ext",
        "--build-lib",
        PACKAGE,
        "--build-temp",
        OUT / "objects",
    ]
    for command in (shim, cores):
        flags = {**os.environ, "ZIPLAW_CFLAGS": CFLAGS, "LDFLAGS": str(COVERAGE)}
        done = subprocess.run(list(map(str, command)), cwd=ROOT, env=flags, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"fuzz: the cores stay without coverage, the compiler says: {done.stderr.strip()[-300:]}")
            shutil.rmtree(PACKAGE)
            return


def counted(atheris):
    """Take the cores that count edges, once the fuzzer whose counters they use is in the process."""
    from atheris import core_with_libfuzzer

    ctypes.CDLL(core_with_libfuzzer.__file__, mode=ctypes.RTLD_GLOBAL)
    sys.path.insert(0, str(PACKAGE))


def kept(target, data):
    """Run the target; on failure say how to run it again."""
    try:
        target(data)
    except BaseException:
        name = f"crash-{hashlib.sha1(data).hexdigest()}"
        path = OUT / target.__name__ / name
        path.write_bytes(data)
        place = path.relative_to(ROOT)
        print(f"\nfuzz: kept {place}; again: python tests/fuzz/run.py {target.__name__} --input {place}", flush=True)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--input", type=Path, help="run this one input, without the fuzzer")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    sys.path[:0] = [str(ROOT / "pkg"), str(ROOT / "bench")]
    if arguments.input:
        import targets

        targets.TARGETS[arguments.target][0](arguments.input.read_bytes())
        print("fuzz: this input passes")
        return
    try:
        import atheris
    except ImportError:
        sys.exit("fuzz: atheris is missing (Linux, Python 3.11 to 3.13): pip install -c constraints.txt -e '.[fuzz]'")
    build()
    if PACKAGE.exists():
        counted(atheris)
    with atheris.instrument_imports(include=["ziplaw"]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import targets
    target, seeds, longest = targets.TARGETS[arguments.target]
    corpus = OUT / arguments.target / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds():
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    options = [f"-max_total_time={arguments.seconds}", f"-max_len={longest}", "-timeout=20", "-print_final_stats=1"]
    options += [f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={OUT / arguments.target}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: kept(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
