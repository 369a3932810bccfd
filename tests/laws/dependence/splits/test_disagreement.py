"""How far links disagree: factors in N_opt, ranges of a, and whether slopes in H have one sign."""

import numpy as np
import pytest
from splits_in_H import C, sweep_of_splits

from ziplaw.laws.dependence.splits.dataset_splits import gather
from ziplaw.laws.dependence.splits.disagreement import disagreement
from ziplaw.laws.dependence.splits.split_on_H import split_on_H


def test_the_spread_of_a_dataset_is_between_its_extreme_links():
    _, fits = sweep_of_splits(4, error=1e-9, error_a=1e-9)
    split = fits[2]["links"]["free"]["split"]
    split["ln_N"] += np.log(2)
    split["a"] += 0.1
    kinds = ("identity", "bounded", "free")
    splits = {kind: gather(fits, kind, C)[0] for kind in kinds}
    by = {kind: {"lines": {"ln_N": {"slope": s, "per_tenth": np.exp(0.1 * s)}}} for kind, s in zip(kinds, (1, 2, 3))}
    found = disagreement(splits, by)
    worst = found["datasets"][2]
    assert (worst["dataset"], worst["largest"], worst["n_kinds"]) == ("d2", "free", 3)
    assert worst["N_factor"] == pytest.approx(2, rel=1e-6)
    assert worst["a_range"] == pytest.approx(0.1, rel=1e-6)
    assert found["N_factor_median"] == pytest.approx(1, rel=1e-6)
    assert "at most 2.00, d2" in found["text"]
    assert "by each of them N_opt rises with H, x1.11 to x1.35 for .1 of H" in found["text"]


def test_slopes_of_two_signs_are_named():
    split, _ = split_on_H(*sweep_of_splits(6, slope=6.0, bias={"identity": -20.0, "isoflop": -30.0}))
    assert not split["disagreement"]["signs_agree"]
    assert "N_opt rises with H by power, bounded, free and falls by identity, isoFLOP" in split["disagreement"]["text"]


def test_one_answer_has_nothing_beside_it():
    rows, fits = sweep_of_splits(4)
    for fit in fits:
        fit["links"] = {"bounded": fit["links"]["bounded"]}
        fit["isoflop"] = None
    split, _ = split_on_H(rows, fits)
    assert split["disagreement"]["text"] == "one answer only: nothing to compare it with"
    assert split["disagreement"]["N_factor_median"] is None
