"""The plan as one sum: prior, effect of H, own runs, each in sight."""

from types import SimpleNamespace

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import near_best, optimal_split
from ziplaw.laws.forms.chinchilla import ADDITIVE, CHINCHILLA_REFIT, additive
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.plans.evidence.combined_plan import Prior, combined_plan, near_plan
from ziplaw.laws.plans.evidence.effect_of_H import EffectOfH
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit
from ziplaw.laws.plans.evidence.own_runs import OwnRuns
from ziplaw.models.shape.ladder import ladder

PRIOR = Prior(GaussianSplit(np.array([20.7, 0.47]), np.diag([0.16, 0.02])), "web text", {})
EFFECT = EffectOfH(0.03, 0.01, np.array([5.0, 0.0]), np.diag([4.0, 0.1]), 0.7, "bounded")


def runs_of(ln_N=19.0, a=0.5, sd=(0.05, 0.03), C=1e18):
    N = np.geomspace(1e7, 1e9, 5)
    fitted = SimpleNamespace(N=N, D=C / 6 / N, loss=N, parameters=CHINCHILLA_REFIT.array, form=ADDITIVE,
                             predict=lambda N, D: 2.5,
                             view=SimpleNamespace(told_loss=lambda ends, columns: ends))  # fmt: skip
    split = GaussianSplit(np.array([ln_N, a]), np.diag(np.square(sd)), C)
    return OwnRuns(split, "identity", fitted, {}, np.tile(CHINCHILLA_REFIT.array, (5, 1)))


def test_the_prior_alone():
    found = combined_plan(1e21, prior=PRIOR)
    assert found["N"] == pytest.approx(np.exp(20.7 + 0.47 * np.log(10)))
    assert found["lines"]["prior"]["N_interval"] == found["N_interval"]
    assert found["lines"]["H"] is found["lines"]["runs"] is found["loss"] is None
    assert found["refused"] == found["warnings"] == []
    assert found["chinchilla"]["refit"]["N"] == pytest.approx(float(optimal_split(CHINCHILLA_REFIT.array, 1e21)[0]))
    assert found["kaplan"]["N"] > found["chinchilla"]["published"]["N"]


def test_every_line_of_the_sum():
    found = combined_plan(1e21, prior=PRIOR, effect=EFFECT, runs=runs_of())
    moved = PRIOR.split.shifted(EFFECT.shift, EFFECT.covariance)
    total = moved.updated(runs_of().split)
    assert found["N"] == pytest.approx(total.split(1e21)["N"])
    assert found["N_interval"] == pytest.approx(total.split(1e21)["N_interval"])
    lines = found["lines"]
    assert lines["H"]["factor"] == pytest.approx(np.exp(0.15))
    low, high = lines["H"]["factor_interval"]
    assert low < lines["H"]["factor"] < high
    assert lines["H"]["a_shift"] == 0.0
    assert lines["runs"]["N"] == pytest.approx(np.exp(19.0 + 0.5 * np.log(1e3)))
    assert lines["runs"]["n"] == 5
    # the sum is surer than its parts
    width = {key: np.diff(np.log(line["N_interval"])) for key, line in (lines | {"sum": found}).items() if key != "H"}
    assert width["sum"] < min(width["prior"], width["runs"])
    assert found["loss"] == 2.5
    assert found["near_best"]["law"] == "own runs"


def test_own_runs_alone_and_nothing_at_all():
    found = combined_plan(1e20, prior=None, runs=runs_of())
    assert found["lines"]["prior"] is None
    assert found["N"] == pytest.approx(found["lines"]["runs"]["N"])
    with pytest.raises(FitError, match="give a prior, or own runs"):
        combined_plan(1e20, prior=None)
    with pytest.raises(FitError, match="FLOPs"):
        combined_plan(0.5, prior=PRIOR)


def test_prior_and_runs_that_contradict_each_other_are_told():
    (text,) = combined_plan(1e19, prior=PRIOR, runs=runs_of(ln_N=23.0))["warnings"]
    assert "standard deviations apart" in text
    assert combined_plan(1e19, prior=PRIOR, runs=runs_of())["warnings"] == []
    (text,) = combined_plan(1e21, prior=PRIOR, runs=runs_of())["warnings"]
    assert text.startswith("extrapolation: C = 1e+21 is 3.0 orders of magnitude above the largest own run")


