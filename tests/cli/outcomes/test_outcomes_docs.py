"""Every command and every Python line of docs/outcomes.md runs; docs/formats.md names every key that is written."""

import json
import re
import shlex

import planted_outcomes as planted
import pytest
from click.testing import CliRunner
from houses import ROOT

from ziplaw.base.documents import write_csv
from ziplaw.cli import command

PAGE = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    ziplaw ((?:skills|mixtures) .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with ladder.csv and mixtures.csv."""
    folder = tmp_path_factory.mktemp("outcomes")
    N, D, losses, accuracy = planted.ladder()
    rows = [
        {"N": float(N[i]), "D": float(D[i])}
        | {f"bpb_{task}": float(losses[i, t]) for t, task in enumerate(planted.TASKS)}
        | {f"acc_{task}": float(accuracy[i, t]) for t, task in enumerate(planted.TASKS)}
        for i in range(17)
    ]
    write_csv(folder / "ladder.csv", rows)
    rows = []
    for scale, n in (("1M", 80), ("60M", 30)):
        weights, own = planted.mixture_table(n, seed=n)
        rows += [
            {"scale": scale}
            | {f"w_{name}": float(w) for name, w in zip("abcde", weights[i])}
            | {f"loss_{name}": float(v) for name, v in zip(("one", "two"), own[i])}
            for i in range(n)
        ]
    write_csv(folder / "mixtures.csv", rows)
    return folder


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_runs(line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = CliRunner().invoke(command, [*shlex.split(line), "--bootstrap", "100"], standalone_mode=False)
    assert found.exception is None, found.exception
    assert found.output


def test_the_page_has_commands():
    assert len(COMMANDS) >= 6


def test_python_of_the_page_runs():
    N, D, losses, accuracy = planted.ladder()
    weights, domain_losses = planted.mixture_table()
    block = next(part for part in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "fit_skills" in part)
    exec(block, {"N": N, "D": D, "losses": losses, "accuracy": accuracy, "weights": weights,
                 "domain_losses": domain_losses})  # fmt: skip


def keys_of(document, skip):
    """Keys at any depth, those named after data left out."""
    if isinstance(document, list):
        return set().union(*(keys_of(part, skip) for part in document))
    if not isinstance(document, dict):
        return set()
    own = set(document) - skip
    return own.union(*(keys_of(part, skip) for part in document.values()))


@pytest.mark.parametrize(("verb", "words", "skip"), [
    ("skills", ["ladder.csv", "--test", "N>2e9", "--flops", "1e22"], set(planted.TASKS)),
    ("mixtures", ["mixtures.csv", "--test", "scale=60M", "--at", "a=1"],
     {*"abcde", "one", "two", "best measured", "average"}),
])  # fmt: skip
def test_every_key_is_documented(verb, words, skip, folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = CliRunner().invoke(command, [verb, *words, "--bootstrap", "100", "--json"], standalone_mode=False)
    assert found.exception is None, found.exception
    body = FORMATS.split(f"\n## {verb}\n")[1].split("\n## ")[0]
    documented = {word for quoted in re.findall(r"`([^`]*)`", body) for word in quoted.split()}
    assert keys_of(json.loads(found.stdout), skip) <= documented
