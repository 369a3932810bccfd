"""What verbs print: documents as JSON, tables, and lines that say what was read and written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..base.atomic import is_stream
from ..base.text_table import aligned

if TYPE_CHECKING:
    from ..corpora.readers import Source

CORPUS_FILES = "in train.npy, valid.npy and meta.json"


def print_json(document: Any) -> None:
    """Print a document as JSON on standard output, sorted keys, numpy values converted."""
    from ..base.documents import plain

    # escapes of JSON where the terminal or the locale cannot show the letters themselves
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(plain(document), indent=1, sort_keys=True, ensure_ascii=ascii_only))


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Print rows as an aligned text table, see `base.text_table.aligned`."""
    for line in aligned(rows, columns):
        click.echo(line)


def say_written(path: str | os.PathLike, text: str, *beside: str | os.PathLike) -> None:
    """Print what was written, with the files beside it; on standard error where the result itself is in a stream."""
    names = " and ".join(click.format_filename(name) for name in (path, *beside))
    click.echo(f"{names}: {text}" if text else names, err=is_stream(path))


def read_line(path: str | os.PathLike, source: Source) -> str:
    """Return the line that says what was read of a path and what was left out."""
    return f"ziplaw: {_one_line(path)}: {source.reading()}"


def _one_line(path):
    """A path as a line shows it: a name may hold an end of line."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in click.format_filename(path))


def bytes_read(pieces: Iterable[Any]) -> Iterator[Any]:
    """Yield pieces of a source and show on a terminal how many bytes (or ids) have been read."""
    from ..base.documents import progress

    with progress(desc="reading", unit="B") as bar:
        for name, piece in pieces:
            yield name, piece
            bar.update(len(piece))


def read_lines(path: str | os.PathLike, source: Source) -> list[str]:
    """Return a line for each path of a source, or the one line where it is of one path."""
    if not source.parts:
        return [read_line(path, source)]
    already = "all of it was read already, with a path before it"
    return [
        f"ziplaw: {_one_line(path)}: {already}" if part is None else read_line(path, part)
        for path, part in source.parts
    ]
