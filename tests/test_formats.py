"""docs/formats.md names every key and column that the program writes."""

import re
from pathlib import Path

import numpy as np
import pytest

from ziplaw import tables
from ziplaw.corpora.format import CorpusWriter, open_corpus
from ziplaw.corpora.scoring import score_builtin

PAGE = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")


def documented(section):
    """Every word in code quotes of a section of the page."""
    body = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {word for quoted in re.findall(r"`([^`]*)`", body) for word in quoted.split()}


def test_corpus(tmp_path):
    with CorpusWriter(tmp_path, 1, 1, 8, 10, {}) as writer:
        writer.train[:] = np.arange(8)
    meta = open_corpus(tmp_path).meta
    assert set(meta) - {"kind", "format", "sha256"} <= documented("corpus")


@pytest.mark.parametrize("tokenizer", ["bytes"])
def test_score(tokenizer):
    assert set(score_builtin("prose", tokenizer, samples=2)) <= documented("score")


def columns():
    from ziplaw.cli.fits_table import COLUMNS as FITS
    from ziplaw.train import COLUMNS as CURVE

    fits = [c for c in FITS if not c.endswith(("_lo", "_hi")) and c not in ("E", "A", "B", "alpha", "beta", "a", "b")]
    return [("runs.csv", tables.COLUMNS), ("fits.csv", fits), ("run", CURVE)]


@pytest.mark.parametrize("index", range(3))
def test_columns(index):
    section, names = columns()[index]
    assert set(names) <= documented(section)
