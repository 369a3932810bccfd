"""The random-effects summary of published grids, and what is refused as a prior."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.plans.evidence.published_grids import SCALES, prior_of, random_effects, summarise


def grids_of(y, sd=(0.05, 0.02), sources=None):
    """Grids with these (ln N, a) and errors, each of a source of its own."""
    sources = sources or [f"s{k}" for k in range(len(y))]
    return [
        {"source": s, "C": 1e20, "ln_N": ln_N, "a": a, "covariance": np.diag(np.square(sd)).tolist()}
        for s, (ln_N, a) in zip(sources, y)
    ]


SEVEN = [(20.4, 0.50), (20.6, 0.45), (20.8, 0.52), (21.0, 0.40), (20.7, 0.47), (20.9, 0.49), (20.5, 0.44)]


def draws_of_the_posterior(y, S, n=40_000, seed=0):
    """The twin of the quadrature: T drawn from its prior, weighed by its likelihood, and a new corpus drawn with it."""
    rng = np.random.default_rng(seed)
    tau = np.abs(rng.normal(size=(n, 2))) * SCALES
    rho = rng.uniform(-1, 1, n)
    T = np.empty((n, 2, 2))
    T[:, 0, 0], T[:, 1, 1] = tau[:, 0] ** 2, tau[:, 1] ** 2
    T[:, 0, 1] = T[:, 1, 0] = rho * tau[:, 0] * tau[:, 1]
    inverse = np.linalg.inv(S + T[:, None])
    V = np.linalg.inv(inverse.sum(axis=1))
    mean = np.einsum("tij,tkjl,kl->ti", V, inverse, y)
    r = y - mean[:, None]
    log_p = -0.5 * (np.einsum("tki,tkij,tkj->t", r, inverse, r) - np.linalg.slogdet(inverse)[1].sum(axis=1))
    log_p += 0.5 * np.linalg.slogdet(V)[1]
    p = np.exp(log_p - log_p.max())
    picked = rng.choice(n, size=n, p=p / p.sum())
    noise = np.einsum("tij,tj->ti", np.linalg.cholesky((T + V)[picked]), rng.normal(size=(n, 2)))
    return mean[picked] + noise


def test_mean_and_covariance_are_those_of_a_new_corpus_over_the_posterior():
    y, S = np.array(SEVEN), np.broadcast_to(np.diag([0.1**2, 0.03**2]), (7, 2, 2))
    found = random_effects(y, S, [f"s{k}" for k in range(7)])
    drawn = draws_of_the_posterior(y, S)
    assert found.mean == pytest.approx(drawn.mean(axis=0), abs=0.01)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(drawn.std(axis=0), rel=0.05)


def test_the_band_holds_new_corpora_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held, n = 0, 150
    for _ in range(n):
        truth = rng.normal([20.7, 0.47], [0.25, 0.06], size=(6, 2))
        y = truth[:5] + rng.normal(0, [0.05, 0.02], size=(5, 2))
        found = random_effects(y, np.broadcast_to(np.diag([0.05**2, 0.02**2]), (5, 2, 2)), list("abcde"))
        held += abs(truth[5, 0] - found.mean[0]) < 1.96 * np.sqrt(found.covariance[0, 0])
    assert held / n > 0.9, held / n


def test_a_source_counts_once_however_many_grids_it_has():
    four = [(20.4, 0.5), (20.6, 0.45), (20.8, 0.52), (21.2, 0.38)]
    once = summarise(grids_of(four))
    copies = summarise(grids_of([*four, four[3], four[3]], sources=["s0", "s1", "s2", "s3", "s3", "s3"]))
    assert (copies["n_grids"], copies["n_sources"]) == (6, 4)
    assert copies["ln_N"] == pytest.approx(once["ln_N"])
    assert np.array(copies["covariance"]) == pytest.approx(np.array(once["covariance"]))
    witnesses = summarise(grids_of([*four, four[3], four[3]]))
    assert witnesses["ln_N"] > once["ln_N"] + 0.05


def test_grids_that_agree_leave_a_band_all_the_same():
    found = summarise(grids_of([(20.7, 0.47)] * 4))
    assert np.sqrt(found["covariance"][0][0]) > 0.07
    scattered = summarise(grids_of([(20.2, 0.35), (20.5, 0.55), (20.9, 0.4), (21.4, 0.6)]))
    for i in (0, 1):
        assert scattered["covariance"][i][i] > 1.5 * found["covariance"][i][i]


def test_grids_may_be_told_at_any_C():
    moved = [grid | {"C": 1e18, "ln_N": grid["ln_N"] + grid["a"] * np.log(1e-2)} for grid in grids_of(SEVEN, (0, 0))]
    found, given = summarise(moved), summarise(grids_of(SEVEN, (0, 0)))
    assert found["ln_N"] == pytest.approx(given["ln_N"])
    assert found["tokens_per_parameter"] == pytest.approx(1e20 / 6 / np.exp(2 * given["ln_N"]))


def test_two_sources_do_not_make_a_prior():
    with pytest.raises(FitError, match=r"2 sources of grids: .* at least 3; add grids of other sources"):
        summarise(grids_of(SEVEN[:4], sources=["a", "a", "b", "b"]))


GOOD = {"C": 1e20, "ln_N": 20.7, "a": 0.47, "covariance": [[0.1, 0.01], [0.01, 0.02]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ln_N": None}, "lacks numbers for C, ln_N, a and covariance"),
        ({"covariance": [[0.1]]}, "no 2 x 2 covariance"),
        ({"covariance": [[0.1, 0.0], [0.01, 0.02]]}, "must be symmetric and positive"),
        ({"covariance": [[0.1, 0.2], [0.2, 0.02]]}, "must be symmetric and positive"),
        ({"a": 1.2}, "must lie between 0 and 1"),
        ({"C": -1.0}, "C of the prior"),
    ],
)
def test_what_is_no_prior(change, message):
    assert prior_of(GOOD).split(1e20)["N"] == pytest.approx(np.exp(20.7))
    with pytest.raises(FitError, match=message):
        prior_of(GOOD | change, "mine.json")
    missing = {key: value for key, value in GOOD.items() if key not in change}
    with pytest.raises(FitError, match="lacks numbers"):
        prior_of(missing)
