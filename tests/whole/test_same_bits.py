"""The same bytes whatever the processor and the C library: everything behind the runs is made under other ones.

A process is shown a lesser processor: numpy without the features that it chooses code by, OpenBLAS with the kernels of
an old one, the C library without fused multiply-adds. Another is shown another C library, one whose elementary
functions are now and then a unit off in the last place. Where a machine has no such feature to take away, or no
glibc, nothing is taken away, and what is left still has to agree.
"""

import ast
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import lesser_processor
import pytest
from houses import ROOT
from numpy._core import _multiarray_umath as core

import import_graph

REMADE = ROOT / "tests" / "helpers" / "sweeps" / "remade.py"
RUNS = ROOT / "tests" / "golden" / "runs.csv"
X86 = platform.machine() in ("x86_64", "AMD64")
GLIBC = platform.libc_ver()[0] == "glibc"
FEATURES = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


def fused():
    """Whether the C library has code for fused multiply-adds here, which it can be told not to use."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return X86 and GLIBC and "fma" in flags and "avx2" in flags


def made(folder, **machine):
    """Everything anew on a machine so described: relative path -> bytes, and what the process saw."""
    folder.mkdir()
    kept = {k: v for k, v in os.environ.items() if k not in lesser_processor.ENVIRONMENT}
    environment = kept | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"} | machine
    done = subprocess.run(
        [sys.executable, REMADE, RUNS], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return files, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    files, seen = made(tmp_path_factory.mktemp("here") / "made")
    assert len(files) > 25
    assert {
        "regression.json",
        "claims.csv",
        "frontier.csv",
        "links.csv",
        "covariates.csv",
        "covariates.json",
        "floor1.json",
        "law6.json",
        "law.svg",
        "pilot/plan.json",
        "pilot/plan.html",
    } <= set(files)
    return files, seen


def assert_same(found, wanted):
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == []


def test_a_lesser_processor(here, tmp_path):
    files, seen = made(tmp_path / "made", **lesser_processor.ENVIRONMENT)
    # the process did see another machine: what numpy and the C library give for the same numbers has changed
    assert seen["features"] == []
    if X86 and here[1]["blas"] not in (None, "Nehalem"):
        assert seen["blas"] == "Nehalem"
        assert seen["product"] != here[1]["product"] or not FEATURES
    if fused():
        assert seen["libm"] != here[1]["libm"]
    if {"X86_V3", "AVX2"} & set(FEATURES):
        assert seen["numpy"] != here[1]["numpy"]
    assert_same(files, here[0])


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are preloaded by Linux's loader")
def test_another_c_library(here, tmp_path):
    files, seen = made(tmp_path / "made", **lesser_processor.other_c_library(tmp_path))
    assert all(one != other for one, other in zip(seen["libm"], here[1]["libm"]))
    assert_same(files, here[0])


# -- what the sources may not use, for the machines that cannot be shown here ---------------------------------------

# elementary functions and everything that goes to BLAS or LAPACK; numpy's square root, sums and products of entries
# are the same everywhere
_FUNCTIONS = (
    "exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 power float_power sin cos tan sinh cosh tanh arcsin "
    "arccos arctan arctan2 arcsinh arccosh arctanh cbrt hypot geomspace logspace dot vdot inner matmul tensordot cov "
    "corrcoef polyfit convolve correlate roots"
).split()
_MATH = "exp exp2 expm1 log log2 log10 log1p pow sin cos tan sinh cosh tanh atan hypot erf erfc gamma lgamma".split()
_DRAWS = "normal standard_normal lognormal gamma standard_gamma chisquare beta dirichlet exponential".split()
_GENERATOR = re.compile(r"\b(rng|random|default_rng\(.*\))$")
# scipy's that neither have sums of products nor elementary functions: ranks, a root between bounds, sparse products;
# what spectra.py takes from a sparse solver it rounds
SCIPY = {
    "laws.dependence.statistics.permutation": {"stats.rankdata"},
    "laws.outcomes.mixtures": {"stats.rankdata"},
    "laws.forms.kaplan": {"optimize.brentq"},
    "grammars.spectra": {"sparse"},
}
# an angle on the page, rounded; decades of compute in a sentence, rounded to whole ones
# the products of spectra.py are scipy's, of sparse matrices: a sum a row, in the order of its entries
ALLOWED = {("grammars.spectra", "@"), ("report.figures.loss_contours", "np.arctan2"), ("report.doubts", "math.log10")}
# torch's own passes, which no decoder on a CPU is trained by; rates that are powers of two apart
ALLOWED |= {(f"models.{name}", "@") for name in ("decoder", "lstm", "plain_decoder")}
ALLOWED |= {("models.plain_decoder", "**"), ("training.steps.plain_step", "**"), ("training.tune", "**")}
ROOMS = ("grammars", "corpora", "models", "training", "tables", "laws", "sweep", "pilots", "studies", "report", "base")


def found_in(tree):
    """What hangs on the machine in a module, as written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            text, owner = ast.unparse(node), ast.unparse(node.value)
            named = {"np": _FUNCTIONS, "math": _MATH}.get(owner, ())
            drawn = node.attr in _DRAWS and _GENERATOR.search(owner)
            if node.attr in named or drawn or (owner == "np.linalg" and node.attr != "LinAlgError"):
                yield text
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "np.einsum" and "," in ast.unparse(node.args[0]):
            yield "np.einsum"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield "@"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not isinstance(node.left, ast.Constant):
            yield "**"


def scipy_of(tree):
    """Names of scipy's that a module uses."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scipy":
            for alias in node.names:
                path = ".".join([*node.module.split(".")[1:], alias.name])
                names[alias.asname or alias.name] = path
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"
        elif isinstance(node, ast.Name) and "." in names.get(node.id, ""):
            yield names[node.id]


MODULES = {
    name.removeprefix("ziplaw."): ast.parse(path.read_text(encoding="utf-8"))
    for name, path in import_graph.modules().items()
    if name.removeprefix("ziplaw.").split(".")[0] in ROOMS
}


def test_no_module_asks_the_machine_for_last_digits():
    found = {(module, text) for module, tree in MODULES.items() for text in found_in(tree)}
    assert found == ALLOWED


def test_no_module_takes_more_from_scipy():
    for module, tree in MODULES.items():
        allowed = SCIPY.get(module, set())
        assert [n for n in scipy_of(tree) if not any(n == a or n.startswith(a + ".") for a in allowed)] == [], module


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("np.log(x)", ["np.log"]),
        ("a @ b", ["@"]),
        ("x**0.5", ["**"]),
        ("2**63", []),
        ("np.linalg.solve(a, b)", ["np.linalg.solve"]),
        ("np.random.default_rng(1).normal(0, 1)", ["np.random.default_rng(1).normal"]),
        ("problems.normal(0, 1)", []),
        ("np.einsum('ij,j->i', a, b)", ["np.einsum"]),
        ("np.einsum('ii->i', a)", []),
    ],
)
def test_what_is_found(line, found):
    assert list(found_in(ast.parse(line))) == found
