"""When exponents may be reported: enough cells that scale (or may), and intervals off the bounds of the fit."""

import json

import numpy as np
import pytest
from laws_in_H import sweep

from ziplaw.laws.dependence.selection import choose_fits
from ziplaw.laws.fits.dataset import fit_dataset, takes_part, uninformative
from ziplaw.laws.solve.additive import EXPONENT_BOUNDS
from ziplaw.sweep.runs_table import bounded_regime, least_reducible

UNIGRAM = 5.5


def rows(law, *, sizes=5, budgets=6, floor=None, unigram=UNIGRAM, seed=0, noise=0.002, name="d"):
    """Rows of runs.csv of a dataset: loss = min(E + A/N^alpha + B/D^beta, unigram), with what a lack of floor
    leaves.
    """
    E, A, B, alpha, beta = law
    rng = np.random.default_rng(seed)
    out = []
    for N in np.geomspace(1e3, 1e5, sizes):
        for D in np.geomspace(1e5, 1e7, budgets):
            loss = min(E + A / N**alpha + B / D**beta, unigram) * np.exp(noise * rng.standard_normal())
            out.append({"dataset": name, "model": f"m{N:.0f}", "seed": 0, "N": float(N), "D": float(D),
                        "budget": float(D), "loss": float(loss), "floor": floor, "unigram_entropy": unigram, "H": 0.4,
                        "H_std": 0.01})  # fmt: skip
    best = min(row["loss"] for row in out)
    for row in out:
        row["regime"] = bounded_regime(least_reducible(row["loss"], best, unigram)) if floor is None else "scaling"
    return out


GOOD = (1.2, 20.0, 60.0, 0.4, 0.4)
# the largest budgets learn something, the small ones sit at the unigram entropy

LATE = (1.0, 10.0, 5e5, 0.3, 0.95)


def test_without_a_floor_cells_that_have_certainly_not_started_are_left_out():
    table = rows(LATE, budgets=10)
    fit = fit_dataset(table, bootstrap=50)
    lost = [row for row in table if row["regime"] == "not started"]
    assert 5 <= len(lost) <= len(table) - 8
    assert fit["cells"] == "started"
    assert fit["variants"]["free"]["n"] == len(table) - len(lost)
    assert fit["regime_counts"] == {"not started": len(lost)}
    assert f"{len(lost)} of {len(table)} cells have certainly not started" in fit["reason"]
    assert "saturation cannot be ruled out" in fit["reason"]
    assert fit_dataset(table, cells="all", bootstrap=50)["variants"]["free"]["n"] == len(table)


def test_where_nothing_is_certain_all_cells_are_fitted_and_no_regime_is_named():
    fit = fit_dataset(rows(GOOD), bootstrap=50)
    assert (fit["cells"], fit["regime"], fit["n_scaling"]) == ("all", None, None)
    assert fit["reportable"] is True
    assert "certainly" not in fit["reason"]


def test_a_dataset_without_a_floor_that_has_mostly_not_started_is_named_so():
    table = rows(GOOD)
    for row in table:
        if row["D"] < 9e6:
            row |= {"loss": UNIGRAM * 0.99, "regime": "not started"}
    fit = fit_dataset(table, bootstrap=50)
    assert fit["regime"] == "not started"
    assert fit["reportable"] is False


def test_a_few_cells_without_a_floor_are_not_reported():
    fit = fit_dataset(rows(GOOD, sizes=2, budgets=3), bootstrap=50)
    assert fit["reportable"] is False
    assert "needed: 8 cells, 3 sizes, 3 budgets" in fit["reason"]


@pytest.mark.parametrize("floor", [None, 1.2])
def test_exponents_whose_interval_reaches_a_bound_are_not_reported(floor):
    # N hardly matters and the noise is as large as its effect: alpha may be anything
    table = rows((1.2, 0.02, 60.0, 0.1, 0.4), floor=floor, noise=0.05)
    fit = fit_dataset(table, bootstrap=100)
    for variant in filter(None, fit["variants"].values()):
        low, high = variant["intervals"]["alpha"]
        assert not variant["converged"] or low <= EXPONENT_BOUNDS[0] or high >= EXPONENT_BOUNDS[1]
    assert fit["reportable"] is False
    assert "alpha" in fit["reason"] or "no fit converged" in fit["reason"]


@pytest.mark.parametrize(
    ("alpha", "beta", "words"),
    [
        ([0.2, 0.5], [0.2, 0.4], None),
        ([0.005, 5.0], [0.2, 0.4], "alpha is not identified: its interval, 0.005 to 5, reaches a bound"),
        ([-0.3, 0.5], [0.2, 0.4], "alpha is not identified"),
        ([0.2, 0.5], [0.2, 5.0], "beta is not identified"),
        ([None, None], [0.2, 0.4], "alpha has no interval"),
        ([0.2, 0.5], [0.2, float("inf")], "beta has no interval"),
        (None, [0.2, 0.4], "alpha has no interval"),
    ],
)
def test_what_an_interval_must_show(alpha, beta, words):
    found = uninformative({"intervals": {"beta": beta} | ({"alpha": alpha} if alpha else {})})
    assert (found is None) if words is None else (words in found)


def test_a_regression_leaves_out_a_dataset_whose_chosen_variant_says_nothing():
    fits = [fit_dataset(rows(GOOD, name=name, floor=1.2, seed=i), bootstrap=50) for i, name in enumerate("abc")]
    fits = [fit | {"H": 0.3 + 0.05 * i} for i, fit in enumerate(fits)]
    assert len(choose_fits(fits)[0]) == 3
    fits[1]["variants"]["floor"]["intervals"]["beta"] = [0.005, 5.0]
    used, variant, left_out = choose_fits(fits)
    assert [fit["dataset"] for fit in used] == ["a", "c"]
    assert variant == "floor"
    assert left_out[0]["dataset"] == "b"
    assert "beta is not identified" in left_out[0]["reason"]


def test_which_rows_take_part():
    kinds = ("scaling", "saturated", "not started", None)
    taken = {cells: [takes_part({"regime": kind}, cells) for kind in kinds] for cells in ("scaling", "started", "all")}
    assert taken["scaling"] == [True, False, False, False]
    assert taken["started"] == [True, True, False, True]
    assert taken["all"] == [True] * 4


def test_three_sizes_without_a_floor_have_no_interval_and_the_reason_is_said(tmp_path):
    rows, _ = sweep(1)
    few = [{**row, "floor": None, "regime": None} for row in rows if row["N"] < 10_000][:18]
    document = fit_dataset([row for row in few if row["model"] in sorted({r["model"] for r in few})[:3]], bootstrap=100)
    free = document["variants"]["free"]
    assert free["converged"]
    assert free["intervals"]["alpha"] == [None, None]
    assert "of which the law needs 3" in free["interval_method"]
    assert not document["reportable"]
    assert "without n" in document["reason"]
    # with the floor two sizes are enough to tell the rest, so three runs have a jackknife
    held = fit_dataset([{**row, "floor": 1.1} for row in few], bootstrap=100)["variants"]["floor"]
    assert held["interval_method"].startswith("jackknife over")
    json.dumps(document, allow_nan=False, default=float)
