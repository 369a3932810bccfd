"""One pilot at a time in a folder: its lock, and what an earlier one that was killed has left running."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..base.locks import lock
from ..errors import ZiplawError

LOCK = ".lock"
# in the environment of every process of a pilot: the folder that it works in
MARK = "ZIPLAW_PILOT"
# time to save a checkpoint
PATIENCE_S = 20.0


def mark(folder: str | os.PathLike) -> str:
    """Return what the variable :data:`MARK` holds in processes of the pilot in a folder."""
    return os.path.abspath(folder)


@contextlib.contextmanager
def alone_in(folder: str | os.PathLike) -> Iterator[None]:
    """Hold a pilot's folder; what an earlier pilot that was killed has left running there is ended.

    Raises
    ------
    ZiplawError
        When another pilot works there.
    """
    with held(folder):
        end(left_over(folder))
        yield


def held(folder: str | os.PathLike) -> IO[bytes]:
    """Hold a pilot's folder as long as the file that is returned is open.

    Raises
    ------
    ZiplawError
        When another pilot works there.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    handle = open(path / LOCK, "ab")  # noqa: SIM115
    try:
        lock(handle.fileno(), wait=False)
    except BlockingIOError:
        handle.close()
        raise ZiplawError(f"a pilot works in {folder} already: wait for it, or give this one another --name") from None
    return handle


def held_by_parent(folder: str | os.PathLike) -> bool:
    """Tell whether this process is a part of a pilot that holds the folder."""
    return os.environ.get(MARK) == mark(folder)


def left_over(folder: str | os.PathLike, proc: str | os.PathLike = "/proc") -> list[int]:
    """Return the processes of this pilot that are running (on Linux; elsewhere none are found), but for this one."""
    wanted = f"{MARK}={mark(folder)}".encode()
    found = []
    for entry in Path(proc).glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in entry.read_bytes().split(b"\0") and int(entry.parent.name) != os.getpid():
                found.append(int(entry.parent.name))
    return found


def end(processes: list[int], patience_s: float = PATIENCE_S) -> None:
    """End processes: they may save where they are first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
        until = time.monotonic() + patience_s
        while (processes := [one for one in processes if _lives(one)]) and time.monotonic() < until:
            time.sleep(0.05)


def _lives(process: int) -> bool:
    try:
        # a process that has ended and is not waited for yet has nothing in its command line
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False
