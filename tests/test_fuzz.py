"""The checks that `make fuzz` runs for minutes, here on a few hundred mutations; and that they can fail."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fuzz
import fuzz_checks
import fuzz_readers
from ziplaw import _gzip
from ziplaw.grammar import Grammar


@pytest.mark.parametrize(("name", "runs"), [("scorer", 150), ("grammar", 150), ("table", 150)])
def test_mutations(name, runs):
    pool, rng = fuzz_checks.seeds()[name], np.random.default_rng(0)
    for data in pool:
        getattr(fuzz_checks, name)(data)
    for _ in range(runs):
        getattr(fuzz_checks, name)(fuzz_checks.mutated(rng, pool))


def test_a_wrong_size_is_found(monkeypatch):
    monkeypatch.setattr("ziplaw.compress._core_sizes", lambda core, tokens, rows, dtype, out: out.fill(21))
    with pytest.raises(AssertionError, match="gzip's"):
        fuzz_checks.scorer(bytes(_gzip.MAX_BYTES // 4))


def test_a_wrong_cell_of_a_table_is_found(monkeypatch):
    monkeypatch.setattr("fuzz_tables._read", lambda path: '[{"N": "1", "D": "2", "loss": "4"}]')
    with pytest.raises(AssertionError, match="Python's csv reads"):
        fuzz_checks.table(b"N,D,loss\n1,2,3\n4,5,6\n")


def test_another_exception_is_found(monkeypatch):
    def broken(path):
        raise KeyError("rules")

    monkeypatch.setattr(Grammar, "load", broken)
    with pytest.raises(KeyError):
        fuzz_checks.grammar(b"S -> '1' [1.0]")


@pytest.mark.parametrize("name", fuzz_readers.READERS)
def test_readers(name):
    assert fuzz.reader(name, 20, runs=40) == 0


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("raise KeyError('footer')", "KeyError"),
        ("raise CorpusError('one' + chr(10) + 'two')", "more than one line"),
        ("return __import__('numpy').arange(3)", "AttributeError"),
        ("held = b'x' * (1300 << 20); raise CorpusError('fine')", "MiB in use"),
        ("import os; os.abort()", ""),
        ("while True: pass", ""),
    ],
)
def test_a_broken_reader_is_found(broken, says, tmp_path):
    code = f"""
import sys; sys.path[:0] = sys.argv[1:3]
import fuzz_readers
from pathlib import Path
from ziplaw.errors import CorpusError
def broken(path):
    {broken}
fuzz_readers.open_source, fuzz_readers.CASE_S, fuzz_readers.BUILD = broken, 2, Path(sys.argv[3])
fuzz_readers.main("text", 20, 5, 0)
"""
    here = Path(__file__).parent
    command = [sys.executable, "-c", code, str(here), str(here.parent / "pkg"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert (tmp_path / "reader-text").exists()
