"""Checksums that lie beside tables: a file ``<output>.sha256`` names what a verb made and what it was made from.

A table of CSV has no room for a checksum of its own. The file has the lines of ``sha256sum``, which checks them too
(``sha256sum -c``, in its folder), and comments:

    # ziplaw FITTER 8
    # made:
    <64 hex digits>  low.json
    # from:
    <64 hex digits>  ../runs/low/runs.csv
    # <64 hex digits> of the lines above
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ZiplawError, again
from .atomic import atomic_path, is_stream
from .documents import sha256_file

SUFFIX = ".sha256"
MARK = "# ziplaw "
MADE, FROM = "# made:", "# from:"
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Checksums:
    """What a file of checksums says.

    Attributes
    ----------
    stage : str
        The integer of ``ziplaw.versions`` under which the files were made, by name ("FITTER"), "" where none counts.
    version : int
        Its value.
    made, read : dict of str to str
        SHA-256 by path, relative to the folder of the file of checksums.
    """

    stage: str
    version: int
    made: dict[str, str]
    read: dict[str, str]


def checksums_of(path: str | os.PathLike) -> Path:
    """Return where the checksums of what a verb writes lie, from the path of its first output."""
    return Path(f"{os.fspath(path)}{SUFFIX}")


def write_checksums(
    made: Iterable[str | os.PathLike], read: Iterable[str | os.PathLike], stage: str = "", version: int = 0
) -> Path:
    """Write the checksums of files that were just made, and of those that they were made from, beside the first.

    Returns
    -------
    pathlib.Path
        The file that was written.
    """
    made = list(made)
    path = checksums_of(made[0])

    def lines(files):
        named = {os.path.relpath(file, path.parent): file for file in files}
        return [_line(name, sha256_file(named[name])) for name in sorted(named)]

    body = "\n".join([f"{MARK}{stage} {version}" if stage else MARK.strip(), MADE, *lines(made), FROM, *lines(read)])
    text = f"{body}\n# {_digest(body)} of the lines above\n"
    with atomic_path(path) as temporary:
        temporary.write_bytes(os.fsencode(text))
    return path


def read_checksums(path: str | os.PathLike) -> Checksums:
    """Read a file of checksums that ziplaw wrote.

    Raises
    ------
    ZiplawError
        When it is none, or was changed.
    """
    text = os.fsdecode(Path(path).read_bytes())
    body, _, last = text.removesuffix("\n").rpartition("\n")
    head, *lines = body.split("\n")
    found = re.fullmatch(r"# ziplaw(?: ([A-Z]+) (\d+))?", head)
    if not found or last != f"# {_digest(body)} of the lines above" or lines[:1] != [MADE] or FROM not in lines:
        raise ZiplawError(f"{path} was damaged or edited: {again(path)}")
    at = lines.index(FROM)
    return Checksums(found[1] or "", int(found[2] or 0), _named(lines[1:at]), _named(lines[at + 1 :]))


def check_made(path: str | os.PathLike) -> None:
    """Hold a file against the checksums that lie beside it, where there are any that name it.

    Any file of checksums in its folder counts, so that a verb of several outputs writes one. A file that none names is
    the user's own, and taken as it is.

    Raises
    ------
    ZiplawError
        When the file is not what was written, or its checksums were changed.
    """
    if is_stream(path) or not os.path.exists(path):
        return
    path = Path(path)
    own, against = checksums_of(path).name, None
    for name in sorted((name for name in os.listdir(path.parent) if name.endswith(SUFFIX)), key=lambda n: n != own):
        record = path.with_name(name)
        expected = _expected(record, path.name, damaged=name == own)
        if expected is not None:
            if expected == sha256_file(path):
                return
            against = against or record
    if against:
        raise ZiplawError(
            f"{path} does not match {against.name} beside it: it was damaged or edited; {again(path)}; an edit that is "
            "meant needs a name or place of its own"
        )


def _expected(record: Path, name: str, damaged: bool) -> str | None:
    """The checksum that a file beside another says it has; None where it does not name it."""
    try:
        text = os.fsdecode(record.read_bytes())
    except OSError:
        return None
    if not text.startswith(MARK.strip()):  # somebody else's, as sha256sum writes it, or one that lost its mark
        return _named(text.split("\n")).get(name) if damaged else None
    if damaged or name in text:
        return read_checksums(record).made.get(name)
    return None


def _digest(body: str) -> str:
    return hashlib.sha256(os.fsencode(body)).hexdigest()


def _line(name: str, digest: str) -> str:
    """A line as sha256sum writes it, which escapes ends of line and backslashes in names."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}"


def _named(lines: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        if match := _LINE.fullmatch(line):
            name = match[3]
            if match[1]:
                name = re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], name)
            found[name] = match[2]
    return found
