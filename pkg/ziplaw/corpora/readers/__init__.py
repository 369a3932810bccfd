"""Readers of real data: every file, folder or pipe becomes documents of text or token ids.

``open`` is the one door, ``several`` that for a list of paths; ``chosen_files`` says which files of a folder are read.
Each kind of files has a module of its name (``text jsonl parquet arrow npy bin``; ``formats`` says what such a module
has), ``records`` takes one field of records, of ``fields`` or ``pyarrow_columns``. Whatever the bytes, memory is
bounded.
"""

from ..storage.files import short_name
from .chosen_files import list_files
from .open import open_source, source_files
from .several import open_several
from .sources import Source, TextSource, TokenSource, check_ids
from .text import text_pieces

__all__ = [
    "Source",
    "TextSource",
    "TokenSource",
    "check_ids",
    "list_files",
    "open_several",
    "open_source",
    "short_name",
    "source_files",
    "text_pieces",
]
