"""The checks that `make fuzz` runs for minutes, here on a few hundred mutations; and that they can fail."""

import fuzz_checks
import numpy as np
import pytest

from ziplaw import _gzip
from ziplaw.grammars.grammar import Grammar


@pytest.mark.parametrize(("name", "runs"), [("scorer", 150), ("grammar", 150), ("table", 150)])
def test_mutations(name, runs):
    pool, rng = fuzz_checks.seeds()[name], np.random.default_rng(0)
    for data in pool:
        getattr(fuzz_checks, name)(data)
    for _ in range(runs):
        getattr(fuzz_checks, name)(fuzz_checks.mutated(rng, pool))


def test_a_wrong_size_is_found(monkeypatch):
    monkeypatch.setattr("ziplaw.corpora.compress._core_sizes", lambda core, tokens, rows, dtype, out: out.fill(21))
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
