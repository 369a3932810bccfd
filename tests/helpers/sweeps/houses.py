"""Folders that share the project's code and have results of their own, and Snakemake in them."""

import os
import re
import subprocess
import sys
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


def planned(output):
    """Jobs by rule of a dry run."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M) if name != "total"}
