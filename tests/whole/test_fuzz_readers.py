"""The checks of every reader that `make fuzz` runs for minutes, here on some dozens of mutations; and that they can
fail.
"""

import subprocess
import sys

import fuzz
import fuzz_readers
import pytest
from houses import ROOT


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
    # only what never ends is to meet the alarm, on a machine that others load as well
    seconds = 5 if "while" in broken else 60
    code = f"""
import sys; sys.path[:0] = sys.argv[1:3]
import fuzz_readers
from pathlib import Path
from ziplaw.errors import CorpusError
def broken(path):
    {broken}
fuzz_readers.open_source, fuzz_readers.CASE_S, fuzz_readers.BUILD = broken, {seconds}, Path(sys.argv[3])
fuzz_readers.main("text", 20, 5, 0)
"""
    command = [sys.executable, "-c", code, str(ROOT / "tests" / "fuzzing"), str(ROOT / "pkg"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert (tmp_path / "reader-text").exists()
