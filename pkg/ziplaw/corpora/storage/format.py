"""The corpus folder: train.npy, valid.npy and meta.json, written whole or not at all, verified when opened.

docs/formats.md describes it field by field.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...base.atomic import PART, atomic_path
from ...base.documents import json_text, read_json, sha256_file
from ...base.limits import CORPUS_CONTEXT, DOCUMENTS, MAX_VOCAB
from ...base.locks import lock
from ...base.outputs import Output, by_kind, check
from ...errors import CorpusError, ZiplawError, again, integer

PARTS = ("train", "valid")
CHUNK_TOKENS = 1 << 20


def token_dtype(vocab_size: int) -> np.dtype:
    """Return the dtype of stored tokens: uint16 when every id fits (vocab_size <= 65536), else uint32."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


_integer = functools.partial(integer, kind=CorpusError)


def _as_corpus_error(folder, error):
    return CorpusError(
        f"{folder}: cannot write the corpus there ({error.strerror or error}): free space or choose another"
    )


def _allocate(path, size):
    """Reserve ``size`` bytes on disk: a full disk must be an error here, not a SIGBUS in a memory-mapped store."""
    with open(path, "r+b") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, size)
        else:
            block = bytes(1 << 20)
            for start in range(0, size, len(block)):
                stream.write(block[: size - start])


