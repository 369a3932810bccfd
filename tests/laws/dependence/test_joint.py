"""Joint fits over datasets, the test of "exponents depend on H", the random-effects law: against plain twins."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from twins.joint_law import fit_joint, restricted_likelihood
from ziplaw.errors import FitError
from ziplaw.laws.dependence import covariates, joint, joint_test, pooled
from ziplaw.laws.dependence.meta_regression import meta_regression
from ziplaw.laws.dependence.regress import ols

N, D = (g.ravel() for g in np.meshgrid(np.geomspace(750, 20_000, 5), np.geomspace(65_536, 2_097_152, 6)))


def planted(seed=0, K=6, slopes=(-2.0, -1.0), noise=0.02, scatter=0.0):
    """H, floors and tables of K datasets whose exponents are linear in H."""
    rng = np.random.default_rng(seed)
    H = np.linspace(0.35, 0.48, K)
    floors, tables = np.exp(rng.normal(0, 0.3, K)), []
    for k, h in enumerate(H - H.mean()):
        alpha, beta = np.array([0.5, 0.6]) + np.array(slopes) * h + scatter * rng.normal(size=2)
        sizes = np.exp(rng.normal(-0.2, 0.3, 2))
        loss = floors[k] + sizes[0] / (N / 3900) ** alpha + sizes[1] / (D / 370_000) ** beta
        tables.append((N, D, loss * np.exp(noise * rng.normal(size=N.size))))
    return H, floors, tables


def panel_of(H, floors, tables):
    return joint.Panel.of([f"d{k}" for k in range(len(H))], H, tables, floors)


@pytest.mark.parametrize("held", [True, False])
def test_every_model_reaches_its_twins_optimum(held):
    H, floors, tables = planted(1)
    floors = floors if held else None
    panel = panel_of(H, floors, tables)
    table = joint.grid(panel)
    alone, null = joint.saturated(panel, table), joint.common(panel, table)
    basis = joint.linear(H)
    moving = joint.with_basis(panel, basis, alone, null)
    found = {
        ("own", "own"): alone.rss.sum(),
        ("common", "own"): null.rss[0],
        ("linear", "own"): moving.rss[0],
        ("common", "linear"): pooled.fit(panel, pooled.design(panel, basis, False), alone)[1][0],
        ("linear", "linear"): pooled.fit(panel, pooled.design(panel, basis, True), alone)[1][0],
    }
    for (exponents, amplitudes), rss in found.items():
        # twice: from a rough start, and from ours
        best = min(fit_joint(tables, H, floors, exponents, amplitudes)[0],
                   fit_joint(tables, H, floors, exponents, amplitudes,
                             start=np.column_stack([alone.local, alone.exponents]))[0])  # fmt: skip
        assert rss <= best * (1 + 1e-7), (exponents, amplitudes)
        assert rss >= best * (1 - 1e-5), (exponents, amplitudes)
    assert found["own", "own"] <= found["linear", "own"] <= found["common", "own"] <= found["common", "linear"]


def test_permuted_problems_are_solved_as_well_as_one_alone():
    H, floors, tables = planted(2, K=5, scatter=0.08)
    panel = panel_of(H, floors, tables)
    alone, null = joint.saturated(panel), joint.common(panel)
    order = joint_test.relabellings(5)
    many = joint.with_basis(panel, joint.linear(H[order]), alone, null)
    assert many.converged.all()
    for p in (0, 17, 63, 119):
        rss, values = fit_joint(tables, H[order[p]], floors, "linear", "own")
        assert many.rss[p] <= rss * (1 + 1e-6)
        slope = np.polyfit(H[order[p]], values[:, 3], 1)[0]
        if many.rss[p] > rss * (1 - 1e-6):
            assert many.coefficients[p, 1, 0] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_planted_slopes_are_found():
    H, floors, tables = planted(3, slopes=(-3.0, -1.5), noise=0.01)
    test = joint_test.joint_test(panel_of(H, floors, tables), bootstrap=99)
    assert test["p_permutation"] <= 3 / 720
    assert test["p_bootstrap"] == pytest.approx(1 / 100)
    for name, truth in (("alpha", -3.0), ("beta", -1.5)):
        low, high = test["exponents"][name]["slope_ci"]
        assert low < truth < high
        assert high < 0
    assert test["models"]["M1"]["AICc"] < test["models"]["M0"]["AICc"]
    assert test["models"]["M1"]["BIC"] < test["models"]["S"]["BIC"]
    assert test["conclusion"].startswith("the exponents depend on H")


def test_without_an_effect_the_test_keeps_its_level():
    # the full study is in tests/verification; a broken test rejects most of these
    p = []
    for seed in range(24):
        H, floors, tables = planted(100 + seed, K=5, slopes=(0, 0), scatter=0.05)
        p.append(joint_test.joint_test(panel_of(H, floors, tables), bootstrap=0)["p_permutation"])
    assert np.mean(np.array(p) <= 0.05) <= 0.2
    assert 0.3 < np.mean(p) < 0.7


def test_result_does_not_depend_on_units_or_on_the_order_of_datasets():
    H, floors, tables = planted(4, K=5)
    one = joint_test.joint_test(panel_of(H, floors, tables), bootstrap=0)
    scaled = [(n * 1e6, d * 1e3, loss * 7) for n, d, loss in tables]
    turn = [3, 0, 4, 1, 2]
    other = joint_test.joint_test(
        panel_of(H[turn], 7 * floors[turn], [scaled[i] for i in turn]),
        bootstrap=0,
    )
    assert other["p_permutation"] == one["p_permutation"]
    assert other["F"] == pytest.approx(one["F"], rel=1e-5)
    assert other["exponents"]["alpha"]["slope"] == pytest.approx(one["exponents"]["alpha"]["slope"], rel=1e-4)


def test_same_input_same_numbers():
    H, floors, tables = planted(5, K=4)
    panel = panel_of(H, floors, tables)
    assert joint_test.joint_test(panel, bootstrap=20) == joint_test.joint_test(panel, bootstrap=20)


def test_relabellings():
    for K in (3, 4, 6):
        order = joint_test.relabellings(K)
        assert len(order) == len(np.unique(order, axis=0)) == math.factorial(K)
        assert (order[0] == np.arange(K)).all()
    sampled = joint_test.relabellings(9)
    assert (sampled[0] == np.arange(9)).all()
    assert len(sampled) == joint_test.SAMPLED + 1
    assert (sampled == joint_test.relabellings(9)).all()


def test_unequal_numbers_of_cells_and_cells_below_the_floor():
    H, floors, tables = planted(6)
    tables = [tuple(column[k:] for column in table) for k, table in enumerate(tables)]
    tables[0][2][-1] = floors[0] * 0.99
    panel = panel_of(H, floors, tables)
    assert panel.n == sum(len(n) for n, _, _ in tables)
    rss, _ = fit_joint(tables, H, floors, "linear", "own")
    found = joint.with_basis(panel, joint.linear(H), joint.saturated(panel), joint.common(panel))
    assert found.rss[0] == pytest.approx(rss, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda H, f, t: (H[:2], f[:2], t[:2]), "at least 3 that differ"),
        (lambda H, f, t: (np.full(6, 0.4), f, t), "1 values of H"),
        (lambda H, f, t: (H, f, [tuple(c[:4] for c in table) for table in t]), "measure more cells"),
        (lambda H, f, t: (H, f * 0, t), "floors"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(FitError, match=message):
        joint_test.joint_test(panel_of(*change(*planted())), bootstrap=0)


def test_random_effects_without_fit_error_are_ordinary_least_squares():
    rng = np.random.default_rng(0)
    H, y = np.linspace(0.3, 0.5, 7), rng.normal(size=(7, 5))
    X = np.column_stack([np.ones(7), H - H.mean()])
    found = meta_regression(y, np.zeros((7, 5, 5)), X)
    for i in range(5):
        line = ols(H, y[:, i])
        assert found.coefficients[i, 1] == pytest.approx(line["slope"], rel=1e-6)
        sd = np.sqrt(found.covariance[2 * i + 1, 2 * i + 1])
        t = (line["slope_ci"][1] - line["slope"]) / sd
        assert t == pytest.approx(2.5705818, rel=1e-4)  # t of 5 degrees of freedom


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_full_scatter_maximises_the_restricted_likelihood(seed):
    rng = np.random.default_rng(seed)
    K, m = 12, 3
    roots = rng.normal(size=(K, m, m)) * 0.3
    S = roots @ roots.swapaxes(1, 2) + 0.01 * np.eye(m)
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K)])
    y = rng.normal(size=(K, m)) * 0.5 + X @ rng.normal(size=(2, m))
    found = meta_regression(y, S, X, structure="full")
    best = restricted_likelihood(y, S, X, found.scatter)
    for _ in range(20):
        shake = rng.normal(size=(m, m)) * 0.1
        assert best <= restricted_likelihood(y, S, X, found.scatter + shake @ shake.T) + 1e-4
        assert best <= restricted_likelihood(y, S, X, found.scatter * rng.uniform(0.5, 1.5)) + 1e-4


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.3, 2.0]))
def test_diagonal_scatter_is_the_posterior_mean_under_a_flat_prior_on_its_sd(seed, error):
    rng = np.random.default_rng(seed)
    K = 6
    s = (error * rng.uniform(0.5, 1.5, K)) ** 2
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K)])
    y = rng.normal(size=K) * 0.5
    found = meta_regression(y[:, None], s[:, None, None], X, structure="diagonal").scatter[0, 0]
    rest = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    largest = 3 * np.sqrt(rest @ rest / (K - 2))

    def density(tau):
        minus = restricted_likelihood(y[:, None], s[:, None, None], X, np.array([[tau**2 + 1e-9]]))
        return np.exp(-0.5 * (minus - at_best))

    at_best = min(
        restricted_likelihood(y[:, None], s[:, None, None], X, np.array([[tau**2 + 1e-9]]))
        for tau in np.linspace(0, largest, 50)
    )
    mass = quad(density, 0, largest, limit=200)[0]
    mean = quad(lambda tau: tau**2 * density(tau), 0, largest, limit=200)[0] / mass
    assert found == pytest.approx(mean, rel=0.01)


def test_leaving_a_dataset_out_prefers_the_covariate_behind_the_laws():
    H, floors, tables = planted(8, slopes=(-3.0, -3.0), noise=0.005)
    panel = panel_of(H, floors, tables)
    # amplitudes follow H too, so that H carries everything but E
    logs, covariances = [], []
    for k, h in enumerate(H - H.mean()):
        alpha, beta = 0.5 - 3 * h, 0.6 - 3 * h
        logs.append([np.log(floors[k]), 4 * h + alpha * np.log(3900), 4 * h + beta * np.log(370_000), alpha, beta])
        loss = floors[k] + np.exp(4 * h) / (N / 3900) ** alpha + np.exp(4 * h) / (D / 370_000) ** beta
        tables[k] = (N, D, loss)
        covariances.append(np.diag([np.nan, 1e-4, 1e-4, 1e-6, 1e-6]))
    panel = panel_of(H, floors, tables)
    rivals = {"H": H, "noise": [3, 1, 2, 6, 5, 4], "vocab": [301] * 6, "half": [1, None, 2, 3, 4, 5]}
    found = covariates.leave_one_out(np.array(logs), np.array(covariances), panel, rivals)
    by_name = {row["covariate"]: row for row in found["rows"]}
    assert found["rows"][0]["covariate"] == "H"
    assert by_name["H"]["rms_E_known"] < 0.01 < by_name["none"]["rms_E_known"]
    assert by_name["none"]["ratio_E_known"] == 1
    assert by_name["H"]["better_than_none"] == 6
    assert set(found["skipped"]) == {"vocab", "half"}
