"""Build the Cython extensions from ext/ into pkg/ziplaw/ (metadata lives in pyproject.toml)."""

import os
from glob import glob

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = ["-O3", "-std=c99", "-Wall", "-Wextra", "-Wno-unused-function", "-ffp-contract=off"]
# square roots are instructions then; vectors never cross a call, so their calling convention does not matter
FLAGS += ["-fno-math-errno", "-Wno-psabi"]
# set by tests/sanitize.py
CHECKS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SANITIZE = CHECKS if os.environ.get("ZIPLAW_SANITIZE") else []


def extension(core):
    """The binding ext/_<core>.pyx over the C files of ext/src/<core>/."""
    return Extension(
        f"ziplaw._{core}",
        sources=[f"ext/_{core}.pyx", *sorted(glob(f"ext/src/{core}/*.c"))],
        depends=glob("ext/src/**/*.h", recursive=True),
        include_dirs=["ext/src", f"ext/src/{core}", numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=FLAGS + SANITIZE,
        extra_link_args=SANITIZE,
        libraries=["m"],
    )


setup(
    ext_modules=cythonize(
        [extension(core) for core in ("pcfg", "gzip", "earley", "laws", "numerics", "decoder")],
        build_dir="build/cython",
        compiler_directives={"language_level": "3"},
    )
)
