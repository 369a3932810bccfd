"""Keep a trained study: what make study needs of results/study goes to results/reference/study.

python bench/study/keep.py results/study results/reference/study [--commit SHA] [--machine WORDS]

Runs of all datasets that are trained, in the order of the design (bytes as they stand in runs.csv), their scores
without the windows' sizes, covariates.csv where there is one, and provenance.json. Same study, same bytes.
"""

import argparse
import os
import platform
import subprocess
from collections import Counter
from pathlib import Path

from ziplaw import __version__, versions
from ziplaw.base.documents import read_json, sha256_file, write_json, write_text
from ziplaw.report.provenance import installed, trained_by
from ziplaw.tables.declared import DESIGN

FLAGS = {"avx512f": "AVX-512", "avx2": "AVX2"}


def keep(study: Path, to: Path, commit: str, machine: str) -> list[str]:
    """Copy what is needed and return the names of the datasets that are trained."""
    names = [row["dataset"] for row in DESIGN.read(to / "design.csv")]
    names = [name for name in names if (study / "runs" / name / "runs.csv").is_file()]
    if not names:
        raise SystemExit(f"{study} has no runs/<dataset>/runs.csv of the design's datasets")
    tables = [(study / "runs" / name / "runs.csv").read_text(encoding="utf-8") for name in names]
    header = tables[0].partition("\n")[0]
    bodies = [table.removeprefix(header + "\n") for table in tables]
    for name in names:
        score = read_json(study / "scores" / f"{name}.json", "score")
        kept = {key: value for key, value in score.items() if key not in ("sizes", "kind", "format", "sha256")}
        write_json(to / "scores" / f"{name}.json", kept, kind="score")
    if (study / "covariates.csv").is_file():
        write_text(to / "covariates.csv", (study / "covariates.csv").read_text(encoding="utf-8"))
    write_text(to / "runs.csv", header + "\n" + "".join(bodies))
    write_json(to / "provenance.json", provenance(study, to, names, commit, machine), kind="provenance")
    return names


def provenance(study: Path, to: Path, names: list[str], commit: str, machine: str) -> dict:
    """Commit, versions and machine; no clock, host or path."""
    runs = [read_json(path, "run") for name in names for path in sorted((study / "runs" / name).glob("*/*/run.json"))]
    stages = {key.lower(): value for key, value in vars(versions).items() if key.isupper()}
    return {
        "commit": commit,
        "machine": machine,
        "ziplaw": __version__,
        "python": platform.python_version(),
        **{package: installed(package) for package in ("numpy", "torch", "snakemake")},
        "stages": stages | {"trainer": sorted({run["versions"]["ziplaw_trainer"] for run in runs})},
        "trained_by": dict(Counter(trained_by(run.get("execution") or {}) for run in runs)),
        "datasets": len(names),
        "runs": len(runs),
        "sha256_of": {name: sha256_file(to / name) for name in ("design.csv", "runs.csv")},
    }


def machine_in_words() -> str:
    """Cores, architecture and vectors of this machine."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        flags = ""
    vectors = next((words for flag, words in FLAGS.items() if f" {flag} " in flags.replace("\n", " ")), None)
    return f"{os.cpu_count()} cores, {platform.machine().replace('_', '-')}" + (f" with {vectors}" if vectors else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--commit", help="of the code that trained it [default: that of this checkout]")
    parser.add_argument("--machine", help="in words [default: this one]")
    given = parser.parse_args()
    head = given.commit or subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
    kept = keep(given.study, given.to, head, given.machine or machine_in_words())
    print(f"{given.to}: {len(kept)} datasets")
