"""Checkpoints of a run: plain arrays and JSON in one file, written whole or not at all, read without running code."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ..base.atomic import atomic_path
from ..base.limits import CHECKPOINT_MINUTES
from ..errors import TrainError, shown
from .meter import Meter
from .parallel.processes import Processes

NAME = "checkpoint.npz"
DEFAULT_MINUTES = 5.0
# of the time, at most, that goes into checkpoints: of a large model one takes a minute
SHARE = 0.05
# of what the trainer puts into a checkpoint
FORMAT = 2
# steps from one question, whether to save or to stop, to the next: all processes wait for each other's answer
ASK_STEPS = 50


class Resumable(Protocol):
    """What runs to its end unless it is stopped, and can be saved between two steps."""

    def run(self) -> None:
        """Run; raises :class:`Stopped` after a checkpoint."""

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything needed to go on from here: a JSON-serialisable part, and tensors as they lie, not copied."""


class Stopped(Exception):
    """Training was told to stop; the state between two steps is intact."""


def _host(value: Tensor | np.ndarray) -> np.ndarray:
    return value.cpu().numpy() if isinstance(value, Tensor) else value


def _size(value: Tensor | np.ndarray) -> int:
    return value.numel() * value.element_size() if isinstance(value, Tensor) else value.nbytes


def save(
    path: str | os.PathLike,
    identity: dict[str, Any],
    state: dict[str, Any],
    arrays: Mapping[str, Tensor | np.ndarray],
) -> None:
    """Write a checkpoint atomically; the one before stays until this one is whole, so the disk holds both for a while.

    Parameters
    ----------
    path : path-like
    identity : dict
        Everything that decides the result: a checkpoint is only loaded under an equal one.
    state : dict
        JSON-serialisable place of the run.
    arrays : mapping of str to Tensor or ndarray
        Numeric. Of tensors on a device one at a time is copied to the host.

    Raises
    ------
    TrainError
        When the disk has no room for it; what was there before stays.
    """
    header = np.frombuffer(json.dumps({"identity": identity, "state": state}).encode(), dtype=np.uint8)
    size = header.nbytes + sum(map(_size, arrays.values()))
    free = _free_disk(Path(path))
    if size > free:
        raise TrainError(
            f"checkpoint {path} takes {size / 1e9:.3g} GB beside the one before, {free / 1e9:.3g} GB are free: "
            "make room"
        )
    try:
        # what numpy.savez writes, which would have all arrays in memory at once
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name in ("header", *arrays):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    array = header if name == "header" else _host(arrays[name])
                    np.lib.format.write_array(member, array, allow_pickle=False)
                    del array
    except OSError as error:
        raise TrainError(f"checkpoint {path} cannot be written ({error.strerror or error}): make room") from None


def _free_disk(path: Path) -> int:
    # the folder is made when it is first written to
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return shutil.disk_usage(folder).free


