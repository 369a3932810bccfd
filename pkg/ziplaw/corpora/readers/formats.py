"""The reader of each kind of files is the module of its name beside this one; here stands what such a module has.

A kind of records or tables needs `choose` and `values`, a kind of token ids `source`. So a new kind takes one module
here, and one line in `storage.files.KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol, cast

from ..storage.files import InputFile
from .sources import TokenSource


class RecordReader(Protocol):
    """A module that reads files of records."""

    def choose(self, file: InputFile, wanted: str | None) -> tuple[str | None, str, str] | None:
        """Choose the field to read: (field, form, why) as `fields.choose_field`; None where there is no record."""

    def values(self, file: InputFile, field: str | None) -> Iterator[tuple[int, str, Any]]:
        """Yield (number, place for messages, value) of the field of every record."""


class IdReader(Protocol):
    """A module that reads files of token ids."""

    def source(self, file: InputFile, dtype: str | None) -> TokenSource:
        """Open the file; ``dtype`` is what the user says of it."""


def record_reader(kind: str) -> RecordReader:
    """Return the module that reads records of a kind."""
    return cast(RecordReader, import_module(f".{kind}", __package__))


def id_reader(kind: str) -> IdReader:
    """Return the module that reads token ids of a kind."""
    return cast(IdReader, import_module(f".{kind}", __package__))
