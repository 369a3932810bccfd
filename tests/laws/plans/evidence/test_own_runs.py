"""Own runs as evidence: where they put the split, how surely, and what is refused."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.plans.evidence import own_runs as module
from ziplaw.laws.plans.evidence.own_runs import own_runs, pair_at

LAW = CHINCHILLA_REFIT.array


def table(noise=0.002, seed=0):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(3e7, 2e9, 6), np.geomspace(5e8, 5e10, 6)))
    return N, D, additive(LAW, N, D) * np.exp(noise * np.random.default_rng(seed).normal(size=N.size))


@pytest.fixture(scope="module")
def runs():
    return own_runs(*table())


def test_the_split_is_that_of_the_law_behind_the_runs(runs):
    N, D, _ = table()
    assert runs.split.C == pytest.approx(np.exp(np.log(6 * N * D).mean()))
    truth = pair_at(LAW, runs.split.C)
    assert truth[0] == pytest.approx(np.log(optimal_split(LAW, runs.split.C)[0]))
    off = (runs.split.mean - truth) / np.sqrt(np.diag(runs.split.covariance))
    assert (abs(off) < 3).all()
    found = runs.split.split(1e21)
    low, high = found["N_interval"]
    assert low < optimal_split(LAW, 1e21)[0] < high
    assert high / low < 4
    assert runs.n == 36
    assert runs.C == (pytest.approx((6 * N * D).min()), pytest.approx((6 * N * D).max()))


def test_every_link_has_a_say_by_its_error_on_the_largest_runs(runs):
    assert set(runs.links) >= {"identity", "power", "bounded"}
    assert sum(one["weight"] for one in runs.links.values()) == pytest.approx(1)
    mean = sum(one["weight"] * np.array([one["ln_N"], one["a"]]) for one in runs.links.values())
    assert runs.split.mean == pytest.approx(mean)
    best = min(runs.links, key=lambda name: runs.links[name]["holdout"])
    assert runs.link == best
    assert max(runs.links, key=lambda name: runs.links[name]["weight"]) == best


def test_weights():
    found = module.held_out_weights({"identity": 0.02, "power": 0.01, "free": np.inf})
    assert found == {"identity": pytest.approx(0.2), "power": pytest.approx(0.8), "free": 0.0}
    assert module.held_out_weights({"identity": np.inf, "power": np.inf}) == {"identity": 0.5, "power": 0.5}


def test_a_law_that_drifts_with_compute_is_less_sure():
    N, D, loss = table()
    # beyond the middle of compute, size buys less than below
    bent = loss * np.exp(0.02 * np.maximum(np.log(N / 3e8), 0) * (N * D > np.median(N * D)))
    fitted = module.fit_link(N, D, bent, link="identity")
    straight = module.fit_link(N, D, loss, link="identity")
    C = float(np.exp(np.log(6 * N * D).mean()))
    assert module._drift(fitted, C)[0, 0] > 4 * module._drift(straight, C)[0, 0]


def test_the_loss_has_a_band(runs):
    loss, (low, high) = runs.loss(1e9, 2e10, 0.9)
    assert low < loss < high
    assert loss == pytest.approx(float(additive(LAW, 1e9, 2e10)), rel=0.01)


def test_runs_that_carry_no_split_are_refused_in_one_line():
    N = np.geomspace(1e7, 1e9, 12)
    D = 20 * N
    with pytest.raises(
        FitError, match=r"N and D move together .* add runs with a quarter and four times the tokens"
    ) as raised:
        own_runs(N, D, additive(LAW, N, D) * np.exp(0.002 * np.random.default_rng(1).normal(size=12)), refits=20)
    assert "\n" not in str(raised.value)
    with pytest.raises(FitError, match="every one has more tokens per parameter than the best split"):
        N, D, _ = table()
        D = D * 400
        own_runs(N, D, additive(LAW, N, D) * np.exp(0.002 * np.random.default_rng(1).normal(size=36)), refits=20)


# a 4 x 4 grid: of 200 refits four find that tokens do not matter, which puts the best N at infinity
NOISY = [5.106807, 5.259805, 5.194565, 4.763243, 4.468292, 4.895317, 4.821588, 4.611044,
         5.075670, 4.734751, 4.653378, 4.512638, 4.755190, 4.481476, 4.431448, 4.290047]  # fmt: skip


def test_refits_without_a_best_size(monkeypatch):
    N, D = (g.ravel() for g in np.meshgrid(3713.0 * 3.0 ** np.arange(4), 74265.0 * 3.0 ** np.arange(4), indexing="ij"))
    found = own_runs(N, D, NOISY)
    assert np.isfinite(found.split.covariance).all()
    assert len(found.samples) < 200
    monkeypatch.setattr(module, "BEYOND", 0.001)
    with pytest.raises(FitError, match=r"the best N is not identified: in \d of \d+ refits .* at most 0\.1% may"):
        own_runs(N, D, NOISY)
