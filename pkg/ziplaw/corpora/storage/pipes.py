"""Pipes: what comes through one is kept in a temporary file, since it is looked into and may be read more than once."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from ...errors import CorpusError
from .files import InputFile, short_name

_COPY_BYTES = 1 << 20
# what a file starts with, for those that have no name to tell
_PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"\xfd7zXZ\x00": ".xz", b"BZh": ".bz2"}
_KINDS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\x93NUMPY": "npy", b"\xff\xff\xff\xff": "arrow"}


def nameless(path: Path) -> bool:
    """Whether a path is a pipe, or a file under a name that tells nothing, such as /dev/stdin."""
    return stat.S_ISFIFO(path.stat().st_mode) or path.parts[:2] in (("/", "dev"), ("/", "proc"))


def nameless_file(path: Path, kind: str | None = None) -> tuple[InputFile, object]:
    """Return a file told by its first bytes, and what keeps its copy alive: it must live as long as the file is read.

    Raises
    ------
    CorpusError
        When the path is a device or a socket, or the temporary file cannot be written.
    """
    mode, keep = path.stat().st_mode, None
    where = os.fspath(path)
    if stat.S_ISFIFO(mode):
        try:
            keep = tempfile.NamedTemporaryFile(prefix="ziplaw-pipe-")  # noqa: SIM115 - lives as long as the source
            with open(path, "rb") as stream:
                shutil.copyfileobj(stream, keep, _COPY_BYTES)
            keep.flush()
        except OSError as error:
            raise CorpusError(
                f"{path}: cannot keep what comes through it in {tempfile.gettempdir()} ({error.strerror or error}): "
                "set TMPDIR to a folder with more space"
            ) from None
        where = keep.name
    elif not stat.S_ISREG(mode):
        raise CorpusError(f"{path} is neither a file nor a folder nor a pipe: give one of these")
    with open(where, "rb") as stream:
        head = stream.read(16)
    packed = next((suffix for mark, suffix in _PACKED.items() if head.startswith(mark)), "")
    if kind is None:
        kind = next((found for mark, found in _KINDS.items() if head.startswith(mark)), "json")
    return InputFile(where, os.fspath(path), short_name(path), kind, packed), keep
