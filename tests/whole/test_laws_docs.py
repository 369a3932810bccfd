"""Every command and every Python line of docs/laws.md runs, and docs/validation.md is what its tables give."""

import re
import shlex
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner
from houses import ROOT

from ziplaw.base.documents import read_json, write_csv
from ziplaw.cli import command
from ziplaw.laws.dependence.claims import slope_of_a
from ziplaw.laws.forms.constrained import data_constrained_loss
from ziplaw.laws.solve import diagnostics
from ziplaw.laws.solve.misfit import POOR_RMS
from ziplaw.report.doubts import correlation

DOCS = ROOT / "docs"
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
    found = CliRunner().invoke(command, [*shlex.split(line), *few], standalone_mode=False)
    assert found.exception is None, found.exception
    assert found.output


def test_python_of_the_page_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 2e9, 6), np.geomspace(1e8, 5e10, 6)))
    loss = data_constrained_loss(N, D, D)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block.replace("4000", "100"), {"N": N, "D": D, "loss": loss})


def test_the_page_names_every_flag():
    for flag in diagnostics.EXPLANATIONS:
        words = flag.replace("at its bound", "").replace("loss rises with", "").strip()
        assert words in PAGE, flag


def test_validation_page_is_what_its_tables_give():
    from verification.studies.page import page

    assert (DOCS / "validation.md").read_text(encoding="utf-8") == page()


def plain(value, digits=2):
    """A number as the README writes it: signed, without the zero before the point, the minus as a minus."""
    return f"{value:+.{digits}f}".replace("+0.", "+.").replace("-0.", "−.").replace("-", "−")


def findings_of_readme(law):
    """What the README must say of a law of the default sweep: each sentence's numbers, from the law."""
    fitted_on, p = law["fitted_on"], law["joint_test"]["p_permutation"]
    low, high = (f"{H:.3f}".lstrip("0") for H in fitted_on["H"])
    smallest, largest = fitted_on["N"]
    slope, (least, most), _ = slope_of_a(law["law"])
    rms = [d["rms_log_residual"] for d in law["datasets"]]
    words = ("no", "one", "two", "three", "four", "five", "six")
    poor, of = words[sum(v > POOR_RMS for v in rms)], words[len(rms)]
    every = words[len(rms) + law["n_left_out"]]
    r = correlation(*([d[key] for d in law["datasets"]] for key in ("H", "floor")))
    two, line = law["two_stage"]["parameters"], law["law"]["lines"]
    joint = law["joint_test"]["exponents"]
    depend = "**The exponents are not shown to depend on H**" if p > 0.05 else "**The exponents depend on H**"
    held = "With E held at the floor" if law["variant"] == "floor" else "With a free E"
    return [
        f"{depend}, nor is it excluded" if p > 0.05 else depend,
        f"permuting H over them gives p = {p:.2f}".replace("= 0", "= "),
        f"{of} datasets with {fitted_on['n_cells']} scaling cells",
        f"H from {low} to {high}",
        f"{smallest:.0f} to {largest:,.0f} parameters",
        f"{every.capitalize()} grammars with one vocabulary",
        f"changes by {plain(slope / 10, 3)}, with a 95 % interval from {plain(least / 10)} to {plain(most / 10)}",
        f"{held} the Chinchilla form misses by more than 5 % of the loss in {poor} of {of}, by {100 * max(rms):.0f} % "
        "at worst",
        f"{of} levels of H, one seed, H and floor correlated at {plain(r)}",
        f"alpha by {plain(two['alpha']['slope'])} per unit of H in the paper's two-stage regression",
        f"{plain(line['alpha']['slope'])} in the hierarchical law, {plain(joint['alpha']['slope'])} in the joint fit",
        f"ln A by {plain(two['ln_A']['slope'])} in the first and {plain(line['ln_A']['slope'])} in the second",
    ]


README = " ".join((DOCS.parent / "README.md").read_text(encoding="utf-8").split())


def reference():
    return read_json(files("ziplaw.sweep") / "reference_law.json", "regression")


def test_readme_tells_what_the_shipped_law_of_the_default_sweep_says():
    for text in findings_of_readme(reference()):
        assert text in README, f"README does not say {text!r}: bring its findings up to date with the reference law"


def test_every_finding_of_the_readme_would_be_missed_of_another_law():
    other = reference()
    other["joint_test"]["p_permutation"] = 0.01
    other["fitted_on"] |= {"n_cells": 99, "H": [0.1, 0.2], "N": [10, 20]}
    other["variant"] = "free"
    for d in other["datasets"]:
        d |= {"rms_log_residual": 0.01, "floor": d["H"]}
    for part in (other["two_stage"]["parameters"], other["law"]["lines"], other["joint_test"]["exponents"]):
        for name in {"alpha", "ln_A"} & set(part):
            part[name]["slope"] = 1.23
    other["law"]["coefficients"][3][1] += 1.0
    other["datasets"].pop()
    assert [text for text in findings_of_readme(other) if text in README] == []
