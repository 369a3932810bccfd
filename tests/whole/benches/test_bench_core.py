"""The cores' bench runs end to end, its correctness columns hold, and it writes its table where a page says."""

import csv
import importlib
import subprocess
import sys

import pytest
from houses import ROOT

sys.path.insert(0, str(ROOT / "bench"))

core = importlib.import_module("core")


def run(*arguments):
    command = [sys.executable, str(ROOT / "bench" / "core.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_quick_run_of_every_core(tmp_path):
    done = run("--quick", "--out", tmp_path / "core.csv")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "core.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["core"] for row in rows} == set(core.CORES) >= {"floor", "pipeline", "scorer"}
    assert all(float(row["ziplaw_is_faster"]) > 0 for row in rows)
    scorer = [row for row in rows if row["core"] == "scorer"]
    same = {row["method"]: row["same_sizes"] for row in scorer}
    # the speed claims are against these: they compute the same thing, and ziplaw gets the same sizes
    assert {same[name] for name in ("ziplaw", "paper's loop", "Python zlib", "ziplaw, 2 threads (wall)")} == {"true"}
    assert {row["same_sizes"] for row in scorer if row["method"] == "C zlib"} <= {"true"}
    assert all(float(row["largest_difference"]) < 1e-10 for row in rows if row["core"] == "floor")


def test_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{core.BEGIN}\nold\n{core.END}\nafter\n")
    core.write_markdown(page, core.markdown_table([{"a": 1, "b": 0.12345}, {"a": 2000, "c": True}]))
    table = "| a | b | c |\n| --- | --- | --- |\n| 1 | 0.123 |  |\n| 2,000 |  | yes |"
    assert page.read_text() == f"before\n{core.BEGIN}\n\n{table}\n\n{core.END}\nafter\n"
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="once each"):
        core.write_markdown(page, "table")
    assert page.read_text() == "no marks\n"
    assert (ROOT / "docs" / "benchmarks.md").read_text().count(core.BEGIN) == 1
