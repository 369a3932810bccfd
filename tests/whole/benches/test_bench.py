"""The GPU bench without a GPU: everything else in it runs, with no more packages than it asks for."""

import csv
import subprocess
import sys

from houses import ROOT

# what there is on a GPU machine: these packages, what torch itself needs, the standard library, and no compiled core
PACKAGES = (
    "torch triton numpy scipy click torchgen functorch typing_extensions sympy mpmath networkx jinja2 markupsafe "
    "fsspec filelock"
)
LEAN = f"""
import runpy, sys
from importlib.machinery import PathFinder

class Lean:
    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or name.startswith("ziplaw._") and (spec.origin or "").endswith(".so"):
            return None
        foreign = "site-packages" in (spec.origin or " ".join(spec.submodule_search_locations or ()))
        return None if foreign and name.split(".")[0] not in {PACKAGES.split()!r} else spec

sys.meta_path[sys.meta_path.index(PathFinder)] = Lean
sys.argv[0] = "bench/gpu.py"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*arguments, **environment):
    # an empty PATH: no git, no compiler
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", LEAN, *map(str, arguments)],
        cwd=ROOT,
        env={"PYTHONPATH": "pkg", "PATH": "", "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=550,
    )


def test_dry_run_exercises_every_part(tmp_path):
    out = tmp_path / "gpu.csv"
    done = run("--dry-run", "-o", out)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["part"] for row in rows} == {
        "device", "correctness", "kernels", "throughput", "profile", "peers", "ensemble", "grid",
    }  # fmt: skip
    assert not [row for row in rows if row["metric"] in ("failed", "broke")]
    assert all(row["device"] == "cpu" and row["torch"] and row["commit"] == "unknown" for row in rows)
    metrics = {(row["part"], row["metric"]) for row in rows}
    for wanted in (
        ("throughput", "tokens_per_s"),
        ("throughput", "of_roof_H100"),
        ("throughput", "compile"),
        ("peers", "final_loss"),
        ("peers", "ziplaw_is_faster"),
        ("profile", "kernels"),
        ("profile", "launches"),
        ("grid", "time"),
        ("correctness", "passed"),
    ):
        assert wanted in metrics
    left_out = [row["note"] for row in rows if row["metric"] == "left out"]
    assert left_out == [
        "the sampler is not built: a walk instead",
        "the cores are not built: setup.py build_ext --inplace",
        "transformers is not installed",
    ]
    assert all(float(row["value"]) > 0 for row in rows if row["metric"] in ("tokens_per_s", "time", "step"))


def test_time_limit_keeps_what_there_is(tmp_path):
    out = tmp_path / "gpu.csv"
    done = run("--dry-run", "--budget-seconds", 0, "--part", "throughput", "--part", "grid", "-o", out)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["part"], row["metric"]) for row in rows] == [("throughput", "left out"), ("grid", "left out")]


def test_the_commit_comes_from_the_environment_where_there_is_no_git(tmp_path):
    out = tmp_path / "gpu.csv"
    done = run("--dry-run", "--part", "device", "-o", out, ZIPLAW_COMMIT="abc123")
    assert done.returncode == 0, done.stderr[-3000:]
    assert {row["commit"] for row in csv.DictReader(out.read_text().splitlines())} == {"abc123"}


def test_without_a_gpu_it_says_so():
    import torch

    if not torch.cuda.is_available():
        done = run()
        assert done.returncode == 1
        assert "--dry-run" in done.stderr
