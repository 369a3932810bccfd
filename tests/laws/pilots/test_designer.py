"""Rounds of a pilot: what may be chosen, that the band narrows as foretold, and when it ends."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.pilots import designer
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.pilots.designer import LARGEST_SHARE, NARROW, NEAR, design_round, trunk_cost
from ziplaw.laws.pilots.reading import read_pilot
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit

HIDDEN = np.arange(8, 513, 8)
LAYERS = np.maximum(2, HIDDEN // 32)
N = 10.0 * LAYERS * HIDDEN**2
C = 6 * N + 6 * HIDDEN * 257 * LAYERS + 6 * HIDDEN * 4096
COMPUTE = Compute.of(N, C)
ASKED = {"target_C": 1e17, "pilot_C": 1e13, "workers": 2, "least_tokens": 32768, "step_tokens": 1024}
LAW = (2.5, 40.0, 60.0, 0.38, 0.36)


def trained(design, round_, noise=0.006, law=LAW):
    E, A, B, alpha, beta = law
    rng = np.random.default_rng(round_)
    rows = []
    for run in design.runs:
        seed = noise * rng.standard_normal()
        for D in run.budgets:
            loss = (E + A / N[run.size] ** alpha + B / D**beta) * np.exp(seed + noise * rng.standard_normal())
            rows.append((N[run.size], D, loss, f"{round_}/{run.size}"))
    return dict(zip(("N", "D", "loss", "trunk"), zip(*rows)))


def joined(*tables):
    return {key: [value for table in tables for value in table[key]] for key in tables[0]}


@pytest.fixture(scope="module")
def first():
    return design_round(None, COMPUTE, N, **ASKED)


@pytest.fixture(scope="module")
def second(first):
    runs = read_pilot(trained(first, 1), COMPUTE)
    return design_round(runs, COMPUTE, N, spent_C=first.C, round_=2, **ASKED)


def test_a_round_keeps_to_what_it_may_spend(first, second):
    spent = 0.0
    for design, share in ((first, 0.4), (second, 1.0)):
        allowed = share * (ASKED["pilot_C"] - spent)
        assert 0.7 * allowed < design.C <= allowed
        for run in design.runs:
            assert pytest.approx(trunk_cost(run.budgets, C[run.size])) == run.C
            assert run.C <= allowed / ASKED["workers"]
            assert max(run.budgets) * C[run.size] <= LARGEST_SHARE * ASKED["pilot_C"]
            assert min(run.budgets) >= ASKED["least_tokens"]
            assert all(D % ASKED["step_tokens"] == 0 for D in run.budgets)
            assert list(run.budgets) == sorted(set(run.budgets))
        sizes = [run.size for run in design.runs]
        assert len(set(sizes)) == len(sizes) >= 3
        spent += design.C


def test_a_cost_counts_the_cooldowns_of_branches():
    assert trunk_cost([100], 10.0) == 1000
    assert trunk_cost([25, 50, 100], 10.0) == pytest.approx(10 * (100 + 0.2 * 75))


def test_the_band_narrows_about_as_foretold(first, second):
    assert first.sd_after < first.sd_before
    assert second.sd_before < first.sd_before
    assert second.sd_after < second.sd_before
    runs = read_pilot(joined(trained(first, 1), trained(second, 2)), COMPUTE)
    found = runs.drawn_ln_N(ASKED["target_C"]).std()
    assert 0.4 < found / second.sd_after < 2.5


def test_the_same_bits_each_time(first):
    assert design_round(None, COMPUTE, N, **ASKED) == first


def test_sizes_and_tokens_do_not_move_together(first):
    x = np.array([np.log(N[run.size]) for run in first.runs for _ in run.budgets])
    y = np.array([np.log(D) for run in first.runs for D in run.budgets])
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.9
    assert np.ptp(x) > np.log(4)


def test_budgets_lie_on_common_computes(first):
    levels = [np.log2(LARGEST_SHARE * ASKED["pilot_C"] / (D * C[run.size])) for run in first.runs for D in run.budgets]
    # whole steps of 1024 tokens round the smallest budgets by 3 % at most
    assert np.abs(np.array(levels) - np.round(levels)).max() < 0.05


def test_cells_lie_near_the_best_size_of_their_flops(first, second):
    runs = read_pilot(trained(first, 1), COMPUTE)
    # a law is believed where it was seen: within a factor of four, and e at most for what is not known of the best
    for run in second.runs:
        for D in run.budgets:
            best = runs.drawn_ln_N(D * C[run.size])
            assert abs(np.log(N[run.size]) - np.median(best)) < np.log(NEAR) + 1.3


def test_a_best_size_far_from_all_that_can_be_trained_does_not_end_a_pilot(first, monkeypatch):
    runs = read_pilot(trained(first, 1), COMPUTE)
    monkeypatch.setattr(designer, "NEAR", 1e-9)
    design = design_round(runs, COMPUTE, N, spent_C=first.C, round_=2, **ASKED)
    assert design.stop is None
    assert len({run.size for run in design.runs}) > 1


def test_few_unique_tokens_bound_the_budgets():
    design = design_round(None, COMPUTE, N, unique_tokens=200_000, **ASKED)
    assert max(max(run.budgets) for run in design.runs) <= 200_000


def test_what_is_known_beforehand_counts(first):
    prior = GaussianSplit(np.array([np.log(3e4), 0.5]), np.diag([0.01, 0.0004]), 3e11)
    design = design_round(None, COMPUTE, N, prior=prior, **ASKED)
    # not all of it: exponents are drawn from their own prior, and a follows from them
    assert design.sd_before < first.sd_before - 0.05
    assert design.sd_after < first.sd_after


def test_when_it_ends(first):
    cells = trained(first, 1)
    runs = read_pilot(cells, COMPUTE)
    used = design_round(runs, COMPUTE, N, spent_C=0.97 * ASKED["pilot_C"], round_=2, **ASKED)
    assert used.runs == ()
    assert used.stop.startswith("the FLOPs are used")
    late = design_round(runs, COMPUTE, N, spent_C=0.5 * ASKED["pilot_C"], round_=4, **ASKED)
    assert late.stop == "3 rounds are trained"
    sure = read_pilot(trained(first, 1, noise=1e-5), COMPUTE)
    near = {**ASKED, "target_C": 1e13}
    assert sure.drawn_ln_N(1e13).std() < NARROW
    assert design_round(sure, COMPUTE, N, spent_C=first.C, round_=2, **near).stop.startswith("the band is narrow")


def test_a_pilot_that_holds_nothing():
    with pytest.raises(FitError, match="hold no runs of 3 sizes"):
        design_round(None, COMPUTE, N, **{**ASKED, "pilot_C": 1e10})
