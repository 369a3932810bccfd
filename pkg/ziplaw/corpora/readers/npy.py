"""Arrays of token ids as numpy saves them."""

from __future__ import annotations

import os
import warnings

import numpy as np

from ...errors import CorpusError
from ..storage.files import InputFile, short_name
from .sources import TokenSource, check_ids


def source(file: InputFile, dtype: str | None = None) -> TokenSource:
    """Open an array of ids, 1-D or 2-D; the file tells its type itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's, of arrays that Python 2 saved
            tokens = np.lib.format.open_memmap(os.fspath(file), mode="r") if os.path.getsize(file) else None
    except Exception as error:  # numpy parses the header as Python, and raises whatever that raises
        text = " ".join(str(error).split())[:200]
        raise CorpusError(f"{file} is no readable .npy array ({text}): save token ids with numpy.save") from None
    if tokens is None:
        raise CorpusError(f"{file} is empty: save token ids with numpy.save")
    if tokens.dtype.kind not in "iu":
        raise CorpusError(f"{file} holds {tokens.dtype} values, token ids must be integers: use .astype(numpy.uint32)")
    if tokens.ndim not in (1, 2):
        raise CorpusError(
            f"{file} has {tokens.ndim} dimensions, must have 1 (a stream) or 2 (documents x tokens): reshape it"
        )
    beyond = os.path.getsize(file) - tokens.offset - tokens.nbytes
    if beyond:
        raise CorpusError(
            f"{file} goes on for {beyond} bytes after its array of {tokens.size} ids (several arrays saved into one "
            "file?): save one array"
        )
    check_ids(tokens, file)
    shape = f"{len(tokens)} documents of {tokens.shape[1]} ids" if tokens.ndim == 2 else f"{tokens.size} ids"
    provenance = {"kind": "npy", "name": file.document}
    return TokenSource(short_name(file.document), "npy", tokens, provenance=provenance, what=f"{shape}, {tokens.dtype}")
