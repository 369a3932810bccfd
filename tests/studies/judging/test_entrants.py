"""Grammars as what splits are judged on, from rows and fits of a planted study."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit
from ziplaw.studies.judging.entrants import MeasuredCells, by_dataset, entrants, known_of, measures, prepare

STUDY = planted_study((("v", 2),), effects={"H": 5.0})
NAME, ROWS = next(iter(by_dataset(STUDY).items()))


def test_cells_count_compute_as_the_runs_do():
    cells = MeasuredCells([*ROWS, dict(ROWS[0], status="diverged"), dict(ROWS[0], loss=None)])
    assert len(cells.rows) == len(ROWS)
    np.testing.assert_allclose(cells.compute["all"].per_token(cells.N) * cells.D, [row["C"] for row in ROWS], rtol=1e-9)
    np.testing.assert_allclose(cells.compute["6ND"].per_token(cells.N) * cells.D, [row["C_6nd"] for row in ROWS])
    fourth = sorted({row["N"] for row in ROWS})[-4]
    assert np.exp(cells.largest("6ND", 4)) == pytest.approx(6 * fourth * 2097152, rel=1e-9)


def test_one_seed_is_a_part_that_scatters_as_all():
    study = planted_study((("v", 3),), seeds=2)
    both = next(rows for rows in by_dataset(study).values() if len({row["seed"] for row in rows}) == 2)
    cells = MeasuredCells(both)
    seed = both[0]["seed"]
    part = cells.seed(seed)
    assert {row["seed"] for row in part.rows} == {seed}
    assert part.noise is cells.noise


def test_a_pilot_sees_small_runs_alone():
    cells = MeasuredCells(ROWS)
    C = float(np.exp(cells.largest("6ND", 4)))
    found = cells.pilot("6ND", C)
    assert isinstance(found, GaussianSplit)
    altered = MeasuredCells([dict(row, loss=9.9) if row["C_6nd"] > C / 10 * 1.01 else row for row in ROWS])
    np.testing.assert_array_equal(altered.pilot("6ND", C).mean, found.mean)
    assert cells.pilot("6ND", 1e5) is None


def test_covariates_as_lines_take_them():
    found = measures({"H": 0.4, "productions": 500, "gamma": None, "vocab_size": 301, "beyond_bigram": 0.0})
    assert found == {"H": 0.4, "productions": pytest.approx(np.log(500)), "vocab_size": pytest.approx(np.log(301))}


def test_known_splits_are_told_at_one_compute():
    known = known_of(STUDY, "bounded", 3e10)
    assert list(known) == list(STUDY.datasets)
    split = STUDY.fits[0]["links"]["bounded"]["split"]
    assert known[NAME].split.C == 3e10
    assert known[NAME].split.mean[0] == pytest.approx(split["ln_N"] + split["a"] * np.log(3e10 / split["C"]))
    assert known[NAME].covariates["H"] == STUDY.covariates[NAME]["H"]


def test_who_can_be_judged():
    known = known_of(STUDY, "bounded", 3e10)
    here = {name: prepare(MeasuredCells(rows), "6ND", 4, pilot=False) for name, rows in by_dataset(STUDY).items()}
    assert [one.known.name for one in entrants(STUDY, known, here, "valley")] == list(STUDY.datasets)
    # invented fits have no parameters of a law
    assert entrants(STUDY, known, here, "bounded") == []
