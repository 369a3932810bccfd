"""Every command and every Python line of docs/laws.md runs, and docs/validation.md is what its tables give."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ziplaw.cli import command
from ziplaw.io import read_json, write_csv
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
    few = [] if "--compare" in line else ["--bootstrap", "100"]
    found = CliRunner().invoke(command, [*line.split(), *few], standalone_mode=False)
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


def test_readme_tells_what_the_shipped_law_of_the_default_sweep_says():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    law = read_json(files("ziplaw") / "data" / "reference_law.json", "regression")
    fitted_on, p = law["fitted_on"], law["joint_test"]["p_permutation"]
    low, high = (f"{H:.3f}".lstrip("0") for H in fitted_on["H"])
    smallest, largest = fitted_on["N"]
    for text in (
        f"permuting H over them gives p = {p:.2f}".replace("= 0", "= "),
        f"of which {fitted_on['n_cells']} are in the scaling regime",
        f"H from {low} to {high}",
        f"{smallest:.0f} to {largest:,.0f} parameters",
    ):
        assert text in readme, f"README does not say {text!r}: bring its findings up to date with the reference law"
