"""Every command and every Python line of docs/laws.md runs, and docs/validation.md is what its tables give."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ziplaw.cli import command
from ziplaw.io import write_csv
from ziplaw.laws import diagnostics
from ziplaw.laws.constrained import data_constrained_loss

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "laws.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    ziplaw (fit .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with my_runs.csv: runs of several budgets, some of them on repeated tokens."""
    folder = tmp_path_factory.mktemp("docs")
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 2e9, 6), np.geomspace(1e8, 5e10, 6)))
    U = np.minimum(D, 2e9)
    noise = np.exp(0.003 * np.random.default_rng(0).normal(size=N.size))
    rows = zip(N, D, U, data_constrained_loss(N, D, U) * noise)
    names = ("N", "D", "unique", "loss")
    write_csv(folder / "my_runs.csv", [dict(zip(names, map(float, row))) | {"run": f"r{row[0]:.0f}"} for row in rows])
    return folder


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_runs(line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = CliRunner().invoke(command, [*line.split(), "--bootstrap", "100"], standalone_mode=False)
    assert found.exception is None, found.exception
    assert found.output


def test_python_of_the_page_runs():
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 2e9, 6), np.geomspace(1e8, 5e10, 6)))
    loss = data_constrained_loss(N, D, D)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block.replace("4000", "100"), {"N": N, "D": D, "loss": loss})


def test_the_page_names_every_flag():
    for flag in diagnostics.EXPLANATIONS:
        words = flag.replace("at its bound", "").replace("loss rises with", "").strip()
        assert words in PAGE, flag


def test_validation_page_is_what_its_tables_give():
    from verification.page import page

    assert (DOCS / "validation.md").read_text(encoding="utf-8") == page()
