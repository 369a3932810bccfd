"""Checksums beside tables: what is written, what sha256sum makes of it, and every damage that is noticed."""

import os
import re
import shutil
import subprocess

import pytest

from ziplaw.base.checksums import check_made, checksums_of, read_checksums, write_checksums
from ziplaw.errors import ZiplawError

TABLE = "N,D,loss\n1,2,3.5\n2,3,3.25\n"


@pytest.fixture
def made(tmp_path):
    """Two tables of one job, made from a file in another folder."""
    folder = tmp_path / "results" / "try"
    (folder / "runs").mkdir(parents=True)
    source = folder / "runs" / "part.csv"
    tables = [folder / "a.csv", folder / "b.csv"]
    for path in (source, *tables):
        path.write_text(TABLE + path.name + "\n")
    write_checksums(tables, [source], "TABLES", 3)
    return folder


def test_what_is_written_is_read(made):
    found = read_checksums(made / "a.csv.sha256")
    assert (found.stage, found.version) == ("TABLES", 3)
    assert list(found.made) == ["a.csv", "b.csv"]
    assert list(found.read) == ["runs/part.csv"]


def test_the_same_files_give_the_same_bytes_anywhere(made, tmp_path):
    there = tmp_path / "elsewhere"
    shutil.copytree(made, there)
    before = checksums_of(made / "a.csv").read_bytes()
    assert (
        write_checksums([there / "a.csv", there / "b.csv"], [there / "runs" / "part.csv"], "TABLES", 3).read_bytes()
        == before
    )


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum here")
def test_sha256sum_checks_them_too(made):
    odd = made / "new\nline \\ back.csv"
    odd.write_text(TABLE)
    write_checksums([odd], [])
    for name in ("a.csv.sha256", f"{odd.name}.sha256"):
        subprocess.run(["sha256sum", "--strict", "-c", name], cwd=made, check=True, capture_output=True)
    check_made(odd)
    (made / "b.csv").write_text(TABLE)
    assert (
        subprocess.run(["sha256sum", "-c", "a.csv.sha256"], cwd=made, capture_output=True, check=False).returncode == 1
    )


@pytest.mark.parametrize("name", ["a.csv", "b.csv"])
def test_a_changed_table_is_refused_with_what_makes_it_again(made, name, monkeypatch):
    monkeypatch.chdir(made.parents[1])
    path = f"results/try/{name}"
    check_made(path)
    with open(path, "r+b") as stream:
        stream.seek(10)
        stream.write(b"7")
    os.utime(path, (1e9, 1e9))
    with pytest.raises(ZiplawError, match=f"{name} does not match a.csv.sha256.*ziplaw verify results/try --fix"):
        check_made(path)


def test_any_change_of_the_checksums_is_noticed_or_harmless(made):
    record = made / "a.csv.sha256"
    whole = record.read_bytes()
    for place in range(len(whole)):
        record.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ZiplawError, match="was damaged or edited"):
            read_checksums(record)
    lines = whole.splitlines(keepends=True)
    for n in range(len(lines)):
        record.write_bytes(b"".join(lines[:n] + lines[n + 1 :]))
        with pytest.raises(ZiplawError):
            read_checksums(record)
        if n:  # without its first line it is a file of sha256sum's
            with pytest.raises(ZiplawError):
                check_made(made / "a.csv")
        else:
            check_made(made / "a.csv")
            (made / "a.csv").write_text(TABLE)
            with pytest.raises(ZiplawError, match="does not match"):
                check_made(made / "a.csv")


def test_a_users_own_files_are_taken_as_they_are(made, tmp_path):
    check_made(tmp_path / "nowhere.csv")
    own = made / "own.csv"
    own.write_text(TABLE)
    check_made(own)
    # of another file, as people keep them beside downloads
    (made / "own.csv.sha256").write_text("what they said: fine\n" + "0" * 64 + "  archive.tar\n")
    check_made(own)


def test_one_of_several_records_is_enough(made):
    """A table that another job made again is vouched for by that job."""
    (made / "b.csv").write_text(TABLE)
    with pytest.raises(ZiplawError):
        check_made(made / "b.csv")
    write_checksums([made / "b.csv"], [])
    check_made(made / "b.csv")


def test_outside_of_results_no_command_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    write_checksums(["t.csv"], [])
    (tmp_path / "t.csv").write_text(TABLE * 2)
    with pytest.raises(ZiplawError) as refused:
        check_made("t.csv")
    assert "make it again" in str(refused.value)
    assert not re.search("verify", str(refused.value))
