"""Files of records as one source: one field of every record, as text or as token ids."""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..storage.files import InputFile
from ..storage.streams import DocumentName, Pieces, cut_up
from .fields import as_ids, as_text
from .formats import record_reader


class Records:
    """One field of all the records of some files.

    Parameters
    ----------
    files : sequence of InputFile
        Of kinds that hold records or tables, in the order in which they are read.
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
        self.n_records = 0
        chosen = (record_reader(file.kind).choose(file, wanted) for file in files)
        self.field, self.form, self.why = next(filter(None, chosen), (None, "text", ""))

    def _values(self) -> Iterator[tuple[DocumentName, str, Any]]:
        for file in self.files:
            for number, where, value in record_reader(file.kind).values(file, self.field):
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
