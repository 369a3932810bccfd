"""Make what stands behind the runs of a sweep anew, in a process that may see another processor (test_same_bits.py).

    python tests/helpers/sweeps/remade.py RUNS.csv

writes it into the current folder and prints, as the last line and as JSON, which features and which BLAS numpy has
found, and digests of what the C library, numpy and BLAS give for the same numbers: they tell whether the process really
sees another machine.
"""

import ctypes
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
from numpy._core import _multiarray_umath as core
from simulated_pilot import simulated_pilot

from ziplaw.base.documents import read_csv
from ziplaw.cli import command

# laws that other tables are fitted by, and links
LAWS = (
    "--law bounded", "--law kaplan", "--law kaplan-coupled", "--law power", "--law broken --intervals delta",
    "--link power --intervals sandwich", "--intervals residual",
)  # fmt: skip
GRAMMAR = "--nonterminals 12 --terminals 60 --rhs-options 4 --rhs-length 4"


def ziplaw(line, *paths):
    """Run a verb with options and paths; its output."""
    command([*line.split(), *map(str, paths)], standalone_mode=False)


def seen():
    """What the process sees of its machine."""
    x = np.linspace(-20, 20, 20011)
    square = np.random.default_rng(0).random((90, 90))
    return {
        "features": sorted(name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)),
        "blas": blas(),
        "libm": [digest(np.array([f(v) for v in np.abs(x) + 0.1])) for f in (math.exp, math.log, math.log1p)],
        "numpy": digest(np.tanh(x)),
        "product": digest(square @ square),
    }


def blas():
    """The kernels that numpy's OpenBLAS chose; None of another BLAS."""
    for path in sorted((Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*")):
        library = ctypes.CDLL(str(path))
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(library, name):
                getattr(library, name).restype = ctypes.c_char_p
                return getattr(library, name)().decode()
    return None


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def remake(runs):
    """Write everything into the current folder."""
    folder = Path()
    for seed in (1, 2):
        (folder / "grammars").mkdir(exist_ok=True)
        grammar = folder / "grammars" / f"g{seed}.json"
        ziplaw(f"grammar new {GRAMMAR} --seed {seed} -o", grammar)
        ziplaw("sample --documents 64 --context 64 -o", folder / f"corpus{seed}", grammar)
        ziplaw("floor --documents 32 -o", folder / f"floor{seed}.json", grammar)
        ziplaw(
            "score --window 64 --samples 40 -o", folder / f"score{seed}.json", folder / f"corpus{seed}" / "train.npy"
        )
    corpora = [folder / f"corpus{seed}" for seed in (1, 2)]
    # zstd's ratios hang on the version of its library
    ziplaw("covariates --no-zstd --window 64 --samples 40 -o", folder / "covariates.csv", *corpora,
           "--details", folder / "covariates.json")  # fmt: skip
    names = sorted({row["dataset"] for row in read_csv(runs)})
    fits = [folder / "fits" / f"{name}.json" for name in names]
    for path in fits:
        ziplaw(f"fit --dataset {path.stem} --bootstrap 100 -o", path, runs)
    ziplaw("fits-table -o", folder / "fits.csv", *fits, "--links", folder / "links.csv")
    ziplaw("regress --bootstrap 20 --runs", runs, "--fits", *fits, "-o", folder / "regression.json",
           "--claims", folder / "claims.csv")  # fmt: skip
    ziplaw("frontier --regression", folder / "regression.json", "--fits", *fits, "-o", folder / "frontier.csv")
    pilot = simulated_pilot(folder / "pilot")
    ziplaw("pilot-plan", pilot)
    ziplaw("pilot-page", pilot)
    where = f"--where dataset={names[0]}"
    ziplaw(f"fit {where} --plot", folder / "law.svg", runs)
    for number, law in enumerate(LAWS):
        ziplaw(f"fit {where} {law} --bootstrap 100 -o", folder / f"law{number}.json", runs)


if __name__ == "__main__":
    remake(Path(sys.argv[1]))
    print(json.dumps(seen()))