def test_a_band_over_two_decades_is_no_plan():
    vague = Prior(GaussianSplit(np.array([20.7, 0.47]), np.diag([4.0, 0.02])), "vague", {})
    found = combined_plan(1e20, prior=vague)
    (doubt,) = found["refused"]
    assert "over 2 decades wide" in doubt["reason"]
    assert doubt["remedy"] == "give runs of your own (--runs)"
    assert combined_plan(1e20, prior=vague, level=0.5)["refused"]
    assert not combined_plan(1e20, prior=vague, runs=runs_of())["refused"]


def test_what_a_near_N_costs():
    found = near_plan(CHINCHILLA_REFIT.array, ADDITIVE, 1e21, 1e9)
    N = float(optimal_split(CHINCHILLA_REFIT.array, 1e21)[0])
    low, high = near_best(CHINCHILLA_REFIT.array, 1e21, 1e-3)
    assert found == {"tolerance": 1e-3, "N": [pytest.approx(1e9 * low / N), pytest.approx(1e9 * high / N)]}


def ladder_compute(vocab_size=8193):
    sizes = ladder(vocab_size, 256)
    return Compute.of([size.N for size in sizes], [size.flops_per_token for size in sizes])


@pytest.mark.parametrize("runs", [None, runs_of()])
def test_by_six_nd_told_as_compute_nothing_changes(runs):
    plain = combined_plan(1e20, prior=PRIOR, effect=EFFECT, runs=runs)
    found = combined_plan(1e20, prior=PRIOR, effect=EFFECT, runs=runs, compute=Compute.six_nd())
    assert found["C_6nd"] == pytest.approx(1e20)
    assert found["six_nd"]["N"] == plain["N"]
    for key in ("N", "D", "tokens_per_parameter"):
        assert found[key] == pytest.approx(plain[key], rel=1e-9)
        assert found[f"{key}_interval"] == pytest.approx(plain[f"{key}_interval"], rel=1e-6)
    assert found["near_best"]["N"] == pytest.approx(plain["near_best"]["N"], rel=1e-6)
    for name in ("prior", "runs"):
        if line := plain["lines"][name]:
            assert found["lines"][name]["N_interval"] == pytest.approx(line["N_interval"], rel=1e-6)
    for key in ("factor", "factor_interval", "a_shift_interval"):
        assert found["lines"]["H"][key] == pytest.approx(plain["lines"]["H"][key], rel=1e-9)


def test_a_split_of_all_flops_pays_for_the_head_too():
    compute = ladder_compute()
    for C, least, most in ((1e21, 0.95, 1.0), (1e14, 0.3, 0.7)):
        found = combined_plan(C, prior=PRIOR, compute=compute)
        assert compute.per_token(found["N"]) * found["D"] == pytest.approx(C)
        assert found["C_6nd"] == pytest.approx(6 * found["N"] * found["D"])
        assert least < found["C_6nd"] / C < most
        assert found["six_nd"]["N"] * found["six_nd"]["D"] * 6 == pytest.approx(C)


def test_the_best_of_all_flops_is_where_the_runs_law_has_its_lowest_loss():
    compute, law = ladder_compute(), CHINCHILLA_REFIT.array
    best, low, high = np.array(compute_valley(compute, law, 1e17))
    N = np.geomspace(best / 30, best * 30, 4001)
    loss = additive(law, N, compute.tokens(N, 1e17))
    assert N[np.argmin(loss)] == pytest.approx(best, rel=0.1)
    inside = N[loss <= loss.min() * (1 + 1e-3)]
    assert [inside[0], inside[-1]] == pytest.approx([low, high], rel=0.05)


def compute_valley(compute, law, C):
    best = float(np.exp(compute.best(*np.log(law[1:3]), *law[3:5], C)))
    return best, *near_plan(law, ADDITIVE, C, best, compute=compute)["N"]


def test_reach_of_own_runs_is_told_in_all_flops():
    compute = ladder_compute()
    found = combined_plan(1e21, prior=PRIOR, runs=runs_of(), compute=compute)
    runs = runs_of()
    spent = compute.per_token(runs.fit.N) * runs.fit.D
    assert found["lines"]["runs"]["C"] == pytest.approx([spent.min(), spent.max()])
    assert spent.max() > runs.C[1]
    assert "orders of magnitude above the largest" in found["warnings"][0]
