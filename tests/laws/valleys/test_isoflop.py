"""isoFLOP: the exponent on clean and noisy tables, intervals that hold it, budgets as people have them, no bottom made
up where the losses show none.
"""

import numpy as np
import pytest
from designs import LAW, grid, isoflops, losses
from tables_of_laws import columns, table

from twins import isoflop as twin
from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate, exponents, optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.valleys.bottom_line import bottom_line
from ziplaw.laws.valleys.envelope import envelope
from ziplaw.laws.valleys.isoflop import isoflop, isoflop_split

BUDGETS = [1e18, 3e18, 1e19, 3e19, 1e20]
A = LAW[4] / (LAW[3] + LAW[4])
LOPSIDED = np.array([1.5, 50.0, 5e4, 0.25, 0.55])


def dense(law):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(5e7, 1.6e10, 10), np.geomspace(1e9, 3e11, 12)))
    return N, D, additive(law, N, D)


def lopsided(spread=10.0, sizes=7):
    """isoFLOP budgets of a law whose alpha and beta differ by .3, without noise."""
    C = np.repeat(BUDGETS, sizes)
    N = np.concatenate([optimal_split(LOPSIDED, c)[0] * np.geomspace(1 / spread, spread, sizes) for c in BUDGETS])
    return N, C / (6 * N), additive(LOPSIDED, N, C / (6 * N))


def test_it_finds_the_exponent_on_clean_curves():
    law = CHINCHILLA_REFIT.array
    found = isoflop(*dense(law), law=law)
    truth = exponents(law)[0]
    assert found.a == pytest.approx(truth, abs=0.03)
    assert found.bias == pytest.approx(found.a - truth, abs=1e-9)
    plan = found.allocate(1e21)
    assert plan.N * plan.D * 6 == pytest.approx(1e21)
    assert plan.N == pytest.approx(allocate(law, 1e21).N, rel=0.2)


def test_approaches_on_chinchillas_own_points():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    for approach in (envelope, isoflop):
        # the paper's Table 2: a = 0.50 (0.488, 0.502) and 0.49 (0.462, 0.534)
        found = approach(N, D, loss)
        assert found.a == pytest.approx(0.5, abs=0.05)
        assert found.a_interval[0] < 0.5 < found.a_interval[1]


def test_isoflop_tables_give_parabolas_at_their_own_budgets():
    N, D = isoflops(BUDGETS)
    assert len(np.unique(N)) == 25
    loss = losses(N, D, seed=3)
    found = isoflop(N, D, loss, law=LAW)
    low, high = found.a_interval
    assert low < A < high
    assert found.a == pytest.approx(A, abs=0.02)
    assert high - low < 0.1
    assert found.C == pytest.approx(BUDGETS, rel=1e-6)
    assert abs(found.bias) < 0.01
    assert found.measured
    assert "parabolas at 5 measured budgets" in found.note
    true = optimal_split(LAW, found.C)[0]
    assert (found.N_interval[:, 0] < true).sum() >= 4
    assert (found.N_interval[:, 1] > true).all()
    assert isoflop(N, D, loss).a_interval == (low, high)
    narrow = isoflop(N, D, loss, level=0.5).a_interval
    assert low < narrow[0] < narrow[1] < high


def test_bottoms_are_those_of_the_readable_form():
    N, D = isoflops(BUDGETS)
    loss = losses(N, D, seed=4)
    assert np.log(isoflop(N, D, loss).N) == pytest.approx(twin.parabola_bottoms(N, D, loss), abs=1e-9)
    found = bottom_line(N, D, loss, lean=True, n=10)
    residual = [
        np.log(loss[rows]) - np.polyval(np.polyfit(np.log(N[rows]), np.log(loss[rows]), 2), np.log(N[rows]))
        for rows in twin.budgets_of(N, D)
    ]
    noise = np.sqrt((np.concatenate(residual) ** 2).sum() / (25 - 15))
    bottoms, lean = twin.leaning_bottoms(N, D, loss, noise)
    assert found.bottoms.lean[0] == pytest.approx(lean, abs=0.05)
    assert found.bottoms.x[0] == pytest.approx(bottoms, abs=0.02)


