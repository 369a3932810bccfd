"""Architectures and shapes at equal N: tables made by known laws, and laws that never mix architectures."""

import math

import numpy as np
import pytest

from ziplaw.base.documents import read_csv
from ziplaw.cli import main
from ziplaw.errors import FitError
from ziplaw.laws.dependence.selection import cells
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.report.figures import draw
from ziplaw.sweep.architectures_table import architecture_rows, interval, ladders, same_size
from ziplaw.tables.declared import ARCHITECTURES, RUNS

SEEDS = (0, 1, 2)


def rows(models, budgets=(1000, 2000), noise=0.0):
    """Rows of runs.csv: (architecture, hidden, layers, N, factor on 5 N^-0.1)."""
    rng = np.random.default_rng(0)
    made = []
    for architecture, hidden, layers, N, factor in models:
        for seed in SEEDS:
            for D in budgets:
                cell = dict.fromkeys(RUNS.names) | {
                    "dataset": "web",
                    "model": f"{architecture}{hidden}x{layers}",
                    "seed": seed,
                }
                cell |= {"architecture": architecture, "hidden": hidden, "layers": layers, "N": N, "D": D, "budget": D}
                loss = factor * 5 * N**-0.1 * (1 + 10 / D) * math.exp(noise * rng.standard_normal())
                made.append(cell | {"loss": loss, "status": "finished", "floor": 1.0, "H": 0.4, "regime": "scaling"})
    return made


LADDERS = [("llama", h, 2, 20 * h * h, 1.0) for h in (8, 16, 32)]
LADDERS += [("lstm", h, 2, 16 * h * h, 1.25) for h in (8, 16, 40)]
SHAPES = [("llama", 22, 1, 4900, 1.0), ("llama", 11, 4, 5300, 1.1)]  # beside llama16x2 of N = 5120


def test_losses_at_matched_N_are_the_law_behind_them():
    table = architecture_rows(rows(LADDERS))
    assert all(set(row) <= set(ARCHITECTURES.names) for row in table)
    matched = [row for row in table if row["part"] == "matched"]
    # the decoder's sizes that lie within the LSTM's: 1280, 5120 and 20480 within 1024 to 25600
    assert {row["N"] for row in matched} == {1280, 5120, 20480}
    for row in matched:
        assert row["relative"] == pytest.approx(0.25, abs=1e-9)
        assert row["relative_low"] == pytest.approx(row["relative_high"], abs=1e-9)
        assert (row["architecture"], row["seeds"]) == ("lstm", 3)
    assert len([row for row in table if row["part"] == "size"]) == 2 * 6
    assert {row["budget"] for row in table} == {1000, 2000}


def test_shapes_are_compared_seed_by_seed_with_the_reference():
    table = [
        row for row in architecture_rows(rows(LADDERS + SHAPES)) if row["part"] == "shape" and row["budget"] == 2000
    ]
    assert [(row["layers"], row["hidden"]) for row in table] == [(1, 22), (2, 16), (4, 11)]
    wide, reference, deep = table
    assert reference["relative"] == reference["N_mismatch"] == reference["N_effect"] == 0
    assert wide["N_mismatch"] == pytest.approx(4900 / 5120 - 1)
    assert wide["relative"] == pytest.approx(wide["N_effect"], rel=1e-6)
    assert deep["relative"] == pytest.approx(1.1 * (5300 / 5120) ** -0.1 - 1, rel=1e-6)


def test_intervals_cover_as_they_claim():
    rng = np.random.default_rng(1)
    found = [interval(rng.standard_normal(3)) for _ in range(4000)]
    covered = np.mean([low <= 0 <= high for _, low, high in found])
    assert covered == pytest.approx(0.95, abs=0.012)
    assert interval([2.0]) == (2.0, None, None)


def test_a_diverged_seed_leaves_the_others():
    table = rows(LADDERS)
    table[1] |= {"loss": None, "status": "diverged"}
    sizes = [row for row in architecture_rows(table) if row["part"] == "size" and row["model"] == "llama8x2"]
    assert sorted(row["seeds"] for row in sizes) == [2, 3]
    assert architecture_rows([row | {"loss": None} for row in table]) == []


def test_nothing_is_compared_where_there_is_nothing_to_architecture_rows():
    table = architecture_rows(rows(LADDERS[:3]))
    assert {row["part"] for row in table} == {"size"}
    assert same_size([]) is None
    assert ladders([]) == {}


@pytest.mark.parametrize("diverged", [False, True])
def test_the_figure_and_its_numbers(tmp_path, diverged):
    table = [row | ({"loss": None} if diverged else {}) for row in rows(LADDERS + SHAPES, noise=0.01)]
    RUNS.write(tmp_path / "runs.csv", table)
    for name in ("a.svg", "b.svg"):
        draw("architectures", tmp_path, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    numbers = read_csv(tmp_path / "a.csv")
    assert len(numbers) == (0 if diverged else len(architecture_rows(table)))


# --- no law of several architectures ----------------------------------------------------------------------------------


def test_a_law_is_of_one_architecture(tmp_path, capsys):
    table = rows(LADDERS, budgets=(1000, 2000, 4000), noise=0.01)
    with pytest.raises(FitError, match=r"rows of 2 architectures \(llama, lstm\).*--where architecture=llama"):
        fit_dataset(table)
    with pytest.raises(FitError, match="2 architectures"):
        cells(table, {"dataset": "web", "cells": "all"})
    one = fit_dataset([row for row in table if row["architecture"] == "lstm"], bootstrap=100)
    assert one["n_points"] == 27
    RUNS.write(tmp_path / "runs.csv", table)
    for arguments in (["--dataset", "web"], [], ["--compare"], ["--law", "kaplan"]):
        with pytest.raises(SystemExit) as ended:
            main(["fit", str(tmp_path / "runs.csv"), *arguments])
        assert ended.value.code == 2
        assert "rows of 2 architectures" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "fit",
                str(tmp_path / "runs.csv"),
                "--dataset",
                "web",
                "--where",
                "architecture=lstm",
                "--bootstrap",
                "100",
            ]
        )
    assert ended.value.code == 0
