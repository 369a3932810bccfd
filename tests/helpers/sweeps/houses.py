"""Folders that share the project's code and have results of their own, and Snakemake in them."""

import atexit
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PARTS = ["Snakefile", "rules", "config", "profiles", "pkg", "ext", "setup.py", "pyproject.toml", "README.md", "LICENSE"]


def build(folder):
    """Fill a folder with links to the project and return it."""
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    return folder


def environment(house):
    return {**os.environ, "XDG_CACHE_HOME": str(house / "cache")}


def snakemake(house, *arguments, cores=1, timeout=120):
    """Run Snakemake in a house; return its status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *map(str, arguments)],
        cwd=house,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(house),
        timeout=timeout,
    )
    return done.returncode, done.stdout


@cache
def _dry_runs():
    """A process that has Snakemake imported: starting one takes seconds, a copy of it a tenth of that."""
    command = [sys.executable, ROOT / "tests" / "helpers" / "sweeps" / "dry_runs.py"]
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)
    return process


def dry_run(house, *arguments, cores=1, versions=None, environment=None):
    """Run Snakemake, where it starts no job, in a copy of a process that has it imported; status and what it printed.

    ``versions`` are other values of integers in ziplaw.versions, ``environment`` of variables. With ``cores`` None a
    profile says how many.
    """
    words = [*(["--cores", str(cores)] if cores else []), "--nocolor", *map(str, arguments)]
    asked = {"house": str(house), "arguments": words, "versions": versions or {}, "environment": environment or {}}
    process = _dry_runs()
    print(json.dumps(asked), file=process.stdin)
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def planned(output):
    """Jobs by rule of a dry run."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M) if name != "total"}
