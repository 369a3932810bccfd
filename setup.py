"""Build the Cython extensions from ext/ into pkg/ziplaw/ (metadata lives in pyproject.toml)."""

import os
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = ["-O3", "-std=c99", "-Wall", "-Wextra", "-Wno-unused-function", "-ffp-contract=off"]
# set by tests/sanitize.py
CHECKS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SANITIZE = CHECKS if os.environ.get("ZIPLAW_SANITIZE") else []


def extension(name, *sources):
    return Extension(
        f"ziplaw.{name}",
        sources=[f"ext/{name}.pyx", *sources],
        depends=[*glob("ext/*.pyx"), *glob("ext/*.pxd"), *glob("ext/src/*.[ch]")],
        include_dirs=["ext/src"],
        extra_compile_args=FLAGS + SANITIZE,
        extra_link_args=SANITIZE,
        libraries=["m"],
    )


setup(
    ext_modules=cythonize(
        [
            extension("_pcfg", *sorted(glob("ext/src/pcfg*.c"))),
            extension("_gzip", "ext/src/gzip_size.c"),
            extension("_earley", "ext/src/earley.c", "ext/src/earley_grammar.c"),
            extension("_laws", "ext/src/lawfit.c"),
        ],
        build_dir="build/cython",
        compiler_directives={"language_level": "3"},
    )
)
