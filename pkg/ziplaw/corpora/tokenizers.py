"""Tokenizers: raw bytes, the bundled byte-level BPE, anybody's BPE file, and one trained on the spot.

The bundled vocabulary is package data (bpe8k.json, a file of the ``tokenizers`` library). To build it again::

    python -m ziplaw.corpora.tokenizers bpe8k.json
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np

from ..base.documents import read_json, write_json, write_text
from ..errors import CorpusError
from .storage.streams import DocumentName

BUNDLED = "bundled"
BUNDLED_FILE = "bpe8k.json"
BUNDLED_VOCAB = 8192
_BATCH_BYTES = 1 << 20
_BYTES = 256
# a file that tells that there is no vocabulary, see `save_tokenizer`
_NOTE, _NOTE_BYTES = b'"ziplaw/tokenizer"', 1 << 10


class BytesTokenizer:
    """Every byte is a token: ids 0 to 255.

    Attributes
    ----------
    name : str
        What goes into a score file: "bytes".
    vocab_size : int
        256.
    sha256 : None
        There is no vocabulary file.
    replaced : int
        Always 0: any bytes are taken as they are.
    """

    name = "bytes"
    vocab_size = 256
    sha256: str | None = None
    replaced = 0

    def encode(self, pieces: Sequence[bytes]) -> list[np.ndarray]:
        """Return one uint8 array of ids a piece."""
        return [np.frombuffer(piece, np.uint8) for piece in pieces]


class BpeTokenizer:
    """A tokenizer file of the ``tokenizers`` library (BPE or any other model).

    Attributes
    ----------
    name : str
        "bundled", or "bpe:" and the file's name.
    vocab_size : int
        Largest id + 1.
    sha256 : str
        Checksum of the file's text.
    text : str
        That.
    replaced : int
        Invalid UTF-8 sequences seen so far by `encode`; each became U+FFFD.
    """

    def __init__(self, name: str, text: str):
        library = _library(name)
        try:
            self._tokenizer = library.Tokenizer.from_str(text)
        except Exception as error:  # the library raises bare Exception
            raise CorpusError(
                f"tokenizer {name} cannot be read ({error}): give a tokenizer.json of the tokenizers library"
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.text = text
        self.name = name
        self.vocab_size = max(self._tokenizer.get_vocab().values(), default=-1) + 1
        self.sha256: str | None = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self.replaced = 0
        if self.vocab_size < 2:
            raise CorpusError(f"tokenizer {name} has {self.vocab_size} tokens, needs at least 2: give another file")

    def encode(self, pieces: Sequence[bytes]) -> list[np.ndarray]:
        """Tokenize UTF-8 texts, without special tokens.

        Parameters
        ----------
        pieces : sequence of bytes
            Texts; invalid UTF-8 is replaced by U+FFFD and counted in ``replaced``.

        Returns
        -------
        list of ndarray of uint32
            One array of ids a piece.
        """
        out: list[np.ndarray] = []
        batch: list[str] = []
        size = 0
        for piece in pieces:
            batch.append(self._decode(piece))
            size += len(piece)
            # an Encoding takes some 150 bytes a token: batches keep a large text from filling the memory
            if size >= _BATCH_BYTES:
                out += self._encode_batch(batch)
                batch, size = [], 0
        return out + self._encode_batch(batch)

    def _encode_batch(self, batch):
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        return [np.array(encoding.ids, np.uint32) for encoding in encode(batch, add_special_tokens=False)]

    def _decode(self, piece):
        try:
            return piece.decode("utf-8")
        except UnicodeDecodeError:
            text = piece.decode("utf-8", "replace")
            self.replaced += text.count("\ufffd") - piece.count("\ufffd".encode())
            return text

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""
        return self._tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)

    def save(self, path: str | os.PathLike) -> None:
        """Write the tokenizer file (JSON), atomically; ``--tokenizer bpe:PATH`` reads it."""
        write_text(path, self.text)


class Tokenizer(Protocol):
    """What turns text into ids; attributes as of `BytesTokenizer`."""

    name: str
    vocab_size: int
    sha256: str | None
    replaced: int

    def encode(self, pieces: Sequence[bytes]) -> list[np.ndarray]:
        """Return one array of ids a piece."""


def _library(what):
    try:
        import tokenizers
    except ImportError:
        raise CorpusError(
            f"tokenizer {what} needs the Python package tokenizers, which is not installed: pip install tokenizers, "
            "or use --tokenizer bytes"
        ) from None
    return tokenizers


def _bundled() -> BpeTokenizer:
    return BpeTokenizer(BUNDLED, resources.files(__package__).joinpath(BUNDLED_FILE).read_text("utf-8"))


# name -> what makes it; any other name is that of a file for BpeTokenizer
NAMED: dict[str, Callable[[], Tokenizer]] = {"bytes": BytesTokenizer, BUNDLED: _bundled}


def tokenizer_path(spec: str) -> Path | None:
    """Return the file behind a tokenizer's name, which may not exist; None for those that need none."""
    if spec in NAMED:
        return None
    path = Path(spec.removeprefix("bpe:"))
    return path / "tokenizer.json" if path.is_dir() else path


