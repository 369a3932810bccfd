"""This machine as one of fewer instructions: every library takes the code for another processor."""

import os
import shutil
import subprocess
import sys
import sysconfig

import numpy._core._multiarray_umath as umath
from houses import ROOT

ENVIRONMENT = {
    # numpy: all that it chooses by the processor and that is here
    "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)),
    # the C library's exp, log, pow, sin and cos without fused multiply-adds
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",
    # the matrix products of numpy, SciPy and torch, and torch's own loops
    "OPENBLAS_CORETYPE": "Nehalem",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ATEN_CPU_CAPABILITY": "default",
}


def other_c_library(folder):
    """Return the environment of a process whose elementary functions are now and then a unit off in the last place."""
    library = folder / "other_libm.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    compiler = compiler if shutil.which(compiler[0]) else ["cc"]
    source = ROOT / "tests" / "csrc" / "other_libm.c"
    command = [*compiler, "-O1", "-shared", "-fPIC", "-fno-builtin", source, "-o", library, "-lm", "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library)}


def output_there(code: str, **more: str) -> str:
    """Run Python code in a child process that sees such a processor; return what it prints."""
    return _output(code, ENVIRONMENT | more)


def output_here(code: str) -> str:
    """Run Python code in a child process as this machine is; return what it prints."""
    return _output(code, {})


def _output(code, more):
    parts = ("pkg", "tests", "tests/helpers", "tests/helpers/sweeps")
    path = os.pathsep.join(str(ROOT / part) for part in parts)
    environment = {**os.environ, "PYTHONPATH": path, **more}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
