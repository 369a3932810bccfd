"""Splits are moved to one compute exactly, and only those that can be believed are taken."""

import numpy as np
import pytest
from splits_in_H import C, sweep_of_splits

from ziplaw.laws.dependence.splits.dataset_splits import carrying, gather, moved, reference_C, split_of, with_splits


def test_a_move_follows_the_power_law_and_comes_back():
    split = {"C": 1e10, "ln_N": 8.0, "a": 0.4, "covariance": [[0.04, 0.002], [0.002, 0.001]]}
    y, S = moved(split, 1e12)
    step = np.log(100)
    assert y == pytest.approx([8.0 + 0.4 * step, 0.4])
    assert S[0, 0] == pytest.approx(0.04 + 2 * step * 0.002 + step**2 * 0.001)
    assert S[0, 1] == S[1, 0] == pytest.approx(0.002 + step * 0.001)
    back, T = moved(split | {"C": 1e12, "ln_N": y[0], "covariance": S.tolist()}, 1e10)
    assert back == pytest.approx([8.0, 0.4])
    assert T == pytest.approx(np.array(split["covariance"]))


def test_the_reference_is_the_geometric_mean_over_cells():
    _, fits = sweep_of_splits(3)
    assert reference_C(fits) == pytest.approx(C)
    fits[0]["links"]["identity"] |= {"n": 72}
    fits[0]["links"]["identity"]["split"]["C"] = 16 * C
    assert reference_C(fits) == pytest.approx(C * 4)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"converged": False, "message": "no step helped"}, "not converged: no step helped"),
        ({"split": None, "message": "beta at its bound"}, "beta at its bound"),
        ({"split": {"identified": False}}, "its split is not identified"),
        ({"split": {"identified": True, "C": 1.0, "ln_N": 1.0, "a": 0.5, "covariance": None}},
         "its split has no covariance"),
        ({"split": {"identified": True, "C": 1.0, "ln_N": float("nan"), "a": 0.5, "covariance": [[1, 0], [0, 1]]}},
         "its split has no covariance"),
    ],
)  # fmt: skip
def test_a_split_that_cannot_be_believed_is_left_out_with_its_reason(change, why):
    _, fits = sweep_of_splits(4)
    fits[1]["links"]["bounded"] |= change
    assert split_of(fits[1], "bounded") == (None, why)
    found, left_out = gather(fits, "bounded", C)
    assert found.names == ("d0", "d2", "d3")
    assert found.y.shape == (3, 2)
    assert found.S.shape == (3, 2, 2)
    assert left_out == [{"dataset": "d1", "reason": why}]


def test_half_of_the_datasets_carry_a_link():
    _, fits = sweep_of_splits(4)
    for fit in fits[:2]:
        fit["links"]["free"] |= {"split": None}
    assert len(carrying(fits, "free")) == 2
    fits[2]["links"]["free"] |= {"split": None}
    assert carrying(fits, "free") == []
    assert len(with_splits([*fits, {"dataset": "bare"}])) == 4
    assert split_of({"dataset": "bare"}, "isoflop") == (None, "no isoFLOP minimum was found")