def load_tokenizer(spec: str = BUNDLED) -> Tokenizer:
    """Return a tokenizer by name.

    Parameters
    ----------
    spec : str
        One of NAMED ("bytes", "bundled"); "bpe:FILE" or FILE, a tokenizer.json of the ``tokenizers`` library; or a
        folder with one.

    Raises
    ------
    CorpusError
        When the file does not exist or is no tokenizer, or the library is missing.
    """
    if spec in NAMED:
        return NAMED[spec]()
    path = tokenizer_path(spec)
    if note := _noted(path):
        if note["tokenizer"] not in NAMED:
            raise CorpusError(f"{path} says that the corpus is token ids, which need no tokenizer: give bpe:FILE")
        return NAMED[note["tokenizer"]]()
    if path is None or not path.is_file():
        raise CorpusError(
            f"tokenizer is {spec!r}, and there is no file {path}: give {', '.join(NAMED)} or bpe:FILE with FILE a "
            "tokenizer.json or a folder with one"
        )
    return BpeTokenizer(f"bpe:{path.name}", path.read_text("utf-8", errors="replace"))


def bytes_per_token(tokenizer: Tokenizer, pieces: Sequence[bytes]) -> tuple[float, float | None]:
    """Measure the bytes of a token, and the standard error of that over pieces (None of one piece).

    A ratio of sums, r = sum b / sum t, of error sqrt(k / (k - 1) sum (b - r t)^2) / sum t over k pieces (Cochran 1977).
    """
    n_bytes = [len(piece) for piece in pieces]
    n_tokens = [len(ids) for ids in tokenizer.encode(pieces)]
    total, k = sum(n_tokens), len(pieces)
    if not total:
        return 1.0, None
    ratio = sum(n_bytes) / total
    if k < 2:
        return ratio, None
    squares = sum((b - ratio * t) * (b - ratio * t) for b, t in zip(n_bytes, n_tokens, strict=True))
    return ratio, math.sqrt(squares * k / (k - 1)) / total


