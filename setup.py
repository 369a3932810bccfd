"""Build the Cython extensions from ext/ into pkg/ziplaw/ (metadata lives in pyproject.toml)."""

import os
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = ["-O3", "-std=c99", "-Wall", "-Wextra", "-Wno-unused-function", "-ffp-contract=off"]
# the sanitized build adds its own
FLAGS += os.environ.get("ZIPLAW_CFLAGS", "").split()


def extension(name, *sources):
    return Extension(
        f"ziplaw.{name}",
        sources=[f"ext/{name}.pyx", *sources],
        depends=[*glob("ext/*.pyx"), *glob("ext/*.pxd"), *glob("ext/src/*.[ch]")],
        include_dirs=["ext/src"],
        extra_compile_args=FLAGS,
        libraries=["m"],
    )


setup(
    ext_modules=cythonize(
        [
            extension("_pcfg", "ext/src/pcfg.c", "ext/src/pcfg_tables.c", "ext/src/pcfg_paper.c"),
            extension("_gzip", "ext/src/gzip_size.c"),
            extension("_earley", "ext/src/earley.c", "ext/src/earley_grammar.c"),
            extension("_laws", "ext/src/lawfit.c"),
        ],
        build_dir="build/cython",
        compiler_directives={"language_level": "3"},
    )
)
