"""Noise of a seed from grammars that were trained twice."""

from planted_study import planted_study

from ziplaw.studies.answers.split_noise import COLUMNS, rows


def test_noise_of_seeds_is_told_where_there_are_two():
    study = planted_study((("v", 9),), effects={"H": 6.0}, noise=0.02, seed=4).half("exploratory")
    table = rows(study)
    assert all(tuple(row) == COLUMNS for row in table)
    told = [row for row in table if row["kind"] == "bounded" and row["accounting"] == "6nd"]
    assert [row["compute"] for row in told] == ["low", "middle", "high"]
    for row in told:
        assert row["n"] == 3
        assert row["seed_sd_low"] < row["seed_sd"] < row["seed_sd_high"]
        assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
        assert 0 < row["seed_sd"] < 0.5


def test_one_seed_each_tells_nothing():
    assert rows(planted_study((("v", 4),), seeds=1, seed=4).half("exploratory")) == []


def test_more_noise_of_runs_is_more_noise_of_splits():
    found = []
    for noise in (0.002, 0.05):
        study = planted_study((("v", 9),), noise=noise, seed=6).half("exploratory")
        found.append(next(row for row in rows(study) if (row["kind"], row["compute"]) == ("bounded", "middle")))
    assert found[0]["seed_sd_high"] < found[1]["seed_sd_low"]