def test_parabolas_are_biased_when_exponents_differ_and_say_by_how_much():
    N, D, loss = lopsided()
    plain, lean = (isoflop(N, D, loss, law=LOPSIDED, lean=lean) for lean in (False, True))
    assert "symmetric" in plain.note
    # the bottom lies too far to the steep side: 18 % of N here, a twentieth of it where the valleys may lean
    assert plain.bias_log_N == pytest.approx(-0.19, abs=0.02)
    assert abs(lean.bias_log_N) < 0.02
    centre = np.exp(np.log(6 * N * D).mean())
    off = np.log(plain.allocate(centre).N / optimal_split(LOPSIDED, centre)[0])
    assert off == pytest.approx(plain.bias_log_N, abs=1e-6)
    assert bottom_line(N, D, loss, lean=True, n=10).bottoms.lean[0] == pytest.approx(0.3, abs=0.05)


def test_the_lean_is_believed_no_more_than_the_losses_say():
    N, D = isoflops(BUDGETS, sizes=4, spread=2.0)
    leans = [bottom_line(N, D, losses(N, D, 0.003, s), lean=True, n=10).bottoms.lean[0] for s in range(8)]
    assert np.std(leans) < 0.1


@pytest.mark.parametrize("off", [0.03, 0.1])
def test_budgets_need_not_be_exactly_equal(off):
    N, D = isoflops(BUDGETS, sizes=7)
    rng = np.random.default_rng(1)
    exact, rough = (
        isoflop(N, D * more, losses(N, D * more, noise=0.0), law=LAW)
        for more in (1.0, np.exp(off * rng.uniform(-1, 1, len(N))))
    )
    assert rough.measured
    assert len(rough.C) == 5
    assert rough.a == pytest.approx(exact.a, abs=0.004)
    assert np.log(rough.allocate(1e19).N / exact.allocate(1e19).N) == pytest.approx(0, abs=0.02)
    # without the shift to a common compute the bottoms would be all over the place
    raw = twin.parabola_bottoms(*(v[np.argsort(6 * N * D, kind="stable")] for v in (N, D)), losses(N, D, noise=0.0))
    assert np.log(exact.N) == pytest.approx(raw, abs=1e-6)


def test_compute_counted_in_another_way_is_still_a_budget():
    # FLOPs that grow faster with N than 6ND: at a fixed count of them 6ND falls with N, by a third in all
    N, D = isoflops(BUDGETS, sizes=9)
    D = D * (N / N.min()) ** -0.1
    found = isoflop(N, D, losses(N, D, noise=0.0), law=LAW)
    assert found.measured
    assert len(found.C) == 5
    assert found.a == pytest.approx(A, abs=0.01)
    assert abs(np.log(found.N / optimal_split(LAW, found.C)[0])).max() < 0.08


def test_budgets_of_different_numbers_of_sizes():
    parts = [isoflops([C], sizes=k) for C, k in zip(BUDGETS, (5, 4, 9, 3, 7))]
    N, D = (np.concatenate(column) for column in zip(*parts))
    found = isoflop(N, D, losses(N, D, seed=1))
    assert len(found.C) == 5
    assert found.a_interval[0] < A < found.a_interval[1]
    # a parabola through three sizes is known worse than one through nine
    width = np.diff(np.log(found.N_interval), axis=1).ravel()
    assert width[3] > width[2]


