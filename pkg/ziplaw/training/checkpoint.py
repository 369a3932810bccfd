"""Checkpoints of a run: plain arrays and JSON in one file, written whole or not at all, read without running code."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..base.atomic import atomic_path
from ..base.limits import CHECKPOINT_MINUTES
from ..errors import TrainError, shown
from .meter import Meter

NAME = "checkpoint.npz"
DEFAULT_MINUTES = 5.0
# of what the trainer puts into a checkpoint
FORMAT = 2


class Resumable(Protocol):
    """What runs to its end unless it is stopped, and can be saved between two steps."""

    def run(self) -> None:
        """Run; raises :class:`Stopped` after a checkpoint."""

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Everything needed to go on from here: a JSON-serialisable part and arrays."""


class Stopped(Exception):
    """Training was told to stop; the state between two steps is intact."""


def save(
    path: str | os.PathLike, identity: dict[str, Any], state: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    """Write a checkpoint atomically.

    Parameters
    ----------
    path : path-like
    identity : dict
        Everything that decides the result: a checkpoint is only loaded under an equal one.
    state : dict
        JSON-serialisable place of the run.
    arrays : dict of str to ndarray
        Numeric arrays.
    """
    header = np.frombuffer(json.dumps({"identity": identity, "state": state}).encode(), dtype=np.uint8)
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        members: dict[str, Any] = {"header": header, **arrays}
        np.savez(stream, **members)


def load(path: str | os.PathLike, identity: dict[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Read a checkpoint back; None when there is none.

    Returns
    -------
    state : dict
    arrays : dict of str to ndarray

    Raises
    ------
    TrainError
        When the file is damaged or belongs to a run of another identity; the message names what differs.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        # a zip of .npy members with CRCs; without pickles nothing in it can run
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes())
        theirs, state = header["identity"], header["state"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrainError(f"checkpoint {path} cannot be read ({reason}): delete it to start the run anew") from None
    ours = json.loads(json.dumps(identity))
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs.get(key) != ours.get(key):
            raise TrainError(
                f"checkpoint {path} is of another run: {key} is {theirs.get(key)!r} there and {ours.get(key)!r} here: "
                "repeat that run's settings to go on with it, or delete the file to start anew"
            )
    return state, arrays


class Timer:
    """Says when to save: every few minutes, and at once when the process is told to stop.

    Parameters
    ----------
    minutes : float
        Between checkpoints; 0 for only when told to stop.
    """

    def __init__(self, minutes: float = DEFAULT_MINUTES):
        if minutes not in CHECKPOINT_MINUTES:
            raise TrainError(f"checkpoint_minutes is {shown(minutes)}, {CHECKPOINT_MINUTES.demand}")
        self.every = minutes * 60
        self.last = time.monotonic()
        self.stopped_by: int | None = None

    def due(self) -> bool:
        """Return whether to save now."""
        return self.stopped_by is not None or (self.every > 0 and time.monotonic() - self.last >= self.every)

    def save_if_due(self, path: str | os.PathLike, work: Resumable, identity: Callable[[], dict[str, Any]]) -> None:
        """Save a checkpoint when it is time, and begin the next interval.

        Raises
        ------
        Stopped
            After a checkpoint, when the process was told to stop.
        """
        if self.due():
            save(path, identity(), *work.state())
            self.last = time.monotonic()
            if self.stopped_by:
                raise Stopped

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Catch SIGTERM and SIGINT (in the main thread only) for as long as the context lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(number: int, frame: object) -> None:
            self.stopped_by = number

        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_to_end(work: Resumable, path: Path, timer: Timer, meter: Meter) -> None:
    """Run; a signal that saved a checkpoint ends the process with 128 + its number."""
    try:
        work.run()
    except Stopped:
        print(f"ziplaw: stopped; the same command goes on from {path}", file=sys.stderr)
        raise SystemExit(128 + (timer.stopped_by or 0)) from None
    finally:
        meter.close()
