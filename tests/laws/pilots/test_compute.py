"""All FLOPs along a ladder: 6 N D is the special case, and the best split is the least index of all sizes."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit

LAW = {"A": 400.0, "B": 900.0, "alpha": 0.4, "beta": 0.3}


def ladder(V=4096, context=256):
    h = np.arange(8, 1025, 8)
    layers = np.maximum(2, h // 32)
    N = layers * 10 * h**2
    return N, 6 * N + 6 * h * (context + 1) * layers + 6 * h * V


@pytest.fixture(scope="module")
def compute():
    return Compute.of(*ladder())


def best(compute, C, law=LAW):
    return compute.best(np.log(law["A"]), np.log(law["B"]), law["alpha"], law["beta"], C)


def test_six_nd_is_the_closed_form():
    C = np.array([1e10, 1e15, 1e21])
    found = best(Compute.six_nd(), C)
    wanted = optimal_split([1.0, *LAW.values()], C)[0]
    assert np.exp(found) == pytest.approx(wanted, rel=1e-9)


def test_costs_are_exact_at_the_sizes(compute):
    N, c = ladder()
    assert compute.per_token(N) == pytest.approx(c, rel=1e-12)
    assert compute.tokens(N[3], 1e12) == pytest.approx(1e12 / c[3])
    # a small model pays for its head, a large one for its layers
    assert compute.elasticity(N[1]) < 0.7
    assert compute.elasticity(N[-1]) == pytest.approx(1, abs=0.05)
    # beyond the ladder costs go on as at its end
    assert compute.per_token(N[-1] * 4.0) / c[-1] == pytest.approx(4 ** compute.elasticity(N[-1]), rel=1e-6)


@pytest.mark.parametrize("C", [1e11, 1e13, 1e16])
def test_the_best_size_has_the_least_loss(compute, C):
    x = np.linspace(np.log(3e3), np.log(1e8), 4001)
    N, c = ladder()
    # costs without the jitter of whole sizes
    smooth = np.exp(np.polynomial.Polynomial.fit(np.log(N), np.log(c), 6)(x))
    index = LAW["A"] / np.exp(LAW["alpha"] * x) + LAW["B"] * (smooth / C) ** LAW["beta"]
    inside = (x > np.log(N[0])) & (x < np.log(N[-1]))
    assert best(compute, C) == pytest.approx(x[inside][np.argmin(index[inside])], abs=0.1)


def test_drawn_laws_at_once(compute):
    alpha = np.array([0.3, 0.4, 0.5])
    many = compute.best(6.0, 6.8, alpha, 0.3, 1e13)
    one = [compute.best(6.0, 6.8, a, 0.3, 1e13) for a in alpha]
    assert many == pytest.approx(one, rel=1e-12)
    assert (np.diff(many) < 0).all() or (np.diff(many) > 0).all()


def test_a_gaussian_is_told_at_all_flops(compute):
    a = LAW["beta"] / (LAW["alpha"] + LAW["beta"])
    C6 = 1e14
    known = GaussianSplit(np.array([best(Compute.six_nd(), C6), a]), np.diag([0.04, 0.0025]), C6)
    for C in (1e12, 1e14, 1e18):
        x, sd = compute.told(known, C, beta=LAW["beta"])
        assert x == pytest.approx(best(compute, C), abs=1e-6)
        # a tenth of a standard deviation more of either, by the exact solution
        moved = [GaussianSplit(known.mean + d, known.covariance, C6) for d in ([0.02, 0], [0, 0.005])]
        slopes = [10 * (compute.told(m, C, beta=LAW["beta"])[0] - x) for m in moved]
        assert sd == pytest.approx(np.hypot(*slopes), rel=0.05)
    plan = compute.split(known, 1e12, beta=LAW["beta"])
    assert plan["D"] == pytest.approx(1e12 / compute.per_token(plan["N"]))
    assert plan["C_6nd"] == pytest.approx(6 * plan["N"] * plan["D"])
    assert plan["C_6nd"] < 0.6e12
    assert plan["N_interval"][0] < plan["N"] < plan["N_interval"][1]


def test_six_nd_tells_a_gaussian_as_it_was(compute):
    known = GaussianSplit(np.array([20.0, 0.47]), np.array([[0.13, -0.01], [-0.01, 0.02]]), 1e20)
    mine, theirs = Compute.six_nd().split(known, 1e18), known.split(1e18)
    for key, value in theirs.items():
        assert mine[key] == pytest.approx(value, rel=1e-6), key


@pytest.mark.parametrize(
    ("N", "c", "words"),
    [
        ([100, 100], [600, 700], "every size once"),
        ([100, 200], [700, 600], "must rise"),
        ([100, 200], [700], "one number of FLOPs"),
        ([100, -1], [700, 800], "above 0"),
    ],
)
def test_ladders_that_cannot_be(N, c, words):
    with pytest.raises(FitError, match=words):
        Compute.of(N, c)
