"""What may be written over: never what is read, and only by force what was not made by the same verb.

A file counts as made by a verb when it carries the mark of what the verb writes: the kind and checksum of a JSON
document, the header of a table, the creator of an image. An empty file holds nothing to lose.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import FitError, OutputError
from .atomic import is_stream

Made = Callable[[Path], bool]
IMAGES = (".svg", ".png", ".pdf")
CREATOR = "ziplaw"  # in the metadata of every image
END_BYTES = 1 << 16
RENAME = "give another path"
LARGEST_JSON = 1 << 30


@dataclass(frozen=True)
class Output:
    """A file, or a folder of files, that is going to be written.

    Attributes
    ----------
    path : path-like
        As the user gave it, or as it follows from what the user gave.
    made : callable
        Takes the path of a file (or of a folder with files) that is there, tells whether the same verb made it.
    name : str
        What a message calls it: "-o fit.json", or "fit.csv, written beside --plot fit.svg,".
    folder : bool
        The path is a folder; the files that go into it are Outputs of their own.
    """

    path: str | os.PathLike
    made: Made
    name: str
    folder: bool = False


def by_kind(kind: str) -> Made:
    """Recognise a JSON document of this kind as it was written: top-level keys on lines of their own, a checksum."""
    marks = [rf'^ "kind": "ziplaw/{re.escape(kind)}",?$', r'^ "sha256": "[0-9a-f]{64}",?$']

    def made(path: Path) -> bool:
        with open(path, "rb") as stream:
            if os.fstat(stream.fileno()).st_size > LARGEST_JSON or stream.read(3) != b"{\n ":
                return False
            body = stream.read()
        return all(re.search(mark.encode(), body, re.M) for mark in marks)

    return made


def by_header(headers: Callable[[], Iterable[Sequence[str]]]) -> Made:
    """Recognise a CSV by its first line; ``headers`` gives the possible ones, asked only when a file is there."""

    def made(path: Path) -> bool:
        with open(path, "rb") as stream:
            line = stream.readline(END_BYTES)
        return line in {",".join(columns).encode() + b"\n" for columns in headers()}

    return made


def by_mark(*marks: str) -> Made:
    """Recognise a file by any of several texts near its beginning or its end (where a PDF names its maker)."""

    def made(path: Path) -> bool:
        with open(path, "rb") as stream:
            found = stream.read(END_BYTES)
            stream.seek(max(END_BYTES, os.fstat(stream.fileno()).st_size - END_BYTES))
            found += stream.read()
        return any(mark.encode() in found for mark in marks)

    return made


def image(path: str | os.PathLike) -> Path:
    """Return the path of an image.

    Raises
    ------
    FitError
        When its ending is none of ``IMAGES``.
    """
    path = Path(path)
    if path.suffix not in IMAGES:
        raise FitError(f"{path} ends in {path.suffix or 'nothing'!r}: name it {', '.join(IMAGES[:-1])} or {IMAGES[-1]}")
    return path


def numbers_of(path: str | os.PathLike) -> Path:
    """Return the path of the CSV that goes beside an image: the numbers in it."""
    return Path(path).with_suffix(".csv")


def image_outputs(path: str | os.PathLike, headers: Callable[[], Iterable[Sequence[str]]], name: str) -> list[Output]:
    """List what is written for an image: itself, and its numbers beside it."""
    beside = numbers_of(path)
    # as matplotlib writes the Creator of an SVG, the Software of a PNG, the Creator of a PDF
    marks = (f"<dc:title>{CREATOR}</dc:title>", f"Software\0{CREATOR}", f"/Creator ({CREATOR})")
    return [
        Output(path, by_mark(*marks), name),
        Output(beside, by_header(headers), f"{beside}, written beside {name},"),
    ]


def check(
    outputs: Sequence[Output],
    inputs: Iterable[str | os.PathLike] = (),
    homes: Iterable[str | os.PathLike] = (),
    force: bool = False,
) -> None:
    """Refuse outputs that would destroy something, or that cannot be written; to be called before any work.

    Parameters
    ----------
    outputs : sequence of Output
        Pipes, devices and ``/dev/stdout`` among them are always right.
    inputs : iterable of path-like
        Files and folders that are read. An output is never one of these, by whatever name (a link, a path through
        ``..``, a link inside a folder), and lies in none of the folders.
    homes : iterable of path-like
        Folders that are read and written: new files may come into them.
    force : bool
        Replace files of other origin too, and write into a folder that is read; what is read stays.

    Raises
    ------
    OutputError
        Naming the output and what is in its way.
    """
    inputs, homes = [[path for path in paths if os.path.exists(path)] for paths in (inputs, homes)]
    inputs += [path for one in inputs for path in _companions(one)]
    outputs = [(out, Path(os.path.realpath(out.path))) for out in outputs if not is_stream(out.path)]
    for i, (out, target) in enumerate(outputs):
        for other, before in outputs[:i]:
            if target == before or _same(target, before):
                raise OutputError(f"{other.name} and {out.name} are one file: give each its own")
            for upper, lower, inner in ((before, target, other), (target, before, out)):
                if not inner.folder and upper in lower.parents:
                    raise OutputError(
                        f"{inner.name} is a file and cannot hold another output, {lower}: name one otherwise"
                    )
        for source in inputs:
            _check_input(out, target, source, force)
        if out.folder:
            _check_folder(out, target)
        elif os.path.exists(target) and not os.path.isdir(target) and not _is_made(out, target):
            for home in homes:
                if _holds(home, target, linked_folders=True):
                    raise OutputError(f"{out.name} is part of {home}, which this command reads: {RENAME}")
            if not force:
                raise OutputError(
                    f"{out.name} is there already and no earlier output of this command: {RENAME}, or --force to "
                    "replace it"
                )
        _check_place(out, target)


def _check_input(out, target, source, force):
    real = Path(os.path.realpath(source))
    if target == real or _same(target, real):
        raise OutputError(f"{out.name} is what this command reads ({source}): {RENAME}")
    if not os.path.isdir(real) or not _holds(real, target):
        return
    if not out.folder and os.path.exists(target) and not _is_made(out, target):
        raise OutputError(f"{out.name} is part of {source}, which this command reads: {RENAME}")
    if not force:
        raise OutputError(
            f"{out.name} lies in {source}, which this command reads, and would be taken for a part of it: {RENAME}, or "
            "--force to write there all the same"
        )


def _holds(folder, target, linked_folders=False):
    """Tell whether a file lies in a folder, or a link in it leads to the file or to a folder that holds it."""
    if Path(os.path.realpath(folder)) in target.parents:
        return True
    if not os.path.isfile(target):
        return False
    for parent, folders, files in os.walk(folder):  # links to folders are among the folders, and not walked into
        for name in [*files, *(folders if linked_folders else ())]:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                real = Path(os.path.realpath(path))
                if real == target or (name in folders and real in target.parents):
                    return True
    return False


def _check_folder(out, target):
    """Refuse a folder with files of other origin; hidden ones do not count (a writer's temporary files are)."""
    names = sorted(os.listdir(target)) if os.path.isdir(target) else []
    others = [name for name in names if not name.startswith(".")]
    if others and not _is_made(out, target):
        raise OutputError(
            f"{out.name} holds {others[0]!r} and is no earlier output of this command: give a new or empty folder"
        )


def _check_place(out, target):
    if not out.folder and os.path.isdir(target):
        raise OutputError(f"{out.name} is a folder: name a file")
    place = next(place for place in ([target] if out.folder else []) + [*target.parents] if os.path.exists(place))
    if not os.path.isdir(place):
        raise OutputError(f"{out.name}: {place} is a file, not a folder: {RENAME}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(
            f"{out.name}: the folder {place} cannot be written: choose another place or mend its permissions"
        )


def _companions(path):
    """Files that are read together with a file, by their names."""
    path = Path(path)
    beside = [path.with_suffix(".idx")] if path.suffix == ".bin" else []
    beside += [path.with_name("curve.csv")] if path.name == "run.json" else []
    return [one for one in beside if one.exists()]


def _same(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False  # one of them is not there yet


def _is_made(out, target):
    try:
        return (not out.folder and os.path.getsize(target) == 0) or out.made(target)
    except OSError:
        return False  # what cannot be read is not known to be ours