def test_budgets_with_their_optimum_on_one_side_are_named():
    budgets = BUDGETS[:4]
    N, D = isoflops(budgets)
    wrong = isoflops([1e20], shift=1 / 30)
    table = np.concatenate([N, wrong[0]]), np.concatenate([D, wrong[1]])
    found = isoflop(*table, losses(*table))
    assert len(found.C) == 4
    assert "at C = 1e+20 the loss is lowest at the largest size: add larger ones there" in found.note
    # left out, not drawn into the line
    assert found.a == pytest.approx(isoflop(N, D, losses(*table)[: len(N)]).a, abs=0.01)
    for few, said in (([1e20], "one budget"), ([1e19, 1e20], "2 budgets")):
        with pytest.raises(FitError, match=f"{said} of three sizes or more, a line needs 3: add budgets"):
            isoflop(*isoflops(few, 7), losses(*isoflops(few, 7)))
    all_wrong = isoflops(budgets, shift=30)
    with pytest.raises(
        FitError, match=r"0 of 4 budgets have their optimum between their sizes.*add smaller ones there"
    ):
        isoflop(*all_wrong, losses(*all_wrong))


def test_bottoms_that_scatter_beyond_the_noise_widen_the_interval():
    N, D = isoflops(BUDGETS * 2)
    C = 6 * N * D
    # every budget was run with a rate that suits another size: its valley is moved as a whole
    move = np.exp(0.3 * np.random.default_rng(2).normal(size=5))[np.searchsorted(BUDGETS, C * 0.999)]
    loss = additive(LAW, N * move, D / move) * np.exp(0.001 * np.random.default_rng(3).normal(size=len(N)))
    found = isoflop(N, D, loss)
    assert "the bottoms scatter by" in found.note
    assert found.a_interval[0] < A < found.a_interval[1]
    assert found.a_interval[1] - found.a_interval[0] > 0.1


def test_three_sizes_a_budget_leave_the_scatter_of_the_line():
    N, D = isoflops(BUDGETS, sizes=3)
    found = isoflop(N, D, losses(N, D, seed=5))
    assert found.a_interval[0] < A < found.a_interval[1]
    assert 0.005 < found.a_interval[1] - found.a_interval[0] < 0.6


def test_sizes_that_differ_in_the_seventh_digit_are_one():
    N, D = grid(6, 6)
    exact, off = (isoflop(n, D, losses(N, D, noise=0)) for n in (N, N * (1 + 1e-7 * np.arange(len(N)))))
    assert off.a == pytest.approx(exact.a, abs=1e-4)


def test_a_split_without_a_law_holds_the_truth():
    inside = np.zeros(2)
    for seed in range(12):
        N, D = isoflops(BUDGETS)
        split = isoflop_split(N, D, losses(N, D, seed=seed), seed, n=200)["split"]
        true = {"ln_N": np.log(optimal_split(LAW, split["C"])[0]), "a": A}
        inside += [low < true[name] < high for name, (low, high) in split["intervals"].items()]
    # eleven or twelve of twelve are expected
    assert (inside >= 10).all()


def test_a_split_of_a_grid_knows_its_runs():
    N, D = grid(6, 6)
    runs = np.round(np.log(N), 3).astype(str)
    rng = np.random.default_rng(1)
    shared = dict(zip(np.unique(runs), 0.01 * rng.normal(size=6)))
    loss = losses(N, D, noise=0.001) * np.exp([shared[run] for run in runs])
    alone, named = (isoflop_split(N, D, loss, runs=labels)["split"] for labels in (None, runs))
    assert named["ln_N"] == pytest.approx(alone["ln_N"], abs=0.05)
    assert named["df"] < alone["df"]
    covariance = np.array(named["covariance"])
    assert covariance[0, 0] > 1.5 * alone["covariance"][0][0]
    assert covariance == pytest.approx(covariance.T)
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    low, high = named["intervals"]["ln_N"]
    assert low < np.log(optimal_split(LAW, named["C"])[0]) < high
    assert named["identified"]
    assert isoflop_split(N, D, loss, runs=runs)["split"] == named


def test_no_split_where_there_is_none():
    N, D = isoflops([1e20], 9)
    found = isoflop_split(N, D, losses(N, D))
    assert found["split"] is None
    assert "one budget" in found["note"]
    N, D = grid(6, 6)
    noise = isoflop_split(N, D, np.exp(np.random.default_rng(3).normal(size=36)))
    assert noise["split"] is None or not noise["split"]["identified"]
