"""Texts held in memory as a source of documents."""

from ziplaw.corpora.readers import TextSource
from ziplaw.corpora.storage.streams import DocumentName


def memory(files):
    """A source of text: {file: [documents]}."""

    def pieces():
        for file, texts in files.items():
            for i, text in enumerate(texts):
                yield DocumentName(file, str(i)), text

    return TextSource("memory", "directory", pieces)
