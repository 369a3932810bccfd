"""gzip-compressibility H of token documents and of raw bytes.

H of a document is the size of the gzip member that holds it, level 9, the 18 bytes of header and trailer counted,
divided by its raw size. Lower is more compressible. The paper's encoding writes every token id as a 4-byte
big-endian signed integer; encoding, window, level and zlib version belong to H's identity and travel with it.
"""

from __future__ import annotations

import functools
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..base.threads import each, n_threads
from ..base.token_arrays import token_array
from ..errors import CorpusError, ZiplawError, integer

GZIP_OVERHEAD = 18  # ten bytes of header, eight of trailer: a gzip member with no name, comment or extra field
MAX_ID = 2**31 - 1
ENCODINGS = (">i4", "<i4", ">i2", "<i2", ">u2", "<u2", "u1")
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
_CHUNK_BYTES = 1 << 18
_LEAST_CHUNK_BYTES = 1 << 14
_CHUNKS_PER_THREAD = 8  # so that the threads end at about the same time


@dataclass(frozen=True)
class Compressibility:
    """H of one dataset and everything that H depends on.

    Attributes
    ----------
    median, mean, std : float
        Over the sampled windows, compressed bytes / raw bytes; ``std`` divides by n - 1 and is 0 for one window.
        ``median`` is what the paper calls H.
    n : int
        Windows measured.
    quantiles : dict of str to float
        ``q05 q25 q50 q75 q95`` of the same ratios.
    window : int
        Tokens in a window (bytes when ``encoding`` is ``"bytes"``).
    encoding : str
        NumPy name of the integer that holds one token, or ``"bytes"``.
    level : int
        gzip level, 0 to 9.
    zlib_version : str
        The zlib that defined the sizes.
    sizes : ndarray of int64, shape (n,)
        Compressed bytes of each window.
    raw_bytes : int
        Uncompressed bytes of one window.
    """

    median: float
    mean: float
    std: float
    n: int
    quantiles: dict[str, float]
    window: int
    encoding: str
    level: int
    zlib_version: str
    sizes: np.ndarray
    raw_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a score file: H, its spread and its identity, as plain Python values."""
        return {
            "H": self.median,
            "mean": self.mean,
            "std": self.std,
            **self.quantiles,
            "n": self.n,
            "window": self.window,
            "encoding": self.encoding,
            "level": self.level,
            "zlib": self.zlib_version,
            "raw_bytes": self.raw_bytes,
            "sizes": self.sizes.tolist(),
        }


def gzip_sizes(tokens: Any, threads: int | None = None, offsets: Any = None) -> np.ndarray:
    """Size of every row as a gzip member: ``len(gzip.compress(ids as >i4, 9))``, exactly.

    Parameters
    ----------
    tokens : array_like of integers
        Either 2-D, shape (n, width), one document a row, or 1-D together with ``offsets``. Ids from 0 to 2^31 - 1.
    threads : int, optional
        Threads to use; all usable processors by default. The sizes do not depend on it.
    offsets : array_like of integers, shape (n + 1,), optional
        Row ``i`` of a flat ``tokens`` is ``tokens[offsets[i]:offsets[i + 1]]``; rows may be empty (20 bytes each).

    Returns
    -------
    ndarray of int64, shape (n,)
        Compressed bytes of each row.

    Raises
    ------
    CorpusError
        When ``tokens`` is not an integer array of one of these shapes, an id is negative or too large, or the
        offsets fall, start before 0 or end behind the tokens.
    """
    tokens, offsets = _rows(tokens, offsets)
    _check_ids(tokens, MAX_ID)
    return _sizes_of(tokens, offsets, ">i4", 9, n_threads(threads))


def compressibility(
    tokens: Any,
    window: int = 256,
    samples: int = 1000,
    seed: int | None = None,
    encoding: str = ">i4",
    level: int = 9,
    threads: int | None = None,
    first: bool = True,
) -> Compressibility:
    """Measure H: median over windows of compressed bytes / raw bytes.

    Parameters
    ----------
    tokens : array_like of integers
        2-D documents, or a 1-D stream of tokens.
    window : int
        Tokens in a window. Documents of exactly this width are taken whole; longer ones and streams are cut into
        windows that do not overlap and never cross from one document into the next; what is left over is not used.
    samples : int
        Windows to measure; all of them when there are fewer.
    seed : int, optional
        Which windows: `chosen_windows`.
    encoding : str
        One of ``>i4 <i4 >i2 <i2 >u2 <u2 u1``. The paper's is ``>i4``.
    level : int
        gzip level, 0 to 9. The paper's is 9.
    threads : int, optional
        Threads to use; all usable processors by default.
    first : bool
        Of documents as wide as the window take the first ones, as the published code does. That is fair where documents
        are independent draws, as a grammar's are; give False for windows of a text, which are in some order.

    Returns
    -------
    Compressibility

    Raises
    ------
    ZiplawError
        When an argument is out of range, an id does not fit the encoding, or there is not one whole window.
    """
    integer("window", window, 1, 2**31 - 1, "256 is the paper's")
    if encoding not in ENCODINGS:
        raise ZiplawError(f"encoding is {encoding!r}, must be one of {' '.join(ENCODINGS)}: >i4 is the paper's")
    tokens = token_array(tokens)
    if tokens.ndim not in (1, 2):
        raise CorpusError(f"tokens has {tokens.ndim} dimensions, must have 1 or 2: reshape it to (documents, tokens)")
    documents = tokens.reshape(1, -1) if tokens.ndim == 1 else tokens
    return _measure(documents, window, samples, seed, encoding, level, threads, "tokens", first and tokens.ndim == 2)


def byte_compressibility(
    data: bytes,
    window: int = 1024,
    samples: int = 1000,
    seed: int | None = None,
    level: int = 9,
    threads: int | None = None,
) -> Compressibility:
    """Measure H of raw bytes, without a tokenizer in between.

    Parameters
    ----------
    data : bytes-like
        The text or file as it stands.
    window : int
        Bytes in a window; 1024 is as much as 256 tokens of 4 bytes.
    samples, seed, level, threads
        As for `compressibility`.

    Returns
    -------
    Compressibility
        With ``encoding`` ``"bytes"``.

    Raises
    ------
    ZiplawError
        As for `compressibility`.
    """
    integer("window", window, 1, 2**31 - 1, "256 is the paper's")
    try:
        stream = np.frombuffer(data, dtype=np.uint8)
    except (TypeError, ValueError, BufferError):
        raise CorpusError(f"data is a {type(data).__name__}, must be bytes: encode text as UTF-8 first") from None
    return _measure(stream.reshape(1, -1), window, samples, seed, "bytes", level, threads, "bytes", False)


def _measure(documents, window, samples, seed, encoding, level, threads, unit, first):
    integer("samples", samples, 1, 2**31 - 1, "1000 is the paper's")
    integer("level", level, 0, 9, "9 is the paper's")
    n_documents, width = documents.shape
    per_document = width // window
    n = n_documents * per_document
    if n == 0:
        raise CorpusError(
            f"{n_documents} x {width} {unit} hold no window of {window} {unit}: give more data or a smaller window"
        )
    chosen = chosen_windows(n, samples, seed, first and width == window)
    # window by window: a memory-mapped corpus is read only where it is sampled
    rows = np.concatenate([documents[i // per_document, (i % per_document) * window :][:window] for i in chosen])
    dtype = "u1" if encoding == "bytes" else encoding
    _check_ids(rows, min(MAX_ID, np.iinfo(dtype).max))
    offsets = np.arange(len(chosen) + 1, dtype=np.int64) * window
    sizes = _sizes_of(rows, offsets, dtype, level, n_threads(threads))
    raw_bytes = window * np.dtype(dtype).itemsize
    ratios = sizes / raw_bytes
    return Compressibility(
        median=float(np.median(ratios)),
        mean=float(ratios.mean()),
        std=float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0,
        n=len(sizes),
        quantiles={f"q{round(100 * q):02d}": float(np.quantile(ratios, q)) for q in QUANTILES},
        window=window,
        encoding=encoding,
        level=level,
        zlib_version=zlib.ZLIB_RUNTIME_VERSION,
        sizes=sizes,
        raw_bytes=raw_bytes,
    )


def chosen_windows(n: int, samples: int, seed: int | None = None, first: bool = False) -> np.ndarray:
    """Say which of ``n`` windows are measured.

    Parameters
    ----------
    n : int
        Windows that there are, cut end to end from the documents.
    samples : int
        Windows wanted; all when there are fewer.
    seed : int, optional
        Draw them without replacement; by default number i of k is window i * n // k, so that they are evenly spaced.
    first : bool
        Without a seed, take the first ones.

    Returns
    -------
    ndarray of int64, shape (min(n, samples),)
        Increasing.
    """
    samples = min(n, samples)
    if seed is not None:
        integer("seed", seed, 0, 2**63 - 1, "leave it out for evenly spaced windows")
        return np.sort(np.random.default_rng(seed).choice(n, samples, replace=False))
    if first:
        return np.arange(samples)
    return np.arange(samples, dtype=np.int64) * n // samples


def _rows(tokens: Any, offsets: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return flat C-contiguous tokens and the int64 offsets of their rows."""
    tokens = token_array(tokens)
    if offsets is None:
        if tokens.ndim != 2:
            raise CorpusError(
                f"tokens has {tokens.ndim} dimensions, must have 2 (documents, tokens): give offsets for flat tokens"
            )
        n, width = tokens.shape
        return np.ascontiguousarray(tokens).reshape(-1), np.arange(n + 1, dtype=np.int64) * width
    offsets = token_array(offsets, "offsets")
    if tokens.ndim != 1:
        raise CorpusError(f"tokens has {tokens.ndim} dimensions, must be flat when offsets are given: use .ravel()")
    if offsets.ndim != 1 or offsets.size == 0:
        raise CorpusError(f"offsets has shape {offsets.shape}, must be flat and not empty: give n + 1 for n rows")
    offsets = np.ascontiguousarray(offsets, dtype=np.int64)
    if offsets[0] < 0 or offsets[-1] > tokens.size or np.any(offsets[1:] < offsets[:-1]):
        raise CorpusError(
            f"offsets run from {offsets[0]} to {offsets[-1]}, must rise from 0 to at most {tokens.size}: sort them"
        )
    return np.ascontiguousarray(tokens), offsets


