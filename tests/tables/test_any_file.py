"""Files and pipes of any form give the law of the plain CSV; what is no table is refused in one line."""

import bz2
import gzip
import io
import json
import lzma
import os
import threading
import tracemalloc

import pytest
import zstandard
from tables_of_laws import FORMS, NAMES, PLAIN, RECORDS, german, same
from verbs import refuses

import ziplaw
from ziplaw.errors import FitError
from ziplaw.tables.any_file import read_table


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_is_read(form, tmp_path, expected):
    (tmp_path / "table.csv").write_bytes(FORMS[form])  # the name tells nothing
    same(ziplaw.read_runs(tmp_path / "table.csv"), expected)


@pytest.mark.parametrize("form", ["gz", "UTF-16", "JSON lines", "decimal commas"])
def test_pipes_are_read_like_files(form, tmp_path, expected):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(FORMS[form]))
    writer.start()
    same(ziplaw.read_runs(tmp_path / "pipe"), expected)
    writer.join()


def test_standard_input(monkeypatch, expected):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FORMS["zst"])))
    same(ziplaw.read_runs("-"), expected)


def test_parquet_shares_what_rows_share(tmp_path, expected):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [row | {"name": "x" * 3_000_000, "steps": [1, 2], "config": {"lr": 0.1}} for row in RECORDS]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "t.parquet", compression="zstd")
    tracemalloc.start()
    same(ziplaw.read_runs(tmp_path / "t.parquet"), expected)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
    assert set(read_table(tmp_path / "t.parquet").rows[0]) == {*NAMES, "name", "config.lr"}


HOSTILE = {
    "binary": (bytes(range(256)) * 20, "is binary (a character '\\x00' at 0)"),
    "spreadsheet": (b"PK\x03\x04" + bytes(50), "save the sheet as CSV"),
    "web page": (b"\n <!DOCTYPE html><html>", "a web page: download the raw file"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    "numpy": (b"\x93NUMPY\x01\x00", "is a numpy array"),
    "blank": (b" \n\n\t\n", "is empty"),
    "only comments": (b"# a\n# b\n", "is empty"),
    "no header": (PLAIN[9:].encode(), "has numbers in its first line, no names"),
    "one column": (b"loss\n3\n4\n", "no column for N"),
    "cut gzip": (FORMS["gz"][:-20], "no whole gzip file"),
    "cut xz": (FORMS["xz"][:-20], "was cut short"),
    "damaged bzip2": (FORMS["bz2"][:40] + b"abc" + FORMS["bz2"][43:], "no whole bzip2 file"),
    "damaged zstd": (FORMS["zst"][:20] + b"abc" + FORMS["zst"][23:], "no readable zstd file"),
    "no parquet": (b"PAR1 and more", "is not a parquet file"),
    "odd UTF-16": (PLAIN.encode("utf-16")[:-1], "is no whole UTF-16 text"),
    "open quote": (PLAIN.encode() + b'"1,2,3\n', "is no table that can be read"),
    "a long cell": (PLAIN.encode() + b"1,2," + b"3" * 200_000 + b"\n", "is no table that can be read"),
    "many columns": (b",".join(b"c%d" % i for i in range(5000)) + b"\n1\n", "5000 columns, at most 4096"),
    "deep JSON": (b"[" * 200_000, "neither a JSON document nor JSON lines"),
    "deep record": (b'{"a":' * 20 + b"1" + b"}" * 20 + b"\n" + b"{}", "nested more than 8 deep"),
    "bad line": ("\n".join([*map(json.dumps, RECORDS), '{"N": 1,']).encode(), "line 37 is not valid JSON"),
    "a key twice": (b'{"N": 1, "N": 2}\n{"N": 1}', "stands twice"),
    "array of numbers": (b"[1, 2, 3]", "record 1 is a JSON int"),
    "JSON of no table": (b'{"a": {"b": 1}}', "is JSON, no table"),
    "huge integer": (b'{"N": %s}\n' % (b"9" * 5000), "neither a JSON document"),
    "two marks": (
        german().encode() + b"30000000;1.300.000,5;3,3\n30000000;1,300,000.5;3,3\n",
        "decimals after points and after commas",
    ),
    "text": (PLAIN.encode() + b"30000000,4000000000,diverged\n", "loss is 'diverged' in row 37"),
    "a name for N": (PLAIN.encode() + b"1_2,4000000000,3\n", "N is '1_2' in row 37"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_table_is_refused_in_one_line(what, tmp_path, capsys):
    data, message = HOSTILE[what]
    (tmp_path / "t.csv").write_bytes(data)
    line = refuses(capsys, "fit", tmp_path / "t.csv")
    assert message in line
    assert len(line) < 500


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
def test_memory_is_bounded_whatever_a_file_unpacks_to(pack, tmp_path):
    block = pack(bytes(1 << 27))
    (tmp_path / "bomb.csv").write_bytes(block * 20)
    tracemalloc.start()
    with pytest.raises(FitError, match="holds over 64 MiB"):
        read_table(tmp_path / "bomb.csv")
    assert tracemalloc.get_traced_memory()[1] < 400e6
    tracemalloc.stop()


def test_rows_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.tables.text_lines.MAX_ROWS", 30)
    monkeypatch.setattr("ziplaw.tables.any_file.MAX_ROWS", 30)
    for form in ("bars", "JSON lines", "JSON array"):
        (tmp_path / "t.csv").write_bytes(FORMS[form])
        with pytest.raises(FitError, match="more than"):
            read_table(tmp_path / "t.csv")


def test_one_letter_of_latin_1(tmp_path, expected):
    (tmp_path / "t.csv").write_bytes(PLAIN.replace("N,D", "N,año,D").replace("\n1", "\n1").encode("latin-1"))
    with pytest.raises(FitError, match="empty"):
        ziplaw.read_runs(tmp_path / "t.csv")  # the header has a column more
    (tmp_path / "t.csv").write_bytes(PLAIN.replace("N,", "tamaño,", 1).encode("latin-1"))
    runs = ziplaw.read_runs(tmp_path / "t.csv", named={"N": "tamaño"})
    same(runs, expected)
    assert "no UTF-8, read as Windows-1252" in runs.notes


def test_two_parquet_columns_of_one_name_are_told(tmp_path, capsys):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = [[1e6, 2e6], [1e8, 2e8], [3.0, 2.9], [3.1, 2.8]]
    parquet.write_table(arrow.table(columns, names=["N", "D", "loss", "loss"]), tmp_path / "t.parquet")
    assert "t.parquet has two columns named 'loss': rename one" in refuses(capsys, "fit", tmp_path / "t.parquet")
