"""Is each file what was written: its own checksum, or the one that another file has of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import versions
from ..base.atomic import PART
from ..base.checksums import SUFFIX, Checksums, read_checksums
from ..base.documents import read_json, sha256_file
from ..errors import ZiplawError
from .finding import Finding
from .layout import UNFINISHED, files_of, kind_of, made_with, recorded

EDITED = "does not match {}: damaged or edited"


class Folder:
    """The files of a folder of results, each document read once.

    Parameters
    ----------
    folder : pathlib.Path
        ``results/<name>``.

    Attributes
    ----------
    files : list of str
        Paths in the folder.
    documents : dict of str to dict
        Content of the JSON documents that are whole, by path.
    records : dict of str to Checksums
        Checksums that lie beside outputs, those that are whole, by path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = files_of(folder)
        self.documents: dict[str, dict[str, Any]] = {}
        self.records: dict[str, Checksums] = {}
        self._sums: dict[str, str] = {}

    def sha256(self, path: str) -> str | None:
        """SHA-256 of a file; None of one that is not there."""
        if path not in self._sums and (self.folder / path).is_file():
            self._sums[path] = sha256_file(self.folder / path)
        return self._sums.get(path)

    def beside(self, record: str, name: str) -> str:
        """Return the path in the folder of what a file of checksums names from its own place."""
        parts: list[str] = []
        for part in [*Path(record).parent.parts, *Path(name).parts]:
            if part == ".." and parts and parts[-1] != "..":
                parts.pop()
            else:
                parts.append(part)
        return "/".join(parts)


def wholeness(of: Folder) -> Iterator[Finding]:
    """Yield what is damaged, foreign, or was made by another version; fill in ``documents`` and ``records``."""
    for path in of.files:
        if path.endswith(PART):
            yield Finding(path, "foreign", "left by a writer that was killed; the next one removes it")
        elif (kind := kind_of(path)) is None:
            if not UNFINISHED.fullmatch(path):
                yield Finding(path, "foreign", "no result of this name belongs here")
        elif path.endswith(SUFFIX):
            yield from _record(of, path)
        elif kind:
            yield from _document(of, path, kind)
    yield from _arrays(of)
    yield from _curves(of)
    yield from _recorded(of)


def _document(of, path, kind):
    try:
        document = read_json(of.folder / path, kind)
    except ZiplawError as error:
        yield Finding(path, "damaged", str(error).removeprefix(f"{of.folder / path} ").split("; ")[0].split(": ")[0])
        return
    if "sha256" not in document:
        yield Finding(path, "damaged", "has lost its checksum, as an edit by hand leaves it")
    elif "kind" not in document:
        yield Finding(path, "damaged", "does not say what it is")
    else:
        of.documents[path] = document


def _record(of, path):
    try:
        of.records[path] = found = read_checksums(of.folder / path)
    except ZiplawError:
        yield Finding(path, "damaged", "these checksums do not match their own: damaged or edited")
        return
    now = getattr(versions, found.stage, found.version)
    if found.version != now:
        yield Finding(
            path.removesuffix(SUFFIX), "outdated", f"made by version {found.version} of {found.stage}, this is {now}"
        )


def _arrays(of):
    for path in of.files:
        if not path.endswith(".npy") or kind_of(path) is None:
            continue
        place, _, name = path.rpartition("/")
        meta = of.documents.get(f"{place}/meta.json")
        if meta is None:
            if f"{place}/meta.json" not in of.files:
                yield Finding(path, "damaged", "no meta.json beside it says what it is")
        elif of.sha256(path) != meta.get(f"sha256_{name.removesuffix('.npy')}"):
            yield Finding(path, "damaged", EDITED.format("the checksum in meta.json"))


def _curves(of):
    for path in of.files:
        if not path.endswith("/curve.csv") or kind_of(path) is None:
            continue
        run = path.removesuffix("curve.csv") + "run.json"
        if run in of.documents:
            if of.documents[run].get("curve_sha256") != of.sha256(path):
                yield Finding(path, "damaged", EDITED.format("the checksum in run.json"))
        elif run not in of.files:
            yield Finding(path, "damaged", "no run.json beside it says what it is")


def _recorded(of):
    """What checksums beside files say of them; and files that they should name."""
    named = set()
    for record, found in of.records.items():
        for name, expected in found.made.items():
            path = of.beside(record, name)
            named.add(path)
            if of.sha256(path) not in (None, expected):
                yield Finding(path, "damaged", EDITED.format(Path(record).name))
    damaged = {path for path in of.files if path.endswith(SUFFIX)} - of.records.keys()
    for path in of.files:
        if damaged & made_with(path):
            continue  # it goes with them
        if path not in named and kind_of(path) is not None and not path.endswith(SUFFIX) and recorded(path):
            yield Finding(
                path, "foreign", "no checksums beside it name it: a table of your own, or made before there were any"
            )
    tokenizer, report = "tokenizer.json", of.documents.get("tokenizer.report.json")
    if report and tokenizer in of.files and of.sha256(tokenizer) != report.get("file_sha256"):
        yield Finding(tokenizer, "damaged", EDITED.format("the checksum in tokenizer.report.json"))
