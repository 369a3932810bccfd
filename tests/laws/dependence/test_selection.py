"""Which fits carry a law, and which cells are theirs."""

import pytest
from laws_in_H import planted_sweep

from ziplaw.errors import FitError
from ziplaw.laws.dependence.regress import regress
from ziplaw.laws.dependence.selection import choose_fits


@pytest.fixture
def planted():
    return planted_sweep()


def test_one_dataset_without_a_floor_frees_E_in_all(planted):
    rows, fits = planted
    free = [*fits[:4], fits[4] | {"variants": fits[4]["variants"] | {"floor": None}}]
    used, variant, _ = choose_fits(free)
    assert variant == "free"
    assert len(used) >= 3
    found = regress(rows, free, bootstrap=0)
    assert found["variant"] == "free"
    assert found["joint_test"]["E"].startswith("free")


def test_runs_and_fits_of_different_sweeps(planted):
    rows, fits = planted
    with pytest.raises(FitError, match="no cell of d0"):
        regress([row for row in rows if row["dataset"] != "d0"], fits)
    with pytest.raises(FitError, match="d0 has 2 fits"):
        choose_fits([fits[0], fits[0]])


def test_losses_in_two_units_are_not_mixed(planted):
    rows, fits = planted
    with pytest.raises(FitError, match="nats per byte and in nats per token"):
        regress(rows, [fits[0] | {"loss_unit": "nats per byte"}, *fits[1:]])
