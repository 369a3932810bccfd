"""Texts held in memory as a source of documents, and corpora made of them."""

import numpy as np

from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TextSource
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.corpora.storage.streams import PIECE_BYTES, DocumentName


def memory(files):
    """A source of text: {file: [documents]}."""

    def pieces():
        for file, texts in files.items():
            for i, text in enumerate(texts):
                yield DocumentName(file, str(i)), text

    return TextSource("memory", "directory", pieces)


def make(source, folder, **options):
    done = import_corpus(source, folder, "bytes", **({"n_valid": 32, "context": 32} | options))
    return open_corpus(folder), done


def words(rng, n):
    """Text of random letters: no two stretches of it are alike."""
    return rng.integers(97, 123, n, dtype=np.uint8).tobytes()


def owners(window, lengths):
    """Documents behind the ids of a window when ids count up through all documents (see `numbered`)."""
    ends = np.cumsum(lengths)
    return set(np.searchsorted(ends, window[window > 0].astype(np.int64) - 1, "right").tolist())


def numbered(lengths):
    """A source and its tokenizer whose ids count up through all documents, so that every id tells where it is from."""
    ends = np.cumsum(lengths)

    class Ids:
        name, vocab_size, sha256, replaced = "numbers", int(ends[-1]), None, 0

        def encode(self, pieces):
            return [np.frombuffer(piece, "<u4") for piece in pieces]

    ids = np.arange(ends[-1], dtype="<u4")

    def pieces():
        for i, (n, end) in enumerate(zip(lengths, ends)):
            for start in range(end - n, end, PIECE_BYTES // 4):
                yield DocumentName(f"f{i}"), ids[start : min(start + PIECE_BYTES // 4, end)].tobytes()

    return TextSource("numbers", "directory", pieces), Ids()
