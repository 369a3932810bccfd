"""A dataset under every link: the link that made it wins, cells at the floor are left out, splits carry intervals."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from houses import ROOT

from ziplaw.errors import FitError
from ziplaw.laws.fits import dataset_links
from ziplaw.laws.fits.dataset_links import HELD_OUT, fit_links, jackknifed_split, largest, split_by_isoflop
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.allocation import near_best
from ziplaw.numerics.functions import exp, log
from ziplaw.tables.declared import RUNS

FLOOR, UNIGRAM = 1.5, 4.5
A, B, ALPHA, BETA, K = 60.0, 200.0, 0.55, 0.45, 2.2
NEEDED = ("identity", "bounded")


def rows(*, noise=0.01, sizes=6, budgets=6, seed=0):
    """Cells of a law between a floor and the unigram entropy: loss = E + 1/(1/(U - E) + e^(-k z)).

    They are the same on every processor: whether a fit of two runs ends at a bound hangs on last digits.
    """
    rng = np.random.default_rng(seed)
    out = []
    for N in np.geomspace(700, 20_000, sizes):
        for D in np.geomspace(65_536, 2_097_152, budgets):
            z = log(A * exp(-ALPHA * log(N)) + B * exp(-BETA * log(D)))
            excess = 1 / (1 / (UNIGRAM - FLOOR) + exp(-K * z)) * exp(noise * rng.standard_normal())
            out.append({"model": f"m{N:.0f}", "seed": 0, "N": N, "D": D, "loss": FLOOR + excess, "loss_stderr": 0.01})
    return out


def truth(C):
    G = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    return np.log(G) + BETA / (ALPHA + BETA) * np.log(C / 6)


@pytest.fixture(scope="module")
def fitted():
    return fit_links(rows(), floor=FLOOR, unigram=UNIGRAM)


def test_the_link_that_made_the_losses_misses_least_and_foretells_best(fitted):
    inside = {link: fit["rms_log_residual"] for link, fit in fitted.items()}
    held = {link: fit["holdout"]["rms_log_error"] for link, fit in fitted.items()}
    assert inside["bounded"] < 0.012 < 0.05 < inside["identity"]
    assert held["bounded"] < 0.2 * held["identity"]
    assert {fit["holdout"]["n"] for fit in fitted.values()} == {6}
    assert all(fit["converged"] and fit["error_of"] == "excess" and fit["n"] == 36 for fit in fitted.values())
    json.dumps(fitted, allow_nan=False)


def test_splits_hold_the_true_one_at_any_compute(fitted):
    split = fitted["bounded"]["split"]
    assert split["identified"]
    assert split["reason"] is None
    low, high = split["intervals"]["ln_N"]
    assert low < truth(split["C"]) < high
    assert split["intervals"]["a"][0] < BETA / (ALPHA + BETA) < split["intervals"]["a"][1]
    C = np.exp(np.mean([np.log(6 * row["N"] * row["D"]) for row in rows()]))
    assert split["C"] == pytest.approx(C)
    V = np.array(split["covariance"])
    assert V.shape == (2, 2)
    assert V[0, 1] == pytest.approx(V[1, 0])
    assert np.linalg.eigvalsh(V).min() >= 0


def test_the_jackknife_is_that_of_refits_without_each_run():
    table = rows()
    columns = [np.array([row[key] for row in table]) for key in ("N", "D", "loss")]
    runs = np.array([row["model"] for row in table])
    fit = fit_link(*columns, link="bounded", E=FLOOR, U=UNIGRAM, excess=True, objective="log-mse", units="keep")
    split = jackknifed_split(fit, runs, 1e10)
    draws = np.array([fit.refit(runs != name).split_at(split["C"]) for name in np.unique(runs)])
    off = draws - draws.mean(axis=0)
    np.testing.assert_allclose(split["covariance"], 5 / 6 * off.T @ off, rtol=1e-3, atol=1e-9)
    half = 2.5706 * np.sqrt(5 / 6 * (off**2).sum(axis=0))  # Student's t with five degrees of freedom
    assert split["intervals"]["ln_N"][1] - split["ln_N"] == pytest.approx(half[0], rel=1e-3)


def test_cells_within_their_error_of_the_floor_are_left_out_and_counted():
    table = rows()
    table[0] |= {"loss": FLOOR + 0.009}
    table[1] |= {"loss": FLOOR - 0.02}
    table[-1] |= {"loss": FLOOR + 0.011}
    found = fit_links(table, floor=FLOOR, unigram=UNIGRAM, links=("identity",))["identity"]
    assert (found["n"], found["n_left_out"]) == (34, 2)


def test_without_a_floor_the_loss_itself_is_fitted_and_nothing_is_left_out():
    found = fit_links(rows(noise=0.002), unigram=UNIGRAM, links=NEEDED)
    assert {fit["error_of"] for fit in found.values()} == {"loss"}
    assert {fit["n_left_out"] for fit in found.values()} == {0}
    assert found["bounded"]["U"] == UNIGRAM
    assert found["bounded"]["E"] == pytest.approx(FLOOR, abs=0.2)
    assert found["bounded"]["rms_log_residual"] < found["identity"]["rms_log_residual"]


def test_the_range_near_the_best_is_that_of_the_loss(fitted):
    near = fitted["bounded"]["near_best"]
    assert near["tolerance"] == 1e-3
    assert all(low < N < high for low, N, high in zip(near["low"], near["N"], near["high"]))
    table = rows()
    columns = [np.array([row[key] for row in table]) for key in ("N", "D", "loss")]
    fit = fit_link(*columns, link="bounded", E=FLOOR, U=UNIGRAM, excess=True, objective="log-mse", units="keep")
    C, best = near["C"][6], near["loss"][6]
    for N in (near["low"][6], near["high"][6]):
        assert fit.predict(N, C / 6 / N) == pytest.approx(best * 1.001, rel=1e-6)
    assert near_best(fit.parameters, C, 1e-3, fit.form)[0] == pytest.approx(near["low"][6], rel=1e-6)


def test_the_drawn_curve_is_the_link(fitted):
    curve = fitted["bounded"]["curve"]
    found = fitted["bounded"]["parameters"]
    z = np.array(curve["z"])
    np.testing.assert_allclose(curve["excess"], 1 / (1 / (UNIGRAM - FLOOR) + np.exp(-found["k"] * z)), rtol=1e-9)
    assert np.all(np.diff(fitted["free"]["curve"]["excess"]) > 0)


@pytest.mark.parametrize(
    ("sizes", "budgets", "words"),
    [(1, 2, "2 rows"), (2, 6, "2 runs, and leaving one out at a time needs 4"), (3, 5, "3 runs")],
)
def test_too_few_cells_or_runs_say_so(sizes, budgets, words):
    table = rows(sizes=sizes, budgets=budgets, noise=0.0)
    found = fit_links(table, floor=FLOOR, unigram=UNIGRAM, links=("identity",))["identity"]
    said = found["split"]["reason"] if found["split"] else found["message"]
    assert words in said
    assert found["converged"] is (found["split"] is not None)
    json.dumps(found, allow_nan=False)


def test_a_link_that_cannot_be_fitted_has_the_keys_of_one_that_can(fitted, monkeypatch):
    def refuse(*_, **__):
        raise FitError("no")

    monkeypatch.setattr(dataset_links, "fit_link", refuse)
    failed = fit_links(rows(), floor=FLOOR, links=("free",))["free"]
    assert set(failed) == set(fitted["free"])
    assert (failed["converged"], failed["message"]) == (False, "no")


def test_the_largest_compute_is_at_least_that_share_and_takes_ties():
    C = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0])
    assert largest(C).tolist() == [False] * 4 + [True] * 3
    assert largest(np.arange(1.0, 37.0)).sum() == round(HELD_OUT * 36) + 1


def test_isoflop_gives_a_split_or_says_why_not():
    found = split_by_isoflop(rows(noise=0.002), n=100)
    low, high = found["split"]["intervals"]["ln_N"]
    assert low < truth(found["split"]["C"]) < high
    few = split_by_isoflop(rows(sizes=3, budgets=5, noise=0.002), n=100)
    json.dumps(few, allow_nan=False)
    none = split_by_isoflop(rows(sizes=2), n=100)
    assert none["split"] is None
    assert none["note"]


def test_a_refit_with_other_knots_is_read_at_those_of_the_fit():
    # a grammar of the study: without one of its runs the free link has a knot less
    rows = [row for row in RUNS.read(ROOT / "results" / "reference" / "study" / "runs.csv") if row["dataset"] == "cv06"]
    split = fit_links(rows, floor=rows[0]["floor"], unigram=rows[0]["unigram_entropy"], links=("free",))["free"][
        "split"
    ]
    assert split["method"].startswith("jackknife over 6 runs")
    assert np.isfinite(split["covariance"]).all()

    def law(knots, slopes):
        form = SimpleNamespace(link=SimpleNamespace(knots=knots))
        return SimpleNamespace(form=form, parameters=np.array([1.0, 2.0, 3.0, 0.4, 0.5, 9.0, *slopes]))

    fit, rest = law((-1.0, 0.0, 1.0), (1.0, 2.0, 3.0)), law((-2.0, 0.5), (2.0, 4.5))
    read = dataset_links._as_of(rest, fit)
    # slopes between knots lie on the line, beyond them they stay
    assert read.tolist() == [1.0, 2.0, 3.0, 0.4, 0.5, 9.0, 3.0, 4.0, 4.5]
    straight = law((), ())
    assert dataset_links._as_of(straight, straight) is straight.parameters
