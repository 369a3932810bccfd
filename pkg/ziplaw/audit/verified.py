"""A folder of results verified: everything that is wrong with it, and the removal of what is damaged."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import ZiplawError
from ..sweep.config import SweepConfig
from .asked import asked
from .finding import KINDS, Finding
from .layout import asked_for_by_rounds, kind_of, made_with
from .origins import origins
from .wholeness import Folder, wholeness


def verify(folder: str | os.PathLike, config: SweepConfig | None = None) -> tuple[list[Finding], int]:
    """Hold the results of a sweep or a pilot against themselves.

    Parameters
    ----------
    folder : path-like
        ``results/<name>``.
    config : SweepConfig, optional
        What the sweep is to be; without it nobody can say which files are missing. A pilot's rounds say it.

    Returns
    -------
    tuple
        A list of Finding, at most one for a file, by kind and path; and the number of files that were looked at.

    Raises
    ------
    ZiplawError
        When the folder holds nothing that ziplaw makes.
    """
    of = Folder(Path(folder))
    if not any(kind_of(path) is not None for path in of.files):
        raise ZiplawError(f"{folder} holds no results of a sweep or a pilot: give results/<name>")
    found: dict[str, Finding] = {}
    for one in _findings(of, config):
        found.setdefault(one.path, one)
    order = list(KINDS)
    return sorted(found.values(), key=lambda one: (order.index(one.kind), one.path)), len(of.files)


def _findings(of: Folder, config: SweepConfig | None) -> Iterator[Finding]:
    yield from wholeness(of)
    yield from origins(of)
    if config is not None:
        yield from asked(of, config)
    elif (of.folder / "rounds").is_dir():
        missing = set(asked_for_by_rounds(of.folder)) - set(of.files)
        yield from (Finding(path, "missing", "the pilot's rounds ask for it") for path in sorted(missing))


def removals(findings: Iterable[Finding]) -> list[str]:
    """Return what has to go so that all that is damaged or outdated is made again: whole jobs' files."""
    found: set[str] = set()
    for one in findings:
        if one.removed:
            found |= made_with(one.path)
    return sorted(found)


def remove(folder: str | os.PathLike, paths: Iterable[str]) -> list[str]:
    """Remove files of a folder; return those that were there."""
    gone = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(Path(folder, path))
            gone.append(path)
    return gone
