"""What Snakemake says, read: which jobs run, and in one line why it failed."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ziplaw.errors import ZiplawError
from ziplaw.pilots import workflow

SAID = """Job 8: Round 1: training h12
Job 9: Round 1: training h16
Finished jobid: 9 (Rule: pilot_run)
Error in rule pilot_run:
    message: None
    jobid: 8
    input: results/x/rounds/1.json
    log: {log} (check log file(s) for error details)
    shell:
"""


def seen_of(text):
    seen = workflow.Seen()
    for line in text.splitlines(keepends=True):
        seen.read(line)
    return seen


def test_jobs_begin_and_end():
    seen = seen_of(SAID.format(log="nowhere.log"))
    assert [message for message, _ in seen.running.values()] == ["Round 1: training h12"]
    assert seen.logs == [Path("nowhere.log")]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("step 3/4\nziplaw: error: texts/ holds no text: give another path\n", "texts/ holds no text: give another"),
        ("step 3/4\n", "a job ended without a reason, killed perhaps, its last line is 'step 3/4'"),
        ("", "a job ended without a reason, killed perhaps ("),
    ],
)
def test_the_reason_is_the_jobs_own(tmp_path, log, words):
    (tmp_path / "a.log").write_text(log)
    reason = seen_of(SAID.format(log=tmp_path / "a.log")).reason(1)
    assert reason.startswith(words)
    assert str(tmp_path / "a.log") in reason
    assert "\n" not in reason


def test_the_reason_may_be_snakemakes():
    said = "Building DAG of jobs...\nMissingInputException in rule pilot_corpus in file x, line 3:\n  no/such/texts\n"
    assert seen_of(said).reason(1) == "MissingInputException in rule pilot_corpus in file x, line 3: no/such/texts"
    said += "    output: results/x/tokenizer.json\n    affected files:\n        no/such/texts\n"
    assert seen_of(said).reason(1).startswith("no/such/texts is not there, and nothing makes it: put it back")
    assert seen_of("").reason(-9) == "Snakemake was ended by SIGKILL: the same command goes on"


def test_without_a_checkout_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(workflow, "__file__", str(tmp_path / "lib" / "ziplaw" / "pilots" / "workflow.py"))
    with pytest.raises(ZiplawError, match=r"installed without its workflow .*: clone its repository"):
        workflow.snakefile()


def test_nothing_outlives_the_command(tmp_path):
    child = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with open(tmp_path / "said", "wb") as said:
        with workflow._process([sys.executable, "-c", code], tmp_path, said.fileno()) as process:
            until = time.monotonic() + 20
            while not (tmp_path / "said").read_text().endswith("\n") and time.monotonic() < until:
                time.sleep(0.02)
        grandchild = int((tmp_path / "said").read_text())
    assert process.returncode == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(grandchild, 0)


def test_gpus_are_counted_as_the_driver_lists_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert workflow.n_gpus() == 0
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: one (UUID: a)'\necho '  MIG 1g'\necho 'GPU 1: another (UUID: b)'\n")
    tool.chmod(0o755)
    assert workflow.n_gpus() == 2
