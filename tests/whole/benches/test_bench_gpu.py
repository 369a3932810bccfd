"""On a GPU: every check of bench/gpu.py at one small width, the runs of users among them."""

import csv
import subprocess
import sys

import pytest
from houses import ROOT


@pytest.mark.gpu
def test_every_check_passes_on_the_device(tmp_path):
    out = tmp_path / "gpu.csv"
    words = ["--part", "correctness", "--hidden", "64", "--budget-seconds", "400", "-o", out]
    command = [sys.executable, "bench/gpu.py", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row for row in rows if row["metric"] in ("failed", "broke", "left out")] == []
    assert done.returncode == 0, done.stderr[-3000:]
    for case in ("side by side against each alone", "lstm, gradient in fp32", "ziplaw train: bytes equal"):
        assert f"h=64 {case}" in {row["case"] for row in rows}
