"""What a sweep costs beside its work: Snakemake, and starting a process for every job.

    python bench/overhead/sweep.py [--config config/default.yaml] [--cores 2] [--out table.csv] [--markdown PAGE]

Runs a sweep from nothing in a folder of its own. Work is what a verb uses of processors from its first line on, without
imports (sitecustomize.py beside this notes it in every process). What the sweep had are its cores times its wall time.
What is not work is overhead: starts of processes with their imports, Snakemake itself, and cores that had nothing to
do, be it that Snakemake was busy or that jobs waited for others. All of it is measured in one run, on whatever the
machine; it must have so many cores free.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "rules", "config", "profiles", "ext", "setup.py", "pyproject.toml", "README.md", "LICENSE"]
BEGIN, END = "<!-- overhead/sweep.py writes from here -->", "<!-- overhead/sweep.py writes to here -->"


def house(folder):
    """The project's code in a folder, with sitecustomize.py beside the package."""
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    (folder / "pkg").mkdir()
    (folder / "pkg" / "ziplaw").symlink_to(ROOT / "pkg" / "ziplaw")
    (folder / "pkg" / "sitecustomize.py").symlink_to(Path(__file__).with_name("sitecustomize.py"))
    return folder


def run(folder, config, cores):
    """Run the sweep; wall seconds, processor seconds of all its processes, and the jobs' own accounts."""
    accounts = folder / "accounts.jsonl"
    environment = os.environ | {"ZIPLAW_OVERHEAD": str(accounts), "XDG_CACHE_HOME": str(folder / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "progress", "--configfile", config]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, [json.loads(line) for line in accounts.read_text().splitlines()]


def rows(wall, cpu, jobs, cores):
    """Core seconds by what they went into, and their share of the sweep's."""
    had = cores * wall
    work, starts = defaultdict(float), defaultdict(float)
    count = defaultdict(int)
    for job in jobs:
        count[job["verb"]] += 1
        work[job["verb"]] += job["cpu_s"] - job["start_cpu_s"]
        starts[job["verb"]] += job["start_cpu_s"]
    order = sorted(work, key=work.get, reverse=True)
    table = [(f"work of {verb}", count[verb], work[verb]) for verb in order]
    table += [
        ("all work", len(jobs), sum(work.values())),
        ("starts of their processes", len(jobs), sum(starts.values())),
    ]
    driver = cpu - sum(job["cpu_s"] for job in jobs)
    table += [("Snakemake and shells", "", driver), ("cores without work", "", had - cpu)]
    table += [("everything but work", "", had - sum(work.values()))]
    return [
        {"what": what, "processes": n, "core_s": round(s, 2), "percent": round(100 * s / had, 1)}
        for what, n, s in table
    ]


def markdown(found, wall, cores, config):
    lines = [f"`{config}` from nothing: {wall:.0f} s of wall time on {cores} cores.", ""]
    lines += ["| what | processes | core seconds | % of the sweep's |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(str(cell) for cell in row.values()) + " |" for row in found]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="config/default.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--markdown", type=Path, help="page whose table is written anew")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu, jobs = run(house(Path(folder)), arguments.config, arguments.cores)
    found = rows(wall, cpu, jobs, arguments.cores)
    text = markdown(found, wall, arguments.cores, arguments.config)
    print(text)
    if arguments.out:
        with open(arguments.out, "w", newline="") as stream:
            table = csv.DictWriter(stream, found[0])
            table.writeheader()
            table.writerows(found)
    if arguments.markdown:
        page = arguments.markdown.read_text()
        head, rest = page.split(BEGIN)
        arguments.markdown.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
