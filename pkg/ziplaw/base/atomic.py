"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .locks import lock

PART = ".part"
DESCRIPTORS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place on success, delete it on failure.

    What killed writers of the same file left behind is removed first. A symbolic link stays one: what it points to is
    written. Into what is no file (a pipe, ``/dev/stdout``) the finished bytes are copied.

    Parameters
    ----------
    path : path-like
        Where the finished file belongs. Missing parent folders are made.

    Yields
    ------
    pathlib.Path
        A new, empty file in the same folder (so that the final rename is atomic).

    Raises
    ------
    OSError
        When the folder cannot be written or the disk is full; ``path`` is left as it was.
    """
    temporary = None
    try:
        if is_stream(path):
            with tempfile.TemporaryDirectory() as folder:
                temporary = Path(folder, Path(path).name)
                temporary.touch()
                yield temporary
                with open(temporary, "rb") as finished, _opened(path) as stream:
                    shutil.copyfileobj(finished, stream)
            return
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        with _reserved(target) as temporary:
            yield temporary
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
            # mkstemp makes files that only their owner can read; results are for sharing
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, target)
    except OSError as error:
        if temporary is None or error.filename in (None, str(temporary)):
            error.filename = os.fspath(path)  # the user knows the file, not its temporary name
        raise


@contextlib.contextmanager
def _reserved(target):
    """Make a temporary file beside ``target`` and hold its lock, which tells that its writer is alive."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=PART, dir=target.parent)
        locked = lock(handle)
        if not locked or os.path.exists(name):  # else another writer took it for a leftover before it was locked
            break
        os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
        os.close(handle)


def _remove_leftovers(target):
    """Delete what killed writers of the same file left: temporary files whose lock nobody holds."""
    for name in glob.iglob(f".{glob.escape(target.name)}.????????{PART}", root_dir=target.parent):
        with contextlib.suppress(OSError), open(target.parent / name, "r+b") as stream:
            if lock(stream.fileno(), wait=False):
                os.unlink(stream.name)


def is_stream(path: str | os.PathLike) -> bool:
    """Tell whether a path is no file to be replaced: a pipe, a device, an open descriptor (``/dev/stdout``)."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or _descriptor(path) is not None


def _descriptor(path):
    """Number of the open descriptor that a path names, also through links; else None."""
    path = os.path.abspath(path)
    for _ in range(40):  # as many links as Linux follows
        if path in DESCRIPTORS:
            return DESCRIPTORS[path]
        if found := re.fullmatch(r"(?:/dev|/proc/self|/proc/(\d+))/fd/(\d+)", path):
            return int(found[2]) if found[1] in (None, str(os.getpid())) else None
        if not os.path.islink(path):
            return None
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    return None


@contextlib.contextmanager
def _opened(path):
    """Open a stream. A descriptor is written where it stands: ``/dev/stdout`` opened anew would cut a file there."""
    number = _descriptor(path)
    if number is None:
        with open(path, "wb") as stream:
            yield stream
        return
    for text in (sys.stdout, sys.stderr):
        text.flush()
    with open(os.dup(number), "wb") as stream:
        yield stream
