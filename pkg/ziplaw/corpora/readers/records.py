"""Files of records as one source: one field of every record, as text or as token ids."""

from __future__ import annotations

import itertools
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import CorpusError
from ..storage.files import InputFile
from ..storage.packed import FREE_BYTES, MAX_RATIO
from ..storage.streams import DocumentName, Pieces, cut_up
from .fields import as_ids, as_text, choose_field, dig, form_of, forms_of
from .json_records import json_records
from .tables import choose_column, table_values

# how many records of JSON are looked at to see what a field holds
_LOOK_AT = 20
# a row of a table costs as much time as this many bytes of text
_ROW_BYTES = 256


class Records:
    """One field of all the records of some files.

    Parameters
    ----------
    files : sequence of InputFile
        Of the kinds "jsonl", "parquet" and "arrow", in the order in which they are read.
    wanted : str, optional
        The field; by default chosen by `fields.choose_field` from the first file that has a record.
    notes : Counter
        ``empty records`` are counted here.

    Attributes
    ----------
    field : str or None
        The field that is read, which may be called ""; None when the records are lists of ids themselves.
    form : str
        "text", "chat" or "ids".
    why : str
        How the field was chosen, where it was not by name.
    n_records : int
        Records read so far, empty ones too.

    Raises
    ------
    CorpusError
        When the field cannot be chosen, or the first records cannot be read.
    """

    def __init__(self, files: Sequence[InputFile], wanted: str | None, notes: Counter):
        self.files, self.notes = files, notes
        self.field, self.form, self.why = None, "text", ""
        self.n_records = 0
        for file in files:
            if file.kind != "jsonl":
                self.field, self.form, self.why = choose_column(file, wanted)
                return
            if chosen := _choose_in_json(file, wanted):
                self.field, self.form, self.why = chosen
                return

    def _values(self) -> Iterator[tuple[DocumentName, str, Any]]:
        for file in self.files:
            if file.kind == "jsonl":
                for number, where, record in json_records(file):
                    if isinstance(record, list) == (self.field is not None):
                        other = "not a list of ids" if self.field is None else "not an object"
                        raise CorpusError(f"{where} is a JSON {type(record).__name__}, {other}: mend or drop it")
                    value = record if self.field is None else dig(record, self.field, where)
                    yield DocumentName(file.document, str(number)), where, value
                continue
            with open(file, "rb") as stream:
                limit = max(FREE_BYTES, MAX_RATIO * stream.seek(0, 2))
            for number, where, value in table_values(file, self.field):
                limit -= _ROW_BYTES + (len(value) if isinstance(value, str | bytes) else 0)
                if limit < 0:
                    raise CorpusError(
                        f"{where}: the file unpacks to over {MAX_RATIO} times its size: if that is meant, give it "
                        "as text"
                    )
                yield DocumentName(file.document, str(number)), where, value

    def pieces(self) -> Pieces:
        """Yield every record's text, `cut_up`; records without any are counted and left out."""
        self.notes["empty records"] = self.n_records = 0
        for name, where, value in self._values():
            self.n_records += 1
            text = as_text(value, where, self.field)
            if not text:
                self.notes["empty records"] += 1
            yield from ((name, piece) for piece in cut_up(iter([text])))
        self.notes += Counter()  # nothing to note where the count is 0

    def spool_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """Join the ids of all records in a temporary file.

        Returns
        -------
        tokens : ndarray of uint32, shape (n,)
            Memory-mapped.
        documents : ndarray of int64, shape (k + 1,)
            Where each record starts; its last entry is n.
        """
        self.notes["empty records"] = 0
        starts = array("q", [0])
        with tempfile.TemporaryFile() as spool:
            for _, where, value in self._values():
                ids = as_ids(value, where, self.field)
                if not ids.size:
                    self.notes["empty records"] += 1
                    continue
                spool.write(ids.tobytes())
                starts.append(starts[-1] + ids.size)
            spool.flush()
            self.notes += Counter()
            tokens = np.memmap(spool, np.uint32, "r") if starts[-1] else np.empty(0, np.uint32)
        return tokens, np.array(starts, np.int64)


def _choose_in_json(file, wanted):
    """Return (field, form, why) from the first records of a file; None when it has none."""
    forms: dict[str, tuple[str, str]] = {}
    first = None
    for _, where, record in itertools.islice(json_records(file), _LOOK_AT):
        first = first or where
        if isinstance(record, list):
            if forms:
                break  # told when it is read
            if wanted is None and (form_of(record)[0] == "ids" or record == []):
                return None, "ids", "the records are lists of ids"
            raise CorpusError(f"{where} is a JSON list, not an object: one record a line is needed")
        for name, found in forms_of(record).items():
            if forms.get(name, ("null",))[0] == "null":
                forms[name] = found
    return choose_field(forms, wanted, first) if first else None
