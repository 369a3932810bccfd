"""The compiled cores of a checkout: built when they are not there, do not load, or are older than their sources."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from ..errors import ZiplawError
from .locks import lock


def ready(root: str | os.PathLike, log: str | os.PathLike) -> bool:
    """Build the cores of the checkout in ``root`` if they need it; return whether they were built.

    Parameters
    ----------
    root : path-like
        The folder that holds setup.py, ext and pkg.
    log : path-like
        File for what the compiler says.

    Raises
    ------
    ZiplawError
        When they cannot be built, and those that are there do not load.
    """
    root, log = Path(root), Path(log)
    with open(root / "setup.py", "rb") as handle:
        # two sweeps may start at once, each in a folder of its own
        lock(handle.fileno())
        loads = _load(root)
        if loads and not _older(root):
            return False
        if not os.access(root / "pkg" / "ziplaw", os.W_OK):
            if loads:
                print(
                    f"ziplaw: note: the cores in {root} are older than their sources, and cannot be written",
                    file=sys.stderr,
                )
                return False
            raise ZiplawError(
                f"the compiled cores in {root} are not built and it cannot be written: run `make build` there"
            )
        print("Building the compiled cores (sampler, scorer, floor, fitter, trainer)", file=sys.stderr)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", "--force"]
        with open(log, "wb") as output:
            done = subprocess.run(
                command,
                cwd=root,
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[handle.fileno()],  # the compiler keeps the lock, should it outlive this process
            )
        if done.returncode or not _load(root):
            raise ZiplawError(
                f"the compiled cores cannot be built: {log} says why (a C compiler and Cython are needed)"
            )
        return True


def _files(root):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return [root / "pkg" / "ziplaw" / f"{source.stem}{suffix}" for source in sorted((root / "ext").glob("*.pyx"))]


def _load(root):
    """Tell whether every core loads, in a process of its own: a damaged one may end it."""
    files = _files(root)
    if not all(file.is_file() for file in files):
        return False
    code = "import " + ", ".join(f"ziplaw.{file.name.split('.')[0]}" for file in files)
    environment = {**os.environ, "PYTHONPATH": str(root / "pkg")}
    return not subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False
    ).returncode


def _older(root):
    sources = [root / "setup.py", *(root / "ext").rglob("*.[chp]*")]
    newest = max(source.stat().st_mtime for source in sources)
    return newest > min(file.stat().st_mtime for file in _files(root))
