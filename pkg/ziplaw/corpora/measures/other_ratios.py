"""Compressed over raw size by other windows, encodings and compressors than those of H."""

from __future__ import annotations

from statistics import median

import numpy as np

from ..compress import compressibility
from ..storage.files import missing
from .block_entropies import Tokens

# zstd's own levels: the strongest for windows of a kilobyte, a quick one for megabytes at once
ZSTD_LEVEL, ZSTD_LEVEL_WHOLE = 19, 9
SHORT, LONG = 64, 1024


def smallest_encoding(vocabulary: int) -> str:
    """The narrowest integer, in whole bytes, that holds every id: 1, 2 or 4 bytes.

    Parameters
    ----------
    vocabulary : int
        Ids are below it.
    """
    return "u1" if vocabulary <= 1 << 8 else ">u2" if vocabulary <= 1 << 16 else ">i4"


def ratios(rows: Tokens, stream: Tokens, samples: int, threads: int | None = None) -> dict[str, float | None]:
    """H of a sample at other windows and in other encodings; H itself has 256 tokens at 4 bytes (gzip level 9).

    Parameters
    ----------
    rows : ndarray of integers, shape (n, width)
        Windows of the usual length; the first ``samples`` evenly spaced ones are taken.
    stream : ndarray of integers, shape (m,)
        The whole corpus end to end, for windows longer than a row.
    samples : int
        Windows measured.

    Returns
    -------
    dict
        ``H_64``, ``H_1024`` (null where the corpus is shorter), ``H_16bit`` (ids as 2 bytes; null beyond 65535) and
        ``H_smallest`` (1, 2 or 4 bytes, see `smallest_encoding`), each a median over windows.
    """
    vocabulary = int(rows.max()) + 1

    def at(window: int, tokens: Tokens, encoding: str = ">i4") -> float | None:
        if tokens.size < window or (encoding == ">u2" and vocabulary > 1 << 16):
            return None
        return compressibility(tokens, window, samples, encoding=encoding, threads=threads, first=False).median

    width = rows.shape[1]
    return {
        "H_64": at(SHORT, rows if width >= SHORT else stream),
        "H_1024": at(LONG, stream),
        "H_16bit": at(width, rows, ">u2"),
        "H_smallest": at(width, rows, smallest_encoding(vocabulary)),
    }


def zstd_ratios(rows: Tokens, samples: int) -> tuple[dict[str, float], str]:
    """Ratios by zstd of ids as 4-byte big-endian integers: of windows, and of all rows as one frame.

    Sizes of zstd change between its versions: what has to come out the same everywhere cannot rest on them.

    Parameters
    ----------
    rows : ndarray of integers, shape (n, width)
    samples : int
        Evenly spaced rows whose median is ``zstd``.

    Returns
    -------
    ratios : dict
        ``zstd`` (level 19), ``zstd_whole`` (level 9).
    version : str
        Of the library.

    Raises
    ------
    CorpusError
        Without the package zstandard.
    """
    try:
        import zstandard
    except ImportError:
        raise missing("zstandard", "the zstd ratio (--no-zstd leaves it out)") from None
    taken = min(samples, len(rows))
    some = rows[np.arange(taken) * len(rows) // taken].astype(">i4")
    each = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    whole = zstandard.ZstdCompressor(level=ZSTD_LEVEL_WHOLE)
    sizes = [len(each.compress(row.tobytes())) for row in some]
    all_of_it = len(whole.compress(rows.astype(">i4").tobytes()))
    found = {"zstd": median(sizes) / (4 * rows.shape[1]), "zstd_whole": all_of_it / (4 * rows.size)}
    return found, ".".join(map(str, zstandard.ZSTD_VERSION))
