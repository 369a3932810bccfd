"""Readers of real data: every file, folder or pipe becomes documents of text or token ids.

``open`` is the one door; ``files`` tells what a file is by its name and ``folder`` which files of a folder are read;
``text``, ``json_records``, ``tables`` and ``token_files`` read the formats, ``records`` takes one field of records,
``packed`` unpacks, ``pipes`` keeps what can be read only once. Whatever the bytes, memory is bounded.
"""

from ..storage.files import shown
from .folder import list_files
from .open import open_source, source_files
from .sources import Source, TextSource, TokenSource
from .text import text_pieces
from .token_files import check_ids

__all__ = [
    "Source",
    "TextSource",
    "TokenSource",
    "check_ids",
    "list_files",
    "open_source",
    "shown",
    "source_files",
    "text_pieces",
]
