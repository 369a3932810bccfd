"""A study's folder as it is read, and its parts."""

import numpy as np
import pytest
from planted_study import planted_study, write_study

from ziplaw.errors import FitError
from ziplaw.laws.dependence.splits.split_on_H import split_on_H
from ziplaw.studies.measured import read_study
from ziplaw.tables.declared import DESIGN, RUNS


@pytest.fixture(scope="module")
def planted():
    return planted_study(effects={"H": 6.0}, seed=3)


def plain(value):
    """As JSON keeps it."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def test_it_reads_what_was_measured(tmp_path, planted):
    rates = {name: {"zstd": 0.2 + 0.01 * k} for k, name in enumerate(planted.datasets)}
    study = read_study(write_study(tmp_path, planted, rates))
    assert study.half("exploratory").folder == tmp_path
    assert study.datasets == planted.datasets
    assert study.design == planted.design
    assert study.runs == planted.runs
    read = [plain({key: fit[key] for key in mine}) for fit, mine in zip(study.fits, planted.fits, strict=True)]
    assert read == plain(planted.fits)
    for name, known in planted.covariates.items():
        assert study.covariates[name] == {**known, **rates[name]}


def test_what_context_tells_beyond_the_last_token(tmp_path, planted):
    part = planted.only({"ev01"})
    floor = part.runs[0]["floor"]
    entropies = {"ev01": {"conditional_entropy_1": floor + 1.25, "conditional_entropy_3": floor + 0.25}}
    known = read_study(write_study(tmp_path, part, entropies)).covariates["ev01"]
    assert known["beyond_bigram"] == pytest.approx(1.25)
    assert known["beyond_bigram_measured"] == pytest.approx(1.0)
    assert "beyond_bigram" not in planted.covariates["ev01"]


def test_what_is_of_the_corpus_comes_from_the_runs(tmp_path, planted):
    part = planted.only({"ev01"})
    design = [{**row, "H": 0.9, "productions": 7} for row in part.design]
    write_study(tmp_path, part)
    DESIGN.write(tmp_path / "design.csv", design)
    known = read_study(tmp_path).covariates["ev01"]
    assert (known["H"], known["productions"]) == (part.runs[0]["H"], 7)


def test_halves_and_families(planted):
    half = planted.half("confirmatory")
    assert half.datasets == tuple(name for name in planted.datasets if name[0] == "c")
    assert {row["dataset"] for row in half.runs} == set(half.covariates) == {fit["dataset"] for fit in half.fits}
    assert half.family("H").datasets == ("ch01", "ch02")
    assert planted.half("both").family("all") == planted
    for part, name in ((planted.half, "first"), (planted.family, "v")):
        with pytest.raises(FitError, match=f"no .* '{name}': "):
            part(name)


def test_datasets_that_were_not_trained_are_left_out(tmp_path, planted):
    write_study(tmp_path, planted.half("exploratory"))
    DESIGN.write(tmp_path / "design.csv", planted.design)
    assert read_study(tmp_path).datasets == planted.half("exploratory").datasets


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder, study: (folder / "design.csv").unlink(), "has no design.csv"),
        (lambda folder, study: (folder / "runs.csv").unlink(), "has no runs.csv"),
        (lambda folder, study: (folder / "fits" / "ef02.json").unlink(), "ef02.json is missing: ziplaw fit "),
        (lambda folder, study: DESIGN.write(folder / "design.csv", study.design[1:]), "lacks 'ev01' of runs.csv"),
        (lambda folder, study: RUNS.write(folder / "runs.csv", []), "no runs of the design's datasets"),
        (lambda folder, study: write_study(folder, study, {"ev01": {"zstd": 1.0}}), "covariates.csv lacks ev02"),
    ],
)
def test_what_is_missing_is_said(tmp_path, planted, spoil, message):
    write_study(tmp_path, planted.half("exploratory"))
    spoil(tmp_path, planted.half("exploratory"))
    with pytest.raises(FitError, match=message):
        read_study(tmp_path)


@pytest.mark.parametrize("options", [{}, {"fitted": True, "bootstrap": 20, "links": ("bounded",)}])
def test_the_planted_effect_is_found_in_invented_and_in_real_fits(options):
    found = []
    for seed in range(5):
        study = planted_study((("v", 6),), effects={"H": 6.0}, scatter=0.02, noise=0.002, seed=seed, **options)
        line = split_on_H(study.runs, study.fits)[0]["by"]["bounded"]["lines"]["ln_N"]
        found.append((line["slope"] - 6) / line["slope_stderr"])
    assert all(abs(away) < 4 for away in found)
    assert abs(np.mean(found)) < 4 / np.sqrt(5)
