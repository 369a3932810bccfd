"""What made a sweep's results: versions, commit, packages, config, kind of machine; and a checksum of every file."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import zlib
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__, versions
from ..base.documents import read_text, sha256_file
from ..errors import ConfigError, ZiplawError, again
from ..sweep.config import load_config
from .layout import asked_for, kind_of
from .wholeness import Folder, wholeness

PROVENANCE = "provenance.json"
PACKAGES = ("numpy", "scipy", "torch", "snakemake", "matplotlib", "tokenizers")


def provenance_document(folder: str | os.PathLike, configs: Sequence[str | os.PathLike] = ()) -> dict[str, Any]:
    """Return what made the results in a folder, as the content of provenance.json.

    Parameters
    ----------
    folder : path-like
        ``results/<sweep>``.
    configs : sequence of path-like
        The config files. With one, files that it does not ask for are left out.

    Returns
    -------
    dict
        See ``docs/formats.md``. It holds no clock, host, user or path, but hangs on the machine and the commit.

    Raises
    ------
    ZiplawError
        When a file is damaged: nothing is said of results that are not what was made.
    """
    of = Folder(Path(folder))
    damaged = [one for one in wholeness(of) if one.kind == "damaged"]
    if damaged:
        path = Path(folder, damaged[0].path)
        raise ZiplawError(f"{path}: {damaged[0].why}: {again(path)}")
    files = [path for path in of.files if kind_of(path) is not None and path != PROVENANCE]
    if len(configs) == 1:
        try:
            wanted = asked_for(load_config(os.fspath(configs[0])))
            files = [path for path in files if path in wanted]
        except ConfigError:
            pass  # the rest of it was given on Snakemake's command line
    runs = [of.documents[path] for path in files if kind_of(path) == "run"]
    stages = {name: value for name, value in vars(versions).items() if name.isupper()}
    trained = Counter((run["versions"]["ziplaw_trainer"], _shown(run.get("execution") or {})) for run in runs)
    return {
        "results": Path(folder).resolve().name,
        "ziplaw": __version__,
        "commit": commit(),
        "versions": stages,
        "made_by": {
            stage: sorted({record.version for record in of.records.values() if record.stage == stage})
            for stage in sorted({record.stage for record in of.records.values()} - {""})
        },
        "trained_by": [
            {"trainer": version, "execution": how, "runs": n} for (version, how), n in sorted(trained.items(), key=str)
        ],
        "packages": {"python": platform.python_version(), "zlib": zlib.ZLIB_RUNTIME_VERSION}
        | {name: found for name in PACKAGES if (found := _installed(name))},
        "configs": [
            {"name": Path(path).name, "sha256": sha256_file(path), "content": read_text(path)} for path in configs
        ],
        "machine": machine(),
        "files": {path: of.sha256(path) for path in files},
    }


def _shown(execution: dict[str, Any]) -> str:
    """What computed a run, on one line."""
    return ", ".join(str(value) for key, value in sorted(execution.items()) if key != "machine_dependent")


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def commit() -> dict[str, Any] | None:
    """Return the commit of this checkout, and whether files in it differ from it; None where there is no checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    try:
        said = [
            subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=60
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return {"id": said[0], "changed": bool(said[1])}


def machine(cpuinfo: str | os.PathLike = "/proc/cpuinfo") -> dict[str, Any]:
    """Return the kind of this machine: system, architecture, processor, how many cores, GPUs; no name of it."""
    found = {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()}
    try:
        lines = Path(cpuinfo).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found | {"processor": names[0] if names else platform.processor() or None, "gpus": _gpus()}


def _gpus() -> list[str]:
    if (tool := shutil.which("nvidia-smi")) is None:
        return []
    words = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.splitlines() if line.strip()]
