"""The GPU bench without a GPU: everything else in it runs, with no more packages than it asks for."""

import csv
import subprocess
import sys

from houses import ROOT

# what a plain checkout on a GPU machine need not have
ABSENT = (
    "pydantic pandas nltk tqdm zstandard transformers yaml jinja2 matplotlib tokenizers pyarrow snakemake pytest "
    "hypothesis liger_kernel"
)


def run(*arguments):
    code = (
        f"import sys, runpy; sys.modules.update(dict.fromkeys({ABSENT!r}.split()));"
        "sys.argv[0] = 'bench/gpu.py'; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={"PYTHONPATH": "pkg", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
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
        "device", "correctness", "kernels", "throughput", "peers", "ensemble", "grid",
    }  # fmt: skip
    assert not [row for row in rows if row["metric"] == "failed"]
    assert all(row["device"] == "cpu" and row["torch"] and row["commit"] for row in rows)
    metrics = {(row["part"], row["metric"]) for row in rows}
    for wanted in (
        ("throughput", "tokens_per_s"),
        ("throughput", "of_roof_H100"),
        ("throughput", "compile"),
        ("peers", "final_loss"),
        ("grid", "time"),
        ("correctness", "passed"),
    ):
        assert wanted in metrics
    left_out = [row["note"] for row in rows if row["metric"] == "left out"]
    assert "transformers is not installed" in left_out
    assert all(float(row["value"]) > 0 for row in rows if row["metric"] in ("tokens_per_s", "time", "step"))


def test_time_limit_keeps_what_there_is(tmp_path):
    out = tmp_path / "gpu.csv"
    done = run("--dry-run", "--budget-seconds", 0, "--part", "throughput", "--part", "grid", "-o", out)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["part"], row["metric"]) for row in rows] == [("throughput", "left out"), ("grid", "left out")]


def test_without_a_gpu_it_says_so():
    import torch

    if not torch.cuda.is_available():
        done = run()
        assert done.returncode == 1
        assert "--dry-run" in done.stderr
