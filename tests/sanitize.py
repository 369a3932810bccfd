"""Build the C cores with address and undefined-behaviour sanitizers and run their tests: `make sanitize`.

    python tests/sanitize.py [pytest arguments]

The build goes to build/sanitize and leaves the normal one alone. Needs gcc with its sanitizer libraries, on Linux.
Under the interpreter leak detection is off: CPython frees neither its interned objects nor its modules at exit, and
their reports would bury ours. The C programs (tests/csrc, tests/verification/earley_faults.c) run with it on. Where
clang is, those of tests/csrc also run under its memory sanitizer, which sees what is read before it was written.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "sanitize"
TESTS = [
    "test_compress",
    "test_floor",
    "test_fuzz",
    "test_grammar*",
    "test_additive",
    "test_sampl*",
    "test_functions",
    "test_linear",
]
FUZZED_INPUTS = 20_000
C_FLAGS = ["-std=c99", "-g", "-O1", "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi", "-fno-sanitize-recover=all"]


def run(*command, **environment):
    print("sanitize:", *(os.path.relpath(c, ROOT) if str(c).startswith(str(ROOT)) else c for c in command), flush=True)
    status = subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ | environment, check=False).returncode
    if status:
        sys.exit(f"sanitize: failed with status {status}")


def library(name):
    """The full path of one of the compiler's own libraries."""
    compiler = os.environ.get("CC", "cc")
    path = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout
    if "/" not in path:
        sys.exit(f"sanitize: {compiler} has no {name}: install the sanitizer libraries of your compiler")
    return path.strip()


def build():
    """Copy the package and build its cores with the sanitizers; returns the environment that loads them."""
    options = ["--build-lib", BUILD / "lib", "--build-temp", BUILD / "temp"]
    run(sys.executable, "setup.py", "--quiet", "build", *options, ZIPLAW_SANITIZE="1")
    return {
        # the sanitizer must be loaded before all else, and the C++ library that other packages throw with beside it
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so.6')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": str(BUILD / "lib"),
        # every object of Python's is an allocation that the sanitizer sees
        "PYTHONMALLOC": "malloc",
    }


def has_memory_sanitizer():
    empty = ["clang", "-fsanitize=memory", "-x", "c", "-", "-o", str(BUILD / "empty")]
    source = b"int main(void) { return 0; }"
    return shutil.which("clang") and subprocess.run(empty, input=source, capture_output=True).returncode == 0


def c_programs():
    compilers = [(os.environ.get("CC", "cc"), "address,undefined")]
    if has_memory_sanitizer():
        compilers.append(("clang", "memory"))
    else:
        print("sanitize: no memory sanitizer: install clang and its runtime, `clang libclang-rt-dev` on Debian")
    for source in sorted(Path(__file__).parent.glob("csrc/*_check.c")):
        stem = source.stem.removesuffix("_check")
        cores = sorted(ROOT.glob(f"ext/src/{stem}/*.c"))
        for compiler, kind in compilers:
            program = BUILD / f"{source.stem}-{kind}"
            include = ["-Iext/src", f"-Iext/src/{stem}"]
            run(compiler, *C_FLAGS, f"-fsanitize={kind}", *include, source, *cores, "-o", program, "-lm")
            run(program)
    run(sys.executable, "-m", "pytest", "-q", "-m", "slow", "tests/verification/test_earley_c.py")


def main():
    checked = build()
    loaded = "import ziplaw._gzip as m; print(m.__file__)"
    where = subprocess.run([sys.executable, "-c", loaded], env=os.environ | checked, capture_output=True, text=True)
    if str(BUILD) not in where.stdout:
        sys.exit(f"sanitize: the sanitized cores are not the ones that load: {where.stdout}{where.stderr}")
    options = [
        "-o",
        f"pythonpath={BUILD / 'lib'} tests tests/helpers tests/helpers/laws tests/helpers/sweeps tests/fuzzing",
        "-p",
        "no:cacheprovider",
        "--capture=sys",
    ]  # so that reports show
    pytest = [sys.executable, "-m", "pytest", "-q", *options]
    tests = [path for name in TESTS for path in sorted(Path(__file__).parent.rglob(f"{name}.py"))]
    run(*pytest, *tests, *sys.argv[1:], **checked)
    run(sys.executable, "bench/fuzz_scorer.py", "--inputs", FUZZED_INPUTS, **checked)
    c_programs()


if __name__ == "__main__":
    main()
