"""What is taken for an array of token ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import CorpusError


def token_array(given: Any, name: str = "tokens") -> np.ndarray:
    """Return ``given`` as a numpy array of integers in the machine's byte order; a memory map stays on disk.

    Parameters
    ----------
    given : array_like of integers
        Of any shape; one without an entry may be of any type.
    name : str, optional
        What messages call it.

    Returns
    -------
    ndarray of integers, of the same shape

    Raises
    ------
    CorpusError
        When rows differ in length, entries are masked, or the type is no integer.
    """
    if np.ma.is_masked(given):
        raise CorpusError(f"{name} has masked entries: take them out (.compressed()) or give them an id (.filled(id))")
    try:
        array = np.asarray(given)
    except ValueError:
        raise CorpusError(
            f"{name} has rows of different lengths: give rows of one length, or them end to end"
        ) from None
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise CorpusError(
            f"{name} has dtype {array.dtype}, must be integers below 2^31: convert it with .astype(numpy.int64)"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
