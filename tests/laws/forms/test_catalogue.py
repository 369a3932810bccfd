"""The list of laws, and that a law is added by a module and a line in it: nothing else is told of it."""

import json
import sys
from types import ModuleType

import click
import numpy as np
import pytest
from houses import ROOT
from tables_of_laws import planted
from verbs import run

import ziplaw.cli.laws.fit
from ziplaw.base.documents import write_csv
from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import compare_laws, fit_law
from ziplaw.laws.forms.catalogue import LAWS, law

ADDED = '''
"""The additive law with one exponent."""

import numpy as np

from .form import IDENTITY, Form, Index


def _log_terms(theta, columns, centre):
    return [theta[i] - np.exp(theta[2]) * (np.log(columns[key]) - centre[key]) for i, key in enumerate("ND")]


def _natural(theta, centre):
    alpha = np.exp(theta[2])
    return [np.exp(theta[0] + alpha * centre["N"]), np.exp(theta[1] + alpha * centre["D"]), alpha]


def _starts(columns, z, centre):
    E = z.min() + np.log(0.5)
    rest = np.log(np.exp(z.mean()) - np.exp(E)) - np.log(2)
    return [[E, rest, rest, np.log(alpha)] for alpha in (0.2, 0.6)]


TIED = Form(
    "tied",
    "L = E + A/N^alpha + B/D^alpha",
    ("E", "A", "B", "alpha"),
    Index(("N", "D"), ("A", "B", "alpha"), _log_terms, _natural, lambda A, B, alpha: (A, B, alpha, alpha)),
    IDENTITY,
    _starts,
    np.array([-30.0, -30.0, -30.0, np.log(0.005)]),
    np.array([30.0, 30.0, 30.0, np.log(5.0)]),
    floor="E",
)
'''


@pytest.fixture
def added(monkeypatch):
    """The list with one more law, as somebody adds one: the module of its form, and a line."""
    module = ModuleType("ziplaw.laws.forms.tied")
    module.__package__ = "ziplaw.laws.forms"
    exec(ADDED, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(LAWS, "tied", "tied.TIED")
    # the command line reads the list when the verb is loaded: let it load again, and come back afterwards
    monkeypatch.setattr(ziplaw.cli.laws, "fit", ziplaw.cli.laws.fit)
    monkeypatch.delitem(sys.modules, "ziplaw.cli.laws.fit")


def test_an_added_law_is_fitted_and_compared(added):
    N, D, _ = planted()
    noise = np.exp(0.002 * np.random.default_rng(0).normal(size=N.size))
    loss = (1.5 + 300 / N**0.3 + 900 / D**0.3) * noise
    found = fit_law("tied", {"N": N, "D": D}, loss)
    assert found.converged
    assert found.estimates["alpha"] == pytest.approx(0.3, rel=0.1)
    assert set(found.intervals(n=20)) == {"E", "A", "B", "alpha", "a", "b", "log10_G"}
    rows = {row["law"]: row for row in compare_laws({"N": N, "D": D}, loss)}
    assert rows["tied"]["parameters"] == 4
    assert rows["tied"]["objective"] >= rows["chinchilla"]["objective"] * (1 - 1e-6)


def test_an_added_law_is_known_to_the_command_line(added, tmp_path):
    N, D, loss = planted(0.01)
    path = tmp_path / "runs.csv"
    write_csv(path, [{"N": n, "D": d, "loss": v} for n, d, v in zip(N, D, loss)])
    text = run("fit", path, "--law", "tied", "--bootstrap", "100").output
    assert "L = E + A/N^alpha + B/D^alpha, 36 rows" in text
    assert "alpha" in text
    document = json.loads(run("fit", path, "--law", "tied", "--bootstrap", "100", "--json").stdout)
    assert document["law"] == "tied"
    assert "tied" in run("fit", path, "--compare").output
    assert "|tied]" in "".join(run("fit", "--help").output.split())
    assert "--s-column would not be used" in _refusal(path, "--law", "tied", "--s-column", "N")


def _refusal(*arguments):
    with pytest.raises(click.UsageError) as caught:
        ziplaw.cli.command(["fit", *map(str, arguments)], standalone_mode=False)
    return caught.value.message


@pytest.mark.parametrize("name", LAWS)
def test_the_page_of_laws_lists_it(name):
    page = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    one = law(name)
    assert one.name == name
    assert f"| `{name}` | {', '.join(one.columns)} | {one.formula.removeprefix('L = ')}" in page


def test_unknown_laws_and_columns_are_refused():
    with pytest.raises(FitError, match="law is 'magic', must be one of chinchilla, bounded, free, kaplan, "):
        law("magic")
    with pytest.raises(FitError, match="x is 'U', must be one of C, N, D"):
        law("power").of("U")