def _check_ids(tokens: np.ndarray, largest: int) -> None:
    if tokens.size and not (tokens.dtype.kind == "u" and np.iinfo(tokens.dtype).max <= largest):
        low, high = int(tokens.min()), int(tokens.max())
        if low < 0 or high > largest:
            raise CorpusError(
                f"token id {low if low < 0 else high} is out of range, must be from 0 to {largest}: "
                "renumber the tokens or choose a wider encoding"
            )


def _sizes_of(tokens: np.ndarray, offsets: np.ndarray, dtype: str, level: int, threads: int) -> np.ndarray:
    """Sizes of the rows of flat tokens, each id written as ``dtype``; rows are split into chunks for the threads."""
    sizes = np.empty(len(offsets) - 1, dtype=np.int64)
    core = _trusted_core() if level == 9 else None

    def fill(chunk: tuple[int, int]) -> None:
        first, last = chunk
        rows, out = offsets[first : last + 1], sizes[first:last]
        if core is None:
            _zlib_sizes(tokens, rows, dtype, level, out)
            return
        _core_sizes(core, tokens, rows, dtype, out)
        for i in np.flatnonzero(out == core.TOO_LONG):
            _zlib_sizes(tokens, rows[i : i + 2], dtype, level, out[i : i + 1])

    each(fill, _chunks(offsets * np.dtype(dtype).itemsize, threads), threads)
    return sizes


