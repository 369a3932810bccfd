"""Reading a pilot: the posterior's slopes, what it finds of a planted law, and how honest its bands are."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.pilots.posterior import LINKS, Observed
from ziplaw.laws.pilots.reading import predict_held_out, read_pilot
from ziplaw.laws.pilots.soft_law import log_loss

COMPUTE = Compute.of([1e3, 1e4, 1e5, 1e6, 1e7], [1e5, 3e5, 1.5e6, 9e6, 7e7])
LAW = (1.8, 30.0, 80.0, 0.35, 0.38)


def cells(noise=0.005, shared=0.005, seed=0):
    N, D = np.repeat([1e4, 3e4, 1e5, 3e5], 4), np.tile([1e5, 4e5, 1.6e6, 6.4e6], 4)
    trunk, rng = np.repeat(np.arange(4), 4), np.random.default_rng(seed)
    E, A, B, alpha, beta = LAW
    loss = E + A / N**alpha + B / D**beta
    loss *= np.exp(noise * rng.standard_normal(16) + shared * rng.standard_normal(4)[trunk])
    return {"N": N, "D": D, "loss": loss, "trunk": trunk}


def observed(table):
    log_C = np.log(table["D"] * COMPUTE.per_token(table["N"]))
    return Observed.of(table["N"], table["D"], table["loss"], table["trunk"], log_C)


@pytest.fixture(scope="module")
def runs():
    return read_pilot(cells(), COMPUTE)


def test_slopes_of_the_posterior():
    table = cells()
    seen = observed(table)
    theta = seen.mean + 0.1 * np.random.default_rng(1).standard_normal((3, 9))
    _, slope, _ = seen.log_posterior(theta, curved=True)
    for i in range(9):
        move = 1e-5 * np.eye(9)[i]
        wanted = (seen.log_posterior(theta + move)[0] - seen.log_posterior(theta - move)[0]) / 2e-5
        assert slope[:, i] == pytest.approx(wanted, rel=1e-5)


def test_the_likelihood_is_that_of_the_whole_covariance():
    table = cells()
    seen = observed(table)
    theta = seen.mean[None] + np.array([[0.0, 0, 0, 0, 0, 0, 0, 0.3, 0.4], [0.1, 0, 0.2, 0, 0, 0, 0, 1.0, -0.4]])
    below = np.log(table["D"] * COMPUTE.per_token(table["N"])) / np.log(10)
    below = below.max() - below
    v = np.outer(1 + below, 1 + below)
    trunk = table["trunk"]
    near = sum(np.exp(-0.5 * ((at[:, None] - at) / 2.0) ** 2) for at in (seen.x, seen.y))
    for law, value in zip(theta, seen.log_posterior(theta)[0]):
        rest = seen.z - log_loss(law[None], seen.x, seen.y, seen.frame)[0][0]
        V = np.exp(2 * law[7]) * v * (np.eye(16) + 0.64 * (trunk[:, None] == trunk)) + np.exp(2 * law[8]) * v * near
        wanted = -0.5 * (rest @ np.linalg.solve(V, rest) + np.linalg.slogdet(2 * np.pi * V)[1])
        off = (law - seen.mean) / seen.sd
        wanted -= 0.5 * (off @ off + 9 * np.log(2 * np.pi) + 2 * np.log(seen.sd).sum())
        assert value == pytest.approx(wanted, rel=1e-8)


def test_bands_hold_a_planted_law(runs):
    E, A, B, alpha, beta = LAW
    for C in (1e12, 1e13, 1e15):
        truth = np.exp(COMPUTE.best(np.log(A), np.log(B), alpha, beta, C))
        N, (low, high) = runs.n_opt(C)
        assert low < truth < high
        assert low < N < high
    # wider the further
    assert np.diff([np.log(h / w) for w, h in (runs.n_opt(C)[1] for C in (1e12, 1e14, 1e16))]).min() > 0
    N, D = 1e6, 5e7
    loss, (low, high) = runs.loss(N, D)
    assert low < E + A / N**alpha + B / D**beta < high
    law_alone = runs.loss(N, D, new_run=False)[1]
    assert low < law_alone[0] < loss < law_alone[1] < high


def test_shapes_and_keys(runs):
    assert sum(runs.links[link]["weight"] for link in LINKS) == pytest.approx(1)
    split = runs.split(1e14)
    assert split["D"] * COMPUTE.per_token(split["N"]) == pytest.approx(1e14)
    assert split["N_interval"][0] < split["N"] < split["N_interval"][1]
    loss, (low, high) = runs.loss(np.array([1e5, 1e6]), np.array([[1e7], [1e8], [1e9]]))
    assert loss.shape == low.shape == high.shape == (3, 2)
    near = runs.near_best(1e14)
    A, B, alpha, beta = runs.fit.parameters[1:5]
    best = float(np.exp(COMPUTE.best(np.log(A), np.log(B), alpha, beta, 1e14)))
    assert near[0] < best < near[1]
    value = [float(runs.fit.form.loss_at(runs.fit.parameters, N, COMPUTE.tokens(N, 1e14))) for N in (best, *near)]
    assert value[1] / value[0] - 1 == pytest.approx(1e-3, rel=0.02)
    assert value[2] / value[0] - 1 == pytest.approx(1e-3, rel=0.02)


def test_the_same_seed_gives_the_same_laws(runs):
    again = read_pilot(cells(), COMPUTE)
    assert (again.theta == runs.theta).all()


def test_the_largest_runs_are_predicted():
    rows = predict_held_out(cells(), COMPUTE)
    assert len(rows) == 3
    assert [row["C"] for row in rows] == sorted(row["C"] for row in rows)
    assert all(row["held"] == (row["low"] <= row["loss"] <= row["high"]) for row in rows)
    assert all(abs(row["error"]) < 0.05 for row in rows)
    # a law that breaks is seen
    broken = cells()
    beyond = broken["D"] * COMPUTE.per_token(broken["N"]) > 3e12
    broken["loss"] = broken["loss"] * np.where(beyond, 0.8, 1.0)
    assert not all(row["held"] for row in predict_held_out(broken, COMPUTE, share=0.25))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {k: v[:3] for k, v in t.items()}, "3 cells"),
        (lambda t: {k: v[:4] for k, v in t.items()}, "1 sizes"),
        (lambda t: {k: v for k, v in t.items() if k != "trunk"}, "lack trunk"),
        (lambda t: t | {"loss": -t["loss"]}, "above 0"),
        (lambda t: t | {"loss": t["loss"][1:]}, "differ in length"),
    ],
)
def test_tables_that_cannot_be_read(change, words):
    with pytest.raises(FitError, match=words):
        read_pilot(change(cells()), COMPUTE)
