"""What laws are held against: productions of grammars by the name of their files."""

import json

import pytest

from ziplaw.base.documents import write_json
from ziplaw.errors import ZiplawError
from ziplaw.sweep.beside_laws import productions_of

FITS = [{"dataset": "a"}, {"dataset": "b"}, {"dataset": "text"}]


def test_productions_are_counted_for_the_fits_datasets(tmp_path):
    for name, count in (("a", 2), ("b", 5), ("other", 9)):
        write_json(tmp_path / f"{name}.json", {"productions": ["N0 -> '1' [1.0]"] * count}, kind="grammar")
    assert productions_of(FITS, [tmp_path]) == {"n_productions": {"a": 2, "b": 5}}
    assert productions_of(FITS, [tmp_path / "other.json"]) == {"n_productions": {"other": 9}}
    assert productions_of(FITS, []) == {}


def test_a_file_that_is_no_grammar_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"kind": "ziplaw/score", "productions": []}))
    with pytest.raises(ZiplawError):
        productions_of(FITS, [tmp_path])
