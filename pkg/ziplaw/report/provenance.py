"""What made a sweep's results, for the end of its report."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__, versions
from ..base.documents import read_json, sha256_file
from ..sweep.folder import Sweep
from .sentences import count, sentence


def provenance(sweep: Sweep, folder: Path, config: str | Path | None) -> dict[str, str]:
    """What made the results: versions, seeds, checksums; no clock and no host name, so that the report repeats."""
    found = {"ziplaw": __version__, "Python": platform.python_version()}
    found |= {package: installed(package) for package in ("numpy", "scipy", "torch", "snakemake", "matplotlib")}
    scores = [sweep.scores[name] for name in sweep.scores]
    found["zlib"] = ", ".join(sorted({str(score.get("zlib")) for score in scores})) or "–"
    kinds = {f"ids as {s['encoding']}, gzip level {s['level']}, {s['window']} tokens, {s['n']} windows" for s in scores}
    found["how H is measured"] = "; ".join(sorted(kinds)) or "–"
    grammars = {name: (g.get("provenance") or {}) for name, g in sweep.grammars.items()}
    seeds = [f"{n} {p['seed']}.{p.get('sub_seed', 0)}" for n, p in grammars.items() if "seed" in p]
    found["grammar seeds (seed.sub-seed)"] = ", ".join(seeds) or "–"
    if not seeds:
        del found["grammar seeds (seed.sub-seed)"]
    found["training seeds"] = ", ".join(sorted({str(row["seed"]) for row in sweep.runs}))
    ways = Counter(map(trained_by, sweep.executions.values()))
    found["trained by"] = "; ".join(f"{way}, {count(n, 'run')}" for way, n in sorted(ways.items())) or "–"
    run = sweep.run_folder(sweep.runs[0]) / "run.json"
    if run.exists():
        settings = read_json(run, "run").get("training") or {}
        found["training (first run)"] = ", ".join(
            f"{key} {value}" for key, value in settings.items() if key != "budgets"
        )
    stages = {key.lower(): value for key, value in vars(versions).items() if key.isupper()}
    found["stage versions"] = ", ".join(f"{stage} {value}" for stage, value in sorted(stages.items()))
    if config:
        found[f"sha256 of {Path(config).name}"] = sha256_file(config)
    for name in ("runs.csv", "fits.csv", "regression.json", "claims.csv", "frontier.csv", "presets.csv"):
        if sweep.has(name):
            found[f"sha256 of {name}"] = sha256_file(folder / name)
    return found


def trained_by(execution: Mapping[str, Any]) -> str:
    """Say what computed a run from the ``execution`` of its run.json."""
    several = f"{execution['processes']} x " if "processes" in execution else ""
    if "device_name" in execution:
        kernels = f" by {execution['kernels']} kernels" if "kernels" in execution else ""
        return f"{several}{execution['device_name']} in {execution['precision']}{kernels}"
    step = execution.get("step")
    if step == "compiled":
        return "the compiled step"
    return f"{several}{step} on a CPU" if step else "what its run.json does not say"


@sentence("does not carry")
def _several_machines(sweep: Sweep) -> str | None:
    """Runs of one architecture that were computed in several ways: what differs may be the way."""
    by_architecture: dict[str, Counter[str]] = {}
    architectures = {sweep.run_folder(row): str(row.get("architecture") or "llama") for row in sweep.runs}
    for folder, found in sweep.executions.items():
        by_architecture.setdefault(architectures[folder], Counter())[trained_by(found)] += 1
    mixed = {name: ways for name, ways in by_architecture.items() if len(ways) > 1}
    if not mixed:
        return None
    told = "; ".join(
        f"of {name}, " + " and ".join(f"{count(n, 'run')} by {way}" for way, n in sorted(ways.items()))
        for name, ways in sorted(mixed.items())
    )
    return f"Small differences between runs that different machines made: {told} stand together here."


@sentence("does not carry")
def _several_versions(sweep: Sweep) -> str | None:
    """Runs of several versions of the trainer, which Snakemake would have made again in one place."""
    found = Counter("an unknown one" if one is None else str(one) for one in sweep.trainers.values())
    if len(found) < 2:
        return None
    told = " and ".join(f"{count(n, 'run')} by version {version}" for version, n in sorted(found.items()))
    return f"Differences between runs of different versions of the trainer: {told} stand together here."


def installed(package: str) -> str:
    """Return an installed package's version, or say that it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
