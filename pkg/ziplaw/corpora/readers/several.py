"""Several paths as one source: each is read as it would be alone, and no file twice."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CorpusError
from ..storage.streams import DocumentName, Pieces
from .open import open_source
from .sources import Source, TextSource, TokenSource, check_ids

_NAMED = 3
_COPY_IDS = 1 << 22


def open_several(paths: Sequence[str | os.PathLike], **reading: Any) -> Source:
    """Open one path, or several as one source.

    Parameters
    ----------
    paths : sequence of path-like
        Each as `open.open_source` takes it; a file that is given twice, under whatever name, or that lies in a folder
        that is given too, is read where it comes first.
    **reading
        As of `open.open_source`, for every path.

    Returns
    -------
    TextSource or TokenSource
        Of one path its own. Of several, text after text with each document named by its path, or all ids joined in a
        temporary file; ``parts`` has the source of each.

    Raises
    ------
    CorpusError
        When there is no path, one cannot be read, or text and token ids stand side by side.
    """
    if not paths:
        raise CorpusError("there is no path: give files or folders")
    if len(paths) == 1:
        return open_source(paths[0], **reading)
    seen: set[tuple[int, int]] = set()
    parts: list[tuple[str, Source | None]] = []
    for path in paths:
        alone = os.fsdecode(path)
        if _is_new(alone, seen):
            source = open_source(path, **reading, seen=seen)
            # of a folder every file may have been read before
            parts.append((alone, source if source.provenance.get("files", 1) else None))
        else:
            parts.append((alone, None))
    read = [(path, source) for path, source in parts if source is not None]
    if len(read) == 1:
        read[0][1].parts = parts
        return read[0][1]
    texts = [(path, source) for path, source in read if isinstance(source, TextSource)]
    ids = [(path, source) for path, source in read if isinstance(source, TokenSource)]
    if texts and ids:
        raise CorpusError(
            f"{texts[0][0]} is text and {ids[0][0]} token ids: one corpus takes either, so give the text that the ids "
            "were made of"
        )
    for path, source in ids:
        if source.kind == "corpus":
            raise CorpusError(f"{path} is a ziplaw corpus already: leave it out, or give what it was made of")
    joined: Source = _joined_texts(texts) if texts else _joined_ids(ids)
    joined.parts = parts
    return joined


def _is_new(path, seen):
    """Whether a path is not a file that was read already; a folder's files are looked at one by one."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return True  # told by what opens it
    if os.path.isdir(path):
        return True
    key = status.st_dev, status.st_ino
    if key in seen:
        return False
    seen.add(key)
    return True


def _provenance(read):
    names = [source.provenance["name"] for _, source in read]
    name = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return {"kind": "several", "name": name, "paths": [source.provenance for _, source in read]}


def _joined_texts(texts):
    notes: Counter[str] = Counter()

    def pieces() -> Pieces:
        notes.clear()
        for path, source in texts:
            # not replaced: two names must not become one
            printable = path.encode("utf-8", "backslashreplace").decode()
            folder = f"{printable.rstrip('/')}/" if Path(path).is_dir() else None
            for name, piece in source.pieces():
                yield DocumentName(printable if folder is None else folder + name.file, name.part), piece
            notes.update(source.notes)

    provenance = _provenance(texts)
    return TextSource(provenance["name"], "several", pieces, notes, provenance, f"{len(texts)} paths of text")


def _joined_ids(ids):
    """Join ids in a temporary file; a row, and a stream that tells no documents, is a document."""
    widths = {source.tokens.shape[1] if source.tokens.ndim == 2 else 0 for _, source in ids}
    small = all(source.tokens.dtype.kind == "u" and source.tokens.dtype.itemsize <= 2 for _, source in ids)
    dtype = np.dtype("<u2" if small else "<u4")
    bounds = [np.zeros(1, np.int64)]
    try:
        with tempfile.TemporaryFile() as spool:
            for path, source in ids:
                flat = source.tokens.reshape(-1)
                for start in range(0, flat.size, _COPY_IDS):
                    piece = flat[start : start + _COPY_IDS]
                    check_ids(piece, path)
                    spool.write(piece.astype(dtype).tobytes())
                bounds.append(bounds[-1][-1] + _ends(source))
            spool.flush()
            n = int(bounds[-1][-1])
            tokens = np.memmap(spool, dtype, "r") if n else np.empty(0, dtype)
    except OSError as error:
        raise CorpusError(
            f"cannot join the ids of {len(ids)} paths in {tempfile.gettempdir()} ({error.strerror or error}): set "
            "TMPDIR to a folder with more space"
        ) from None
    makers = {source.tokenizer for _, source in ids}
    tokenizer = makers.pop() if len(makers) == 1 else None
    provenance = _provenance(ids)
    common = {"tokenizer": tokenizer, "provenance": provenance, "what": f"{n} token ids of {len(ids)} paths"}
    if len(widths) == 1 and (width := widths.pop()):
        return TokenSource(provenance["name"], "several", tokens.reshape(-1, width), **common)
    return TokenSource(provenance["name"], "several", tokens, documents=np.concatenate(bounds), **common)


def _ends(source):
    tokens = source.tokens
    if source.documents is not None:
        return source.documents[1:]
    if tokens.ndim == 2:
        return np.arange(1, len(tokens) + 1, dtype=np.int64) * tokens.shape[1]
    return np.array([tokens.size], np.int64)