def _core_sizes(core: Any, tokens: np.ndarray, offsets: np.ndarray, dtype: str, out: np.ndarray) -> None:
    """The same sizes by the compiled core; rows beyond its limit get its mark."""
    start = int(offsets[0])
    chunk = tokens[start : int(offsets[-1])]
    if dtype == ">i4":
        core.sizes_of_ids(chunk.view(np.uint8), tokens.itemsize, offsets - start, out)
    else:
        payload = chunk.astype(dtype, copy=False).view(np.uint8)
        core.sizes_of_bytes(payload, (offsets - start) * np.dtype(dtype).itemsize, out)


def _zlib_sizes(tokens: np.ndarray, offsets: np.ndarray, dtype: str, level: int, out: np.ndarray) -> None:
    """The definition: Python's own zlib, which is what gzip.compress calls."""
    start = int(offsets[0])
    payload = memoryview(tokens[start : int(offsets[-1])].astype(dtype).tobytes())
    ends = ((offsets - start) * np.dtype(dtype).itemsize).tolist()
    for i in range(len(out)):
        out[i] = GZIP_OVERHEAD + len(zlib.compress(payload[ends[i] : ends[i + 1]], level, -zlib.MAX_WBITS))


@functools.cache
def _trusted_core() -> Any:
    """Return the compiled core if it is built and agrees with the installed zlib, else None (then zlib does it all)."""
    try:
        from .. import _gzip
    except ImportError:
        return None
    probes = _probes()
    offsets = np.cumsum([0] + [len(probe) for probe in probes], dtype=np.int64)
    flat = np.frombuffer(b"".join(probes), dtype=np.uint8)
    want, got = np.empty((2, len(probes)), dtype=np.int64)
    _zlib_sizes(flat, offsets, "u1", 9, want)
    _gzip.sizes_of_bytes(flat, offsets, got)
    n_different = int(np.count_nonzero(want != got))
    if n_different:
        warnings.warn(
            f"zlib {zlib.ZLIB_RUNTIME_VERSION} gives {n_different} of {len(probes)} probes other sizes than zlib 1.2 "
            "and 1.3 do: every size is taken from it, which is slower; H of another zlib is not comparable",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return _gzip


def _probes() -> list[bytes]:
    """Payloads on which compressors part: sparse and mutated bytes, phrases of ids, long runs, short rows."""
    rng = np.random.default_rng(9)
    probes = [b"", b"a", bytes(1000), np.ones(2, ">i4").tobytes()]
    for n in range(4, 124):
        alphabet = 2 ** int(rng.integers(1, 12))
        phrases = [rng.integers(0, alphabet, int(rng.integers(1, 20))) for _ in range(6)]
        ids = np.concatenate([phrases[i] for i in rng.integers(0, 6, n // 2)])[:256]
        probes.append(ids.astype(">i4").tobytes())
        ids = rng.integers(0, 128, n) << rng.choice([0, 24], n)
        probes.append(ids.astype(">i4").tobytes())
        data = np.resize(rng.integers(0, 256, n), 5 * n)
        changed = rng.random(5 * n) < 10 ** rng.uniform(-3, -1)
        data[changed] = rng.integers(0, 256, int(changed.sum()))
        probes.append(data.astype("u1").tobytes())
        if n % 6 == 0:
            data = np.where(rng.random(1024) < 0.01, rng.integers(0, 4, 1024), int(rng.integers(0, 2)))
            probes.append(data.astype("u1").tobytes())
    return probes


def _chunks(byte_offsets: np.ndarray, threads: int) -> Sequence[tuple[int, int]]:
    """Split rows into runs of _LEAST_CHUNK_BYTES to _CHUNK_BYTES, one row at least, and about equally many a thread."""
    n = len(byte_offsets) - 1
    total = int(byte_offsets[-1] - byte_offsets[0]) + 64 * n  # empty rows cost time too
    pieces = -(-total // _CHUNK_BYTES)
    if threads > 1:
        pieces = threads * max(_CHUNKS_PER_THREAD, -(-pieces // threads))
        pieces = min(pieces, -(-total // min(_LEAST_CHUNK_BYTES, _CHUNK_BYTES)))
    pieces = max(1, min(n, pieces))
    weight = byte_offsets + 64 * np.arange(n + 1)
    cuts = np.searchsorted(weight, weight[0] + np.arange(1, pieces) * (total / pieces))
    cuts = np.unique(np.concatenate([[0], cuts, [n]]))
    return [(int(a), int(b)) for a, b in pairwise(cuts)]