def train_bpe(texts: Iterable[bytes | str], vocab_size: int = BUNDLED_VOCAB, name: str = "trained") -> BpeTokenizer:
    """Train a byte-level BPE (GPT-2's pre-tokenizer, all 256 bytes, no special tokens).

    Parameters
    ----------
    texts : iterable of bytes or str
        UTF-8 texts.
    vocab_size : int
        Tokens wanted, 256 to 2^20; fewer when the texts have too few pairs to merge.
    name : str
        Becomes the tokenizer's name, "bpe:<name>".

    Returns
    -------
    BpeTokenizer
        The same texts in the same order give the same file.

    Raises
    ------
    CorpusError
        When ``vocab_size`` is out of range or the library is missing.
    """
    if isinstance(vocab_size, bool) or not isinstance(vocab_size, int) or not 256 <= vocab_size <= 1 << 20:
        raise CorpusError(f"vocab_size is {vocab_size!r}, must be an integer from 256 to {1 << 20}: 8192 is usual here")
    library = _library("training")
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    tokenizer = library.Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = Decoder()
    trainer = BpeTrainer(
        vocab_size=vocab_size, show_progress=False, special_tokens=[], initial_alphabet=ByteLevel.alphabet()
    )
    decoded = (text if isinstance(text, str) else text.decode("utf-8", "replace") for text in texts)
    tokenizer.train_from_iterator(decoded, trainer)
    return BpeTokenizer(f"bpe:{name}", tokenizer.to_str(pretty=False))


def cut_bpe(tokenizer: BpeTokenizer, vocab_size: int) -> BpeTokenizer:
    """Return what `train_bpe` would have made of the same texts at a smaller size: the first merges of a larger one."""
    body = json.loads(tokenizer.text)
    model = body["model"]
    model["vocab"] = {entry: i for entry, i in model["vocab"].items() if i < vocab_size}
    model["merges"] = model["merges"][: max(0, vocab_size - _BYTES)]
    return BpeTokenizer(tokenizer.name, json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def save_tokenizer(path: str | os.PathLike, tokenizer: Tokenizer | None) -> None:
    """Write a tokenizer file, or where there is no vocabulary a note that `load_tokenizer` takes as well.

    Parameters
    ----------
    path : path-like
        The file.
    tokenizer : Tokenizer or None
        None for a corpus of token ids.
    """
    if isinstance(tokenizer, BpeTokenizer):
        tokenizer.save(path)
    else:
        write_json(path, {"tokenizer": tokenizer and tokenizer.name}, kind="tokenizer")


def takes_any_bytes(spec: str) -> bool:
    """Whether a tokenizer's name is one of bytes, or of a note of such."""
    return spec == "bytes" or _noted(tokenizer_path(spec)) == {"tokenizer": "bytes"}


def _noted(path):
    """Return what a note in place of a tokenizer file says; None of any other file."""
    if path is None or not path.is_file():
        return None
    with open(path, "rb") as stream:
        if _NOTE not in stream.read(_NOTE_BYTES):
            return None
    return {"tokenizer": read_json(path, kind="tokenizer").get("tokenizer")}


def build_bundled(path: str | os.PathLike) -> dict[str, object]:
    """Build the bundled vocabulary: 8192 tokens, half from code, half from prose; return what it was made of.

    The prose is all of the built-in corpus; the code is whole files, in the order of their checksums, until it has as
    many bytes. The standard library differs between Python versions, so another version makes another file.
    """
    from .builtin import open_builtin

    prose = [piece for _, piece in open_builtin("prose").pieces()]
    n_bytes = sum(map(len, prose))
    files: dict[DocumentName, bytes] = {}
    source = open_builtin("code")
    for key, piece in source.pieces():
        files[key] = files.get(key, b"") + piece
    code, taken = [], 0
    for text in sorted(files.values(), key=lambda text: hashlib.sha256(text).digest()):
        if taken < n_bytes:
            code.append(text)
            taken += len(text)
    tokenizer = train_bpe([*prose, *code], BUNDLED_VOCAB, "bundled")
    tokenizer.save(path)
    made = {name: sum(map(len, tokenizer.encode(texts))) for name, texts in (("prose", prose), ("code", code))}
    return {
        "vocab_size": tokenizer.vocab_size,
        "sha256": tokenizer.sha256,
        "code_bytes": taken,
        "prose_bytes": n_bytes,
        "code_bytes_per_token": taken / made["code"],
        "prose_bytes_per_token": n_bytes / made["prose"],
        **source.provenance,
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ziplaw.corpora.tokenizers OUTPUT.json")
    print(json.dumps(build_bundled(sys.argv[1]), indent=1))
