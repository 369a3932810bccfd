"""JSON and CSV written whole or not at all, their readers, checksums and progress bars."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ZiplawError, again, shown
from .atomic import atomic_path

FORMAT = 1
MAX_NESTING = 100


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically, newlines as given."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def read_text(path: str | os.PathLike) -> str:
    """Read UTF-8 text, with or without a byte-order mark.

    Raises
    ------
    ZiplawError
        When the bytes are not UTF-8: replaced characters could make two names one.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ZiplawError(f"{path} is not UTF-8 text (byte {error.start}): convert it to UTF-8") from None


def _digest(document: dict[str, Any]) -> str:
    body = {key: value for key, value in document.items() if key != "sha256"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays, tuples and non-finite floats into what JSON can hold (NaN, inf -> None)."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: str | os.PathLike, document: dict[str, Any], kind: str | None = None) -> None:
    """Write a JSON document atomically: sorted keys, one trailing newline, a checksum of its content inside.

    Parameters
    ----------
    path : path-like
        The file to write.
    document : dict
        The content; numpy values are converted, non-finite floats become null.
    kind : str, optional
        What the document is ("grammar", "fit", ...); stored as ``"kind": "ziplaw/<kind>"`` with a format number.
    """
    write_text(path, json_text(document, kind))


def json_text(document: dict[str, Any], kind: str | None = None) -> str:
    """Return what ``write_json`` writes, for a file that is written atomically already."""
    body = plain(document)
    if kind is not None:
        body = {**body, "kind": f"ziplaw/{kind}", "format": FORMAT}
    body["sha256"] = _digest(body)
    text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)
    # file names may hold bytes that are no UTF-8; Python keeps them as lone surrogates, JSON as escapes
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of one JSON object as a dict; ValueError where a key stands twice (a hook of ``json.loads``)."""
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                break
            seen.add(name)
        raise ValueError(f"the key {shown(name)} stands twice in one object")
    return document


def _refuse(constant):
    raise ValueError(f"{constant} is no number of JSON")


def _check_nesting(document):
    level = [document]
    for _ in range(MAX_NESTING):
        children = (child for node in level for child in (node.values() if isinstance(node, dict) else node))
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_NESTING} deep")


def read_json(path: str | os.PathLike, kind: str | None = None) -> dict[str, Any]:
    """Read a JSON document and hold it against its checksum, format and kind.

    A document without ``sha256`` is taken as written by hand and accepted.

    Raises
    ------
    ZiplawError
        When the file is not a JSON object (a key given twice and NaN are not JSON either), is of another kind or a
        newer format, or was changed after writing.
    """
    text = read_text(path)
    try:
        document = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_refuse)
        if isinstance(document, dict):
            _check_nesting(document)
    except (ValueError, RecursionError) as error:
        raise ZiplawError(f"{path} is not valid JSON ({error}): {again(path)}, or restore it") from None
    if not isinstance(document, dict):
        raise ZiplawError(f"{path} holds a JSON {type(document).__name__}, not an object: is it the right file?")
    if kind is not None and document.get("kind", f"ziplaw/{kind}") != f"ziplaw/{kind}":
        raise ZiplawError(f"{path} is a {shown(document['kind'])} file, not ziplaw/{kind}: give a file of that kind")
    if document.get("format", FORMAT) != FORMAT:
        raise ZiplawError(
            f"{path} has format {shown(document['format'])}, this ziplaw reads {FORMAT}: use a matching version"
        )
    try:
        damaged = "sha256" in document and document["sha256"] != _digest(document)
    except ValueError:  # a number beyond double precision, which nothing here writes
        damaged = True
    if damaged:
        raise ZiplawError(
            f"{path} does not match its own checksum: it was damaged or edited; {again(path)}, "
            'or delete its "sha256" line if the edit was meant'
        )
    return document


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def write_csv(path: str | os.PathLike, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write rows as CSV atomically: floats to full precision, empty cells for None and NaN.

    Parameters
    ----------
    path : path-like
        The file to write.
    rows : sequence of dict
        One mapping a row; keys missing from a row become empty cells.
    columns : sequence of str, optional
        Column order; by default the keys of the first row.
    """
    columns = list(columns if columns is not None else (rows[0] if rows else []))
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def guessed(column: str, cell: str) -> Any:
    """Return a cell of a table without declared columns: None, a truth value, an integer, a float or text."""
    if cell == "":
        return None
    if cell in ("true", "false"):
        return cell == "true"
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell


def read_csv(path: str | os.PathLike, value: Callable[[str, str], Any] = guessed) -> list[dict[str, Any]]:
    """Read a CSV into one dict a row.

    Parameters
    ----------
    path : path-like
        The file.
    value : callable
        Column and text of a cell -> what it holds. The default guesses, so that names which look like numbers become
        some: the project's own tables are read as they are declared (:mod:`ziplaw.tables.declared`).

    Raises
    ------
    ZiplawError
        When the file is empty, two columns share a name, or a row has more cells than the header.
    """
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        if not reader.fieldnames:
            raise ZiplawError(f"{path} is empty: a CSV with a header line is needed")
        if twice := [name for i, name in enumerate(reader.fieldnames) if name and name in reader.fieldnames[:i]]:
            raise ZiplawError(f"{path} has two columns named {twice[0]!r}: rename one")
        rows = []
        for row in reader:
            if None in row:
                raise ZiplawError(f"{path} line {reader.line_num} has more cells than the header: mend that line")
            rows.append({key: value(key, cell or "") for key, cell in row.items()})
    return rows


def sha256_file(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def progress(items: Iterable | None = None, *, total: int | None = None, desc: str = "", unit: str = "it") -> Any:
    """Wrap an iterable (or make a manual bar) that shows on a terminal's standard error and is silent in a pipe."""
    from tqdm import tqdm

    return tqdm(
        items,
        total=total,
        desc=desc,
        unit=unit,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
        unit_scale=True,
    )
