"""A small pilot from files to its page: killed on the way and resumed, it ends with the same bytes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from houses import build, environment

from ziplaw.base.documents import read_json
from ziplaw.pilots.workplace import left_over

TINY = ["--builtin", "code", "--tokenizer", "bytes", "--flops", "1e15", "--pilot-flops", "6e10", "--cores", "2"]
TABLES = ["runs.csv", "plan.csv", "isoflop.csv", "best_n.csv", "held_out.csv", "plan.json", "rounds/1.json"]


def start(house):
    return subprocess.Popen(
        [sys.executable, "-m", "ziplaw", "pilot", *TINY, "--name", "tiny"],
        cwd=house,
        env=environment(house) | {"PYTHONPATH": str(house / "pkg"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), out + err
    return out


def tables(house):
    folder = house / "results" / "tiny"
    found = {name: (folder / name).read_bytes() for name in TABLES}
    return found | {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("runs/*/*/*/*"))}


def until(there, process, limit_s=300):
    """Wait until something is there."""
    end = time.monotonic() + limit_s
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    house = build(tmp_path_factory.mktemp("undisturbed"))
    return house, finished(start(house))


@pytest.mark.slow
def test_a_pilot_ends_with_its_plan_and_has_nothing_more_to_do(undisturbed):
    house, out = undisturbed
    folder = house / "results" / "tiny"
    assert "The page: results/tiny/plan.html" in out
    assert (folder / "plan.html").stat().st_size > 10_000
    spent = sum(run["C"] for path in folder.glob("rounds/*.json") for run in read_json(path, "pilot_round")["runs"])
    assert 0.5 * 6e10 < spent <= 1.01 * 6e10
    before = tables(house)
    began = time.monotonic()
    assert finished(start(house)) == out
    assert time.monotonic() - began < 30
    assert tables(house) == before


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs Linux")
@pytest.mark.parametrize("killed", ["everything", "the command alone", "Snakemake alone", "a training job"])
def test_a_killed_pilot_goes_on_to_the_same_bytes(undisturbed, tmp_path, killed):
    house = build(tmp_path)
    folder = house / "results" / "tiny"
    process = start(house)
    # while the first round trains
    until(lambda: (folder / "rounds" / "1.json").exists() and list(folder.glob("runs/*/*/s1/run.json")), process)
    parts = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left_over(folder)}
    those = {
        "everything": [process.pid, *parts],
        "the command alone": [process.pid],
        "Snakemake alone": [pid for pid, words in parts.items() if b"\0snakemake\0" in words],
        "a training job": [pid for pid, words in parts.items() if b"pilot-run" in words and b"-m\0ziplaw" in words],
    }[killed]
    assert those
    for pid in those:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=600)
    if killed == "a training job":
        assert process.returncode == 2
        assert "killed perhaps" in err
    elif killed == "Snakemake alone":
        assert process.returncode == 2
        assert "Snakemake was ended by SIGKILL: the same command goes on" in err
    else:
        assert process.returncode == -signal.SIGKILL
    finished(start(house))
    assert left_over(folder) == []
    assert tables(house) == tables(undisturbed[0])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pilot_that_is_told_to_stop_leaves_nothing_running(tmp_path, number):
    house = build(tmp_path)
    process = start(house)
    until(lambda: (house / "results" / "tiny" / "rounds" / "1.json").exists(), process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    said = {signal.SIGINT: "ziplaw: interrupted", signal.SIGTERM: "ziplaw: ended by SIGTERM"}[number]
    assert {line for line in err.splitlines() if line} == {said, "ziplaw: the same command goes on"}
    assert left_over(house / "results" / "tiny") == []