class Part(Mapping[str, Any]):
    """What of a mapping stands under names that begin with a mark, looked up when it is asked for.

    Parameters
    ----------
    whole : mapping
    mark : str
    """

    def __init__(self, whole: Mapping[str, Any], mark: str):
        self.whole, self.mark = whole, mark

    def __getitem__(self, name: str) -> Any:
        return self.whole[self.mark + name]

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self.mark) for name in self.whole if name.startswith(self.mark))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Saved(Mapping[str, np.ndarray]):
    """Arrays of a checkpoint's file, each read when it is asked for: together they may be more than there is memory.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    TrainError
        When the file is damaged, as far as was looked at.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._opened() as archive:
            self.names = tuple(archive.files)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            # a zip of .npy members with CRCs; without pickles nothing in it can run
            with open(self.path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
                yield archive
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise TrainError(
                f"checkpoint {self.path} cannot be read ({reason}): delete it to start the run anew"
            ) from None

    def header(self) -> dict[str, Any]:
        """The identity and the place of the run."""
        with self._opened() as archive:
            found = json.loads(archive["header"].tobytes())
            return {"identity": dict(found["identity"]), "state": found["state"]}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.names:
            raise KeyError(name)
        with self._opened() as archive:
            return archive[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names if name != "header")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def load(path: str | os.PathLike, identity: dict[str, Any]) -> tuple[dict[str, Any], Mapping[str, np.ndarray]] | None:
    """Open a checkpoint; None when there is none.

    Returns
    -------
    state : dict
    arrays : mapping of str to ndarray
        Read one by one, see :class:`Saved`: damage inside of one is found when it is read.

    Raises
    ------
    TrainError
        When the file is damaged or belongs to a run of another identity; the message names what differs.
    """
    path = Path(path)
    if not path.exists():
        return None
    saved = Saved(path)
    header = saved.header()
    theirs, ours = header["identity"], json.loads(json.dumps(identity))
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs.get(key) != ours.get(key):
            raise TrainError(
                f"checkpoint {path} is of another run: {key} is {theirs.get(key)!r} there and {ours.get(key)!r} here: "
                "repeat that run's settings to go on with it, or delete the file to start anew"
            )
    return header["state"], saved


class Timer:
    """Says when to save: every few minutes, and at once when the process is told to stop.

    A checkpoint that takes long is made less often: at most the share SHARE of the time goes into them.

    Parameters
    ----------
    minutes : float
        Between checkpoints; 0 for only when told to stop.
    """

    def __init__(self, minutes: float = DEFAULT_MINUTES):
        if minutes not in CHECKPOINT_MINUTES:
            raise TrainError(f"checkpoint_minutes is {shown(minutes)}, {CHECKPOINT_MINUTES.demand}")
        self.every = minutes * 60
        # seconds that the last checkpoint took
        self.took = 0.0
        self.last = time.monotonic()
        self.stopped_by: int | None = None

    def due(self) -> bool:
        """Return whether to save now."""
        pause = max(self.every, self.took / SHARE)
        return self.stopped_by is not None or (self.every > 0 and time.monotonic() - self.last >= pause)

    def save_if_due(self, path: str | os.PathLike, work: Resumable, identity: Callable[[], dict[str, Any]]) -> None:
        """Save a checkpoint when it is time, and begin the next interval; one that fails is told, and training goes on.

        Raises
        ------
        Stopped
            After a checkpoint, when the process was told to stop.
        TrainError
            When it was told to stop and the checkpoint cannot be written.
        """
        if self.due():
            self._save(path, work, identity)
            if self.stopped_by:
                raise Stopped

    def _save(self, path: str | os.PathLike, work: Resumable, identity: Callable[[], dict[str, Any]]) -> None:
        began = time.monotonic()
        try:
            save(path, identity(), *work.state())
        except TrainError as error:
            # hours of training are worth more than a checkpoint
            if self.stopped_by:
                raise
            print(f"ziplaw: {error} (training goes on)", file=sys.stderr, flush=True)
        self.last = time.monotonic()
        self.took = self.last - began

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


class SharedTimer(Timer):
    """A timer whose processes save and stop at the same step: by the first one's clock, or by a signal to any of them.

    Parameters
    ----------
    processes : Processes
    minutes : float
        Between checkpoints; 0 for only when told to stop.
    """

    def __init__(self, processes: Processes, minutes: float = DEFAULT_MINUTES):
        super().__init__(minutes)
        self.processes = processes
        self.steps = 0

    def save_if_due(self, path: str | os.PathLike, work: Resumable, identity: Callable[[], dict[str, Any]]) -> None:
        """See :meth:`Timer.save_if_due`; the first process writes, and all wait for it."""
        self.steps += 1
        if self.steps % ASK_STEPS:
            return
        said = self.processes.gather([self.stopped_by or 0, self.due()])
        told = int(said[:, 0].max())
        if not told and not said[0, 1]:
            return
        self.stopped_by = told or None
        if self.processes.rank == 0:
            self._save(path, work, identity)
        # torchrun ends all processes as soon as one has ended: none may while the file is being written
        self.processes.gather([0.0])
        if told:
            raise Stopped


def run_to_end(work: Resumable, path: Path, timer: Timer, meter: Meter) -> None:
    """Run; a signal that saved a checkpoint ends the process with 128 + its number."""
    try:
        work.run()
    except Stopped:
        print(f"ziplaw: stopped; the same command goes on from {path}", file=sys.stderr)
        raise SystemExit(128 + (timer.stopped_by or 0)) from None
    finally:
        meter.close()