def _new_array(path, dtype, shape):
    header = np.lib.format.header_data_from_array_1_0(np.empty((0, shape[1]), dtype)) | {"shape": shape}
    with open(path, "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        offset = stream.tell()
    _allocate(path, offset + shape[0] * shape[1] * dtype.itemsize)
    return np.memmap(path, dtype=dtype, mode="r+", offset=offset, shape=shape)


def _drop_pages(array):
    """Unmap the pages of a mapped array, which stay in the file: a large corpus must not count as memory in use.

    Waiting for the disk is left to the one fsync at the end.
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        array._mmap.madvise(mmap.MADV_DONTNEED)


def _chunks(tokens):
    """Yield ``tokens`` (n, context) as 1-D pieces of about CHUNK_TOKENS, giving back mapped pages as it goes."""
    rows = max(1, CHUNK_TOKENS // tokens.shape[1])
    for count, start in enumerate(range(0, tokens.shape[0], rows)):
        yield tokens[start : start + rows].reshape(-1)
        if count % 32 == 31 and isinstance(tokens, np.memmap):
            _drop_pages(tokens)


def count_tokens(tokens: np.ndarray) -> np.ndarray:
    """Count every id of a token array, in pieces.

    Parameters
    ----------
    tokens : ndarray of unsigned int, shape (n, context)
        Possibly memory-mapped; only about CHUNK_TOKENS tokens are in memory at once.

    Returns
    -------
    ndarray of int64, shape (largest id + 1,)
        Occurrences of each id.
    """
    total = np.zeros(0, np.int64)
    for piece in _chunks(tokens):
        counts = np.bincount(piece)
        if len(counts) > len(total):
            total, counts = counts.astype(np.int64), total
        total[: len(counts)] += counts
    return total


def unigram_entropy(counts: np.ndarray) -> float:
    """Return -sum p ln p (nats per token) of token frequencies p = counts / counts.sum(); 0.0 for no tokens."""
    # a compiled core: whoever only reads a corpus does without
    from ...numerics.functions import log

    counts = np.asarray(counts, np.float64)
    counts = counts[counts > 0]
    if not len(counts):
        return 0.0
    p = counts / counts.sum()
    return max(0.0, float(-(p * log(p)).sum()))


@dataclass(frozen=True)
class Corpus:
    """An opened corpus.

    Attributes
    ----------
    train, valid : ndarray of uint16 or uint32, shape (n_train, context) and (n_valid, context)
        Documents, memory-mapped and read-only.
    vocab_size : int
        Ids run from 0 (the separator) to vocab_size - 1.
    context : int
        Tokens in a document.
    meta : dict
        The whole of meta.json.
    path : pathlib.Path
        The folder.
    valid_sources : ndarray of int64, shape (n_valid,), or None
        The source of each held-out document, numbered from 0: documents of one source are alike, which a standard error
        has to allow for. None where each is a draw of its own, as a grammar's are.
    """

    train: np.ndarray
    valid: np.ndarray
    vocab_size: int
    context: int
    meta: dict[str, Any]
    path: Path
    valid_sources: np.ndarray | None = None


class CorpusWriter:
    """Write a corpus folder: fill ``.train`` and ``.valid`` inside a ``with`` block, leaving it finishes the corpus.

    Parameters
    ----------
    folder : path-like
        Where the corpus belongs; made when missing. A corpus that is already there is replaced at the very end.
    n_train, n_valid : int
        Documents of each part, at least 1.
    context : int
        Tokens in a document, at least 2.
    vocab_size : int
        Ids 0..vocab_size-1 are allowed; 0 is the separator.
    source : dict
        Where the documents come from (a grammar's checksum, an importer's identity, a seed); no absolute paths.
    token_bytes : float, optional
        Raw bytes behind one token, for imported text.
    valid_sources : ndarray of int, shape (n_valid,), optional
        The source of each held-out document, numbered from 0; without it each is one of its own.

    Attributes
    ----------
    train, valid : ndarray of uint16 (vocab_size <= 65536) or uint32
        Memory-mapped arrays, zeros at first; nothing appears under the final names before the block ends well.

    Raises
    ------
    CorpusError
        When a number is out of range, the folder cannot be written, the disk is full, or an id is too large.
    OutputError
        When the folder holds other files: reading it as text would then find the corpus.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        n_train: int,
        n_valid: int,
        context: int,
        vocab_size: int,
        source: dict[str, Any],
        token_bytes: float | None = None,
        valid_sources: np.ndarray | None = None,
    ):
        self.path = Path(folder)
        self.n_train = _integer("n_train", n_train, *DOCUMENTS, "ask for at least one training document")
        self.n_valid = _integer("n_valid", n_valid, *DOCUMENTS, "ask for at least one validation document")
        self.context = _integer("context", context, *CORPUS_CONTEXT, "256 tokens a document is usual")
        self.vocab_size = _integer("vocab_size", vocab_size, 2, MAX_VOCAB, "renumber the ids from 0 without gaps")
        self.source = dict(source)
        self.token_bytes = token_bytes
        self.valid_sources = None if valid_sources is None else _numbered(self.path, valid_sources, self.n_valid)
        self.dtype = token_dtype(self.vocab_size)

    def __enter__(self) -> CorpusWriter:
        """Reserve both files under temporary names."""
        check(corpus_outputs(self.path, str(self.path)))
        self._stack = contextlib.ExitStack()
        self._made_folder = not self.path.exists()
        try:
            # the last entered is renamed first, so meta.json appears after both arrays
            names = {"meta": "meta.json", "train": "train.npy", "valid": "valid.npy"}
            self._temporary = {
                part: self._stack.enter_context(atomic_path(self.path / name)) for part, name in names.items()
            }
            shapes = {"train": (self.n_train, self.context), "valid": (self.n_valid, self.context)}
            arrays = {part: _new_array(self._temporary[part], self.dtype, shapes[part]) for part in PARTS}
        except OSError as error:
            self._give_up()
            raise _as_corpus_error(self.path, error) from None
        except BaseException:
            self._give_up()
            raise
        self.train, self.valid = arrays["train"], arrays["valid"]
        return self

    def release(self) -> None:
        """Give back the memory of what has been written so far; it stays in the files."""
        _drop_pages(self.train)
        _drop_pages(self.valid)

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: object) -> None:
        """Finish the corpus, or remove every trace of it when the block failed."""
        if kind is not None:
            self._give_up()
            return
        try:
            self._finish()
        except OSError as failure:
            self._give_up()
            raise _as_corpus_error(self.path, failure) from None
        except BaseException:
            self._give_up()
            raise

    def _give_up(self):
        # an exception thrown through atomic_path makes it delete its temporary file
        with contextlib.suppress(_Abandoned), self._stack:
            raise _Abandoned
        if self._made_folder:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def _finish(self):
        counts = {}
        for part in PARTS:
            array = getattr(self, part)
            _drop_pages(array)
            counts[part] = count_tokens(array)
            if len(counts[part]) > self.vocab_size:
                raise CorpusError(
                    f"{part} holds id {len(counts[part]) - 1}, vocab_size is {self.vocab_size}: "
                    "ids must be smaller, give the true vocabulary size"
                )
        meta = {
            "vocab_size": self.vocab_size,
            "context": self.context,
            "n_train": self.n_train,
            "n_valid": self.n_valid,
            "dtype": self.dtype.name,
            # 12 digits: the last ones of a logarithm depend on the processor
            "unigram_entropy": float(f"{unigram_entropy(counts['train']):.12g}"),
            "token_bytes": self.token_bytes,
            "source": self.source,
        } | {f"sha256_{part}": sha256_file(self._temporary[part]) for part in PARTS}
        if self.valid_sources is not None:
            meta["valid_sources"] = self.valid_sources.tolist()
        # into its own temporary file, whose lock this writer holds: a temporary file of that one nobody would tidy up
        self._temporary["meta"].write_text(json_text(meta, kind="corpus"), encoding="utf-8", newline="")
        del self.train, self.valid
        for temporary in self._temporary.values():  # what takes long, before the earlier corpus goes
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
        # a writer that is killed between the renames leaves a folder without meta.json, never a mixed corpus
        with _locked(self.path):
            (self.path / "meta.json").unlink(missing_ok=True)
            try:
                self._stack.close()
            except BaseException:
                # arrays without a meta.json are nobody's: the next import would take them for the user's
                if not (self.path / "meta.json").exists():
                    for part in PARTS:
                        (self.path / f"{part}.npy").unlink(missing_ok=True)
                raise


