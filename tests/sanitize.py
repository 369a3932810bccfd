"""Build the C cores with address and undefined-behaviour sanitizers and run their tests under them (`make sanitize`).

Everything made lies in build/sanitized/; the package in pkg/ stays as it is. The programs of tests/csrc and
tests/verification run with leak detection. The extensions run without: the interpreter itself keeps memory to its
end, which hides what an extension leaks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from glob import glob
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "sanitized"
FLAGS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g", "-O1"]
CORES = ("_pcfg", "_gzip", "_earley", "_laws")
# tests of the cores: malformed input, properties, twins; timings and what only draws or trains are left out
TESTS = ("test_compress.py", "test_sampling.py", "test_grammar.py", "test_floor.py", "test_law_solver.py")
ASAN_OPTIONS = "detect_leaks=0:allocator_may_return_null=1:abort_on_error=0"
UBSAN_OPTIONS = "print_stacktrace=1:halt_on_error=1"


def run(*command, **environment):
    """Run a command in the repository; its failure is this program's."""
    print("+", *[os.path.relpath(c, ROOT) if str(c).startswith(str(ROOT)) else c for c in command], flush=True)
    result = subprocess.run([str(c) for c in command], cwd=ROOT, env={**os.environ, **environment}, check=False)
    if result.returncode:
        sys.exit(f"sanitize: {Path(command[0]).name} ended with status {result.returncode}")


def runtime():
    """Return (compiler, path of its address sanitizer's library), or end when it has none."""
    compiler = (os.environ.get("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(f"sanitize: there is no C compiler {compiler}: install one, or set CC")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "probe"
        command = [compiler, *FLAGS, "-x", "c", "-", "-o", str(program)]
        built = subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True, check=False)
        works = built.returncode == 0 and subprocess.run([program], capture_output=True, check=False).returncode == 0
    library = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    path = library.stdout.strip()
    if not works or not os.path.isabs(path):
        sys.exit(f"sanitize: {compiler} has no address sanitizer here: use gcc with libasan (CC=gcc make sanitize)")
    return compiler, path


def programs(compiler):
    """The C checks that need no interpreter, with leak detection."""
    cores = sorted(glob("ext/src/*.c", root_dir=ROOT))
    for source in sorted(glob("tests/csrc/*.c", root_dir=ROOT)):
        program = OUT / Path(source).stem
        run(compiler, "-std=c99", "-ffp-contract=off", *FLAGS, "-Iext/src", source, *cores, "-o", program, "-lm")
        run(program, ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS=UBSAN_OPTIONS)
    run(sys.executable, "-m", "pytest", "-q", "-m", "slow", "tests/verification/test_earley_c.py")


def extensions(library, tests):
    """The four extensions in a copy of the package, and the tests on that copy."""
    shutil.copytree(ROOT / "pkg/ziplaw", OUT / "ziplaw", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    build = (sys.executable, "setup.py", "--quiet", "build_ext", "--build-lib", OUT, "--build-temp", OUT / "objects")
    run(*build, ZIPLAW_CFLAGS=" ".join(FLAGS), LDFLAGS="-fsanitize=address,undefined")
    sanitized = {
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": ASAN_OPTIONS,
        "UBSAN_OPTIONS": UBSAN_OPTIONS,
        "PYTHONMALLOC": "malloc",  # small objects too lie between guarded bytes
        "PYTHONPATH": str(OUT),
    }
    # the copy holds no other build of the cores, so this fails unless the sanitized ones are there
    run(sys.executable, "-c", f"from ziplaw import {', '.join(CORES)}", **sanitized)
    files = [f"tests/{name}" for name in tests if (ROOT / "tests" / name).exists()]
    # a report is written just before the process ends: captured, it would be lost
    options = ("-q", "--capture=sys", "-o", "pythonpath=build/sanitized tests")
    run(sys.executable, "-m", "pytest", *options, *files, **sanitized)


def main():
    compiler, library = runtime()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    programs(compiler)
    extensions(library, sys.argv[1:] or TESTS)
    print("sanitize: no error found")


if __name__ == "__main__":
    main()
