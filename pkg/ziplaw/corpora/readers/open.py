"""One door to everything that can be scored or imported: files and folders of text, records and token ids.

`open_source` looks at a path and returns a `TextSource` (documents of bytes, still to be tokenised) or a
`TokenSource` (ids). Which path is read how is written in docs/data.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...errors import CorpusError, shown
from ..storage.files import KINDS, BinaryFile, DamagedFile, InputFile, short_name
from ..storage.format import open_corpus
from ..storage.pipes import nameless, nameless_file
from ..storage.streams import Pieces
from .bin import BIN_DTYPES
from .chosen_files import choose_files, in_words, keep_unseen
from .fields import choose_field
from .formats import id_reader
from .jsonl import looks_like
from .records import Records
from .sources import Source, TextSource, TokenSource
from .text import text_pieces


def open_source(
    path: str | os.PathLike,
    *,
    text_field: str | None = None,
    dtype: str | None = None,
    extensions: Sequence[str] = (),
    binary: bool = False,
    kind: str | None = None,
    seen: set[tuple[int, int]] | None = None,
) -> Source:
    """Open a file, a folder or a pipe of text, records or token ids.

    Parameters
    ----------
    path : path-like
        As the table in docs/data.md says.
    text_field : str, optional
        Field or column that holds the text, chat or ids, keys joined with dots; by default the one that is known by
        its name, else the only one of text.
    dtype : str, optional
        Type of a .bin file's ids, one of BIN_DTYPES. Given, any file is read as such.
    extensions : sequence of str
        In a folder read only files that end so ("py", "md"), whatever they are.
    binary : bool
        Read a text with NUL bytes all the same, as bytes.
    kind : str, optional
        One of `files.KINDS`: what the file holds (every file, in a folder), whatever its name.
    seen : set of (int, int), optional
        Device and number of files that are read elsewhere: those of a folder are left out and counted, and what is
        read of it is added.

    Raises
    ------
    CorpusError
        When the path does not exist, holds nothing usable, is not what its name says, or could be read in two ways.
    """
    path = _checked(path, dtype, kind)
    if path.is_dir():
        source = _corpus(path) if _is_corpus(path) else _folder(path, text_field, extensions, kind, seen)
        return _with_field(source, text_field)
    keep = None
    if nameless(path):
        file, keep = nameless_file(path, kind or ("bin" if dtype else None))
    else:
        file = InputFile.of(path, kind=kind or ("bin" if dtype else None))
    source = _file(file, text_field, dtype, binary, kind, keep is not None or nameless(path))
    source.keep = keep
    return _with_field(source, text_field)


def _with_field(source, text_field):
    """Say of a source without fields that the one asked for was of no use: of several paths others may have it."""
    if text_field is not None and "field" not in source.provenance:
        source.left_out = {**source.left_out, f"--field {short_name(text_field)}, for there are no fields": None}
    return source


def source_files(
    path: str | os.PathLike,
    *,
    text_field: str | None = None,
    dtype: str | None = None,
    extensions: Sequence[str] = (),
    kind: str | None = None,
) -> list[Path]:
    """List the files that `open_source` with the same arguments would read, in order, without reading them.

    Only the first records of .json files are looked at, and the list that a saved data set has of its files.
    """
    path = _checked(path, dtype, kind)
    if not path.is_dir():
        index = path.with_suffix(".idx")
        return [path, index] if InputFile.of(path).kind == "bin" and index.is_file() else [path]
    if _is_corpus(path):
        return [path / name for name in ("train.npy", "meta.json")]
    return [Path(file.path) for file in choose_files(path, extensions, text_field, kind).files]


def _checked(path, dtype, kind):
    if not os.fspath(path):
        raise CorpusError("the path is empty: give a file or a folder (. is the current one)")
    if "\0" in os.fsdecode(path):
        raise CorpusError("the path holds a NUL: give a file or a folder")
    path = Path(path)
    if dtype is not None and dtype not in BIN_DTYPES:
        raise CorpusError(f"dtype is {dtype!r}, must be one of {', '.join(BIN_DTYPES)}: nanoGPT-style files are uint16")
    if kind is not None and kind not in KINDS:
        raise CorpusError(f"format is {kind!r}, must be one of {', '.join(KINDS)}: text takes any file as it is")
    if dtype is not None and kind not in (None, "bin"):
        raise CorpusError(f"dtype is {dtype}, format is {kind}: only .bin files of token ids take a dtype")
    if not path.exists():
        raise CorpusError(f"{path} does not exist: check the path")
    return path


def _is_corpus(path):
    return (path / "meta.json").is_file() and (path / "train.npy").exists()


def _may_be_packed(file):
    """Whether a file is read from its beginning to its end, so that it can be unpacked on the way."""
    return not file.holds_ids and (file.kind not in KINDS or KINDS[file.kind].holds != "table")


def _file(file, text_field, dtype, binary, said, nameless):
    if file.kind in ("npz", "idx") or (file.packed and not _may_be_packed(file)):
        if file.kind == "idx":
            raise CorpusError(f"{file} is an index: give the .bin beside it")
        raise CorpusError(f"{file} cannot be read as it is: unpack it to a plain .npy, .bin or .parquet first")
    if file.holds_ids:
        return id_reader(file.kind).source(file, dtype)
    if said is None and file.kind in ("json", "text"):
        file = _told_by_content(file, text_field, nameless)
    if file.holds_records:
        return _records([file], text_field, file.document, file.kind, {"kind": file.kind, "name": file.document})
    provenance = {"kind": "text", "name": file.document}
    return TextSource(
        short_name(file.document),
        "text",
        lambda: text_pieces(file, binary),
        provenance=provenance,
    )


def _told_by_content(file, text_field, nameless):
    """Tell records from text where the name does not: .json, pipes; ask where the name says text and the lines JSON."""
    forms = looks_like(file)
    sole = looks_like(file, 1) if forms is None and file.kind == "json" else None
    kind = "text"
    if forms and file.kind == "json":
        try:
            choose_field(forms, text_field, f"{file} (JSON records)")
        except CorpusError as error:
            raise CorpusError(f"{error}, or take the file as it is with --format text") from None
        kind = "jsonl"
    elif forms:
        raise CorpusError(
            f"{file} looks like JSON lines: --format jsonl reads a field of each, --format text takes it as it is"
        )
    elif sole and (text_field in sole or any(sole.get(name, ("",))[0] == "text" for name in ("text", "content"))):
        if text_field is None:
            raise CorpusError(
                f"{file} is one JSON object with a text in it: --format jsonl reads that, --format text takes the "
                "file as it is"
            )
        kind = "jsonl"
    return InputFile(file.path, file.label, file.document, kind, file.packed)


def _records(files, text_field, name, kind, provenance, left_out=None, listing=None, what=None):
    notes = Counter(listing or {})
    records = Records(files, text_field, notes)
    what = what or ("JSON records" if kind == "jsonl" else f"{kind} records")
    if records.field is not None:
        provenance = provenance | {"field": records.field}
        chat = " (the words of its messages)" if records.form == "chat" else ""
        why = f" ({records.why})" if records.why else ""
        what += f", {'column' if KINDS[files[0].kind].holds == 'table' else 'field'} {shown(records.field)}{why}{chat}"
    left_out = left_out or {}
    if records.form == "ids":
        tokens, documents = records.spool_ids()
        what += f": {tokens.size} token ids in {len(documents) - 1} documents"
        return TokenSource(
            name, kind, tokens, provenance=provenance, documents=documents, notes=notes, what=what, left_out=left_out
        )
    source = TextSource(name, kind, records.pieces, notes, provenance, what, left_out)

    def pieces() -> Pieces:
        yield from records.pieces()
        source.what = f"{what}: {records.n_records} records"

    source.pieces = pieces
    return source


def _folder(folder, text_field, extensions, kind, seen=None):
    choice = choose_files(folder, extensions, text_field, kind)
    if seen is not None:
        keep_unseen(choice, seen)
    name, provenance = (
        f"{short_name(folder)}/",
        {"kind": "directory", "name": short_name(folder), "files": len(choice.files)},
    )
    if choice.records:
        return _records(
            choice.files, text_field, name, "directory", provenance, choice.left_out, choice.notes, choice.what
        )
    source = TextSource(name, "directory", lambda: iter(()), Counter(), provenance, choice.what, choice.left_out)

    def pieces() -> Pieces:
        source.notes.clear()
        source.notes.update(choice.notes)
        read = []
        for file in choice.files:
            try:
                yield from text_pieces(file)
                read.append(file)
            except BinaryFile:
                source.notes["binary files"] += 1
            except DamagedFile:
                source.notes["damaged packed files"] += 1
            except OSError:
                source.notes["unreadable files"] += 1
        source.what = in_words(read)

    source.pieces = pieces
    return source


def _corpus(folder):
    corpus = open_corpus(folder)
    made_of = corpus.meta.get("source") or {}
    keep = {"kind": "corpus", "name": short_name(folder), "sha256_train": corpus.meta["sha256_train"]}
    source = TokenSource(
        short_name(folder), "corpus", corpus.train, made_of.get("tokenizer"), corpus.meta.get("token_bytes"), keep
    )
    source.draws, source.vocab_size = made_of.get("kind") == "grammar", corpus.vocab_size
    source.context, source.unique_tokens = corpus.context, made_of.get("unique_tokens")
    source.what, source.left_out = "the training documents of a ziplaw corpus", {"its held-out documents": None}
    return source