def corpus_outputs(folder: str | os.PathLike, name: str) -> list[Output]:
    """List what is written for a corpus; ``name`` is what messages call the folder."""
    folder, is_meta = Path(folder), by_kind("corpus")

    def made(folder):
        # a writer that was killed between its renames leaves the new meta.json under its temporary name
        metas = [folder / "meta.json"] if (folder / "meta.json").exists() else folder.glob(f".meta.json.*{PART}")
        return any(map(is_meta, metas))

    files = [f"{part}.npy" for part in PARTS] + ["meta.json"]
    parts = [Output(folder / file, lambda path: made(path.parent), f"{file} of {name}") for file in files]
    return [Output(folder, made, name, folder=True), *parts]


class _Abandoned(Exception):
    pass


@contextlib.contextmanager
def _locked(folder):
    """Hold the folder's lock, so that of two writers one finishes wholly after the other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(handle)  # where there are no locks, the checksums still tell a mixed corpus
        yield
    finally:
        os.close(handle)


def _numbered(where, sources, n_valid):
    """Return the sources of held-out documents as an array, or refuse what is none."""
    try:
        found = np.asarray(sources)
    except ValueError:  # lists of uneven lengths
        found = np.empty(0)
    if found.shape != (n_valid,) or found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= n_valid:
        raise CorpusError(
            f"{where}: valid_sources must number the sources of the {n_valid} held-out documents from 0: make the "
            "corpus again"
        )
    return found.astype(np.int64)


def _checked_meta(folder):
    path = folder / "meta.json"
    if not path.is_file():
        what = "no such folder" if not folder.exists() else "no meta.json in it, so it is no finished ziplaw corpus"
        raise CorpusError(f"{folder}: {what}: make one with `ziplaw sample` or `ziplaw import`")
    try:
        meta = read_json(path, kind="corpus")
    except ZiplawError as error:
        raise CorpusError(str(error)) from None
    for key in ("vocab_size", "context", "n_train", "n_valid"):
        _integer(f"{path}: {key}", meta.get(key), 1, 1 << 40, again(path))
    return meta


def _open_part(folder, part, meta, verify):
    path = folder / f"{part}.npy"
    remedy = f"it was damaged or belongs to another corpus; {again(path)}"
    try:
        tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise CorpusError(f"{path} is missing: {again(path)}") from None
    except (ValueError, EOFError) as error:
        raise CorpusError(f"{path} is not a readable array ({error}): {remedy}") from None
    shape, dtype = (meta[f"n_{part}"], meta["context"]), token_dtype(meta["vocab_size"])
    if tokens.shape != shape or tokens.dtype != dtype:
        raise CorpusError(
            f"{path} is {tokens.dtype} {tokens.shape}, meta.json says {dtype} {shape}: {remedy}",
        )
    if verify and sha256_file(path) != meta.get(f"sha256_{part}"):
        raise CorpusError(f"{path} does not match the checksum in meta.json: {remedy}")
    return tokens


def open_corpus(folder: str | os.PathLike, verify: bool = True) -> Corpus:
    """Open a corpus folder, its arrays memory-mapped and read-only.

    Parameters
    ----------
    folder : path-like
        A folder written by CorpusWriter.
    verify : bool
        Hold both arrays against their SHA-256 (about a second per gigabyte); shapes and dtypes are always checked.

    Raises
    ------
    CorpusError
        When the folder is no finished corpus, or one of its files is damaged, missing or from another corpus.
    """
    folder = Path(folder)
    meta = _checked_meta(folder)
    parts = {part: _open_part(folder, part, meta, verify) for part in PARTS}
    sources = meta.get("valid_sources")
    if sources is not None:
        sources = _numbered(folder / "meta.json", sources, meta["n_valid"])
    return Corpus(
        **parts,
        vocab_size=meta["vocab_size"],
        context=meta["context"],
        meta=meta,
        path=folder,
        valid_sources=sources,
    )
