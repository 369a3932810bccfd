"""Text files: bytes as they stand, and what is no text."""

import gzip
import shutil

import pytest
import zstandard
from inputs import DOCUMENTS, LETTER, documents_of, texts

from ziplaw.corpora.readers import open_source
from ziplaw.corpora.storage.streams import PIECE_BYTES
from ziplaw.errors import CorpusError


@pytest.mark.parametrize("name", ["a.txt", "no_suffix", "a.py", "a.txt.gz", "a.TXT.ZST", "a.zst", "ünïcödé 文.txt"])
def test_text_file(tmp_path, name):
    path = tmp_path / name
    data = LETTER.encode()
    path.write_bytes({".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix.lower(), bytes)(data))
    assert documents_of(open_source(path)) == {name: data}


def test_byte_order_mark_is_dropped_and_line_ends_are_kept(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert documents_of(open_source(tmp_path / "a.txt")) == {"a.txt": b"one\r\ntwo\rthree\n"}


def test_huge_line_is_read_in_pieces(tmp_path):
    (tmp_path / "a.txt").write_bytes("ä".encode() * 500_000)
    pieces = [piece for _, piece in open_source(tmp_path / "a.txt").pieces()]
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert b"".join(pieces).decode() == "ä" * 500_000


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"\x7fELF\0\0", "binary .a NUL at byte 4."), ("hello".encode("utf-16"), "UTF-16.*iconv")],
)
def test_what_is_no_text(tmp_path, data, says):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorpusError, match=says):
        documents_of(open_source(tmp_path / "a"))
    assert documents_of(open_source(tmp_path / "a", binary=True)) == {"a": data}


@pytest.mark.parametrize("packing", ["zip", "tar", "gztar"])
def test_archives_are_named_as_such(tmp_path, packing):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text(LETTER)
    archive = shutil.make_archive(tmp_path / "all", packing, tmp_path / "src")
    with pytest.raises(CorpusError, match=r"is a (zip|tar) archive.*: unpack it"):
        documents_of(open_source(archive))
    assert documents_of(open_source(archive, binary=True))  # as bytes, where that is asked for


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("order", ["le", "be"])
def test_the_remedy_for_a_text_of_wide_letters_is_the_right_one(tmp_path, bits, order):
    data = ("\ufeff" + DOCUMENTS[0]).encode(f"utf-{bits}-{order}")
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(CorpusError, match=f"iconv -f UTF-{bits} -t") as caught:
        texts(tmp_path / "a.txt")
    assert f"is UTF-{bits}:" in str(caught.value)
