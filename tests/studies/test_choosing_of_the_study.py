"""The committed study: its config, its table and what is said of it agree, and the table is measured."""

import pytest
from houses import ROOT

from ziplaw.base.documents import read_json
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.studies.candidates import measures_of
from ziplaw.studies.choosing import BALANCED, H_TOLERANCE, HALVES
from ziplaw.studies.design_files import SHAPE, is_study_config
from ziplaw.studies.foretold import correlated, foretold_power
from ziplaw.studies.measured_scatter import Scatter
from ziplaw.sweep.config import load_config
from ziplaw.sweep.default import DEFAULT
from ziplaw.tables.declared import DESIGN

PLACE = ROOT / "results" / "reference" / "study"
CONFIG = load_config(ROOT / "config" / "study.yaml")
ROWS = DESIGN.read(PLACE / "design.csv")


def test_the_config_is_that_of_the_table():
    assert is_study_config(ROOT / "config" / "study.yaml")
    assert list(CONFIG.datasets) == [row["dataset"] for row in ROWS]
    for row in ROWS:
        dataset = CONFIG.datasets[row["dataset"]]
        assert {key: getattr(dataset.grammar, key) for key in SHAPE} == {key: row[key] for key in SHAPE}
        assert dataset.seeds == [int(seed) for seed in row["training_seeds"].split()]
    assert len(CONFIG.models) == len(CONFIG.budgets) == 6


def test_it_is_a_study_in_two_balanced_halves_of_fresh_seeds():
    assert len(ROWS) >= 60
    assert sum(row["family"] == "H" for row in ROWS) >= 10
    assert {row["vocab_size"] for row in ROWS if row["family"] == "vocabulary"} == {301}
    assert len({row["vocab_size"] for row in ROWS if row["family"] == "varied"}) > 10
    assert len({row["seed"] for row in ROWS}) == len(ROWS)
    assert not {row["seed"] for row in ROWS} & {one.grammar.seed for one in DEFAULT.datasets.values()}
    twice = sum(len(row["training_seeds"].split()) == 2 for row in ROWS)
    assert abs(twice - len(ROWS) / 3) <= 3
    halves = {line["half"]: line for line in reversed(correlated(ROWS))}
    for half in HALVES:
        assert abs(halves[half]["r_floor"]) <= BALANCED
    one_H = [row["H"] for row in ROWS if row["family"] == "H"]
    # chosen on 200 documents and measured on 1000
    assert max(one_H) - min(one_H) <= 2 * H_TOLERANCE + 0.006


@pytest.mark.parametrize("place", [0, 41, -1])
def test_rows_are_measured(place):
    row = ROWS[place]
    shape = [row[key] for key in SHAPE]
    found = measures_of(random_grammar(*shape[:4], seed=shape[4]), 1000, CONFIG.budgets)
    assert found == {key: row[key] for key in found}


def test_what_is_told_follows_from_the_table():
    document = read_json(PLACE / "design.json", "design")
    assert document["correlations"] == correlated(ROWS)
    scatter = {name: Scatter(**one) for name, one in document["scatter"].items()}
    few = foretold_power([row for row in ROWS if row["half"] == HALVES[1]], {"a": scatter["a"]}, draws=100)
    told = {
        (line["family"], line["given"]): line["stderr"]
        for line in document["power"]
        if (line["half"], line["quantity"]) == (HALVES[1], "a")
    }
    assert {(line["family"], line["given"]): line["stderr"] for line in few} == told
