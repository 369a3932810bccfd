"""Splits that the runs do not identify are refused with their reason and the runs to add."""

from dataclasses import replace

import numpy as np
import pytest
from designs import LAW, grid, intervals_of, isoflops, ladder, losses, runs_table

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.intervals.identification import exponent_bounds, law_doubts, require, split_doubts
from ziplaw.laws.plans.document import law_document
from ziplaw.laws.solve import diagnostics
from ziplaw.laws.solve.additive import EXPONENT_BOUNDS


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize(
    ("table", "relation"),
    [
        (ladder(), "D = 20 N)"),
        (ladder(20, 1.2), "D = 0.32 N^1.2)"),
        (isoflops([1e20], 9), "D = C/(6 N), one budget of C = 1e+20)"),
    ],
)
def test_sizes_and_tokens_that_move_together(table, relation, tie):
    fitted = ziplaw.fit(*table, losses(*table), tie=tie)
    assert diagnostics.TOGETHER in fitted.flags
    assert not diagnostics.usable(fitted)
    with pytest.raises(FitError, match="N and D move together") as caught:
        fitted.allocate(C=1e21)
    assert f"({relation}: the split is not identified" in str(caught.value)
    assert "add runs with a quarter and four times the tokens" in str(caught.value)
    # nothing but E is known: an interval of zero width would echo the table's own ratio
    found = intervals_of(fitted)
    assert (found["alpha"], found["a"]) == ((0.0, np.inf), (0.0, 1.0))
    assert fitted.bootstrap(200).allocate(1e21)["N"] == (0.0, np.inf)
    # asked for, the numbers come
    assert fitted.allocate(C=1e21, check=False).N > 0


def test_jitter_about_a_ladder_does_not_identify_it():
    N, D = ladder()
    D = D * np.exp(0.05 * np.random.default_rng(1).normal(size=len(D)))
    fitted = ziplaw.fit(N, D, losses(N, D))
    assert "D = " in diagnostics.together(fitted)
    assert "within" in diagnostics.together(fitted)
    two = (np.tile(N, 2), np.concatenate([20 * N, 80 * N]))
    assert diagnostics.together(ziplaw.fit(*two, losses(*two))) == ""


@pytest.mark.parametrize("table", [grid(), grid(4, 4), isoflops([1e18, 3e18, 1e19, 3e19, 1e20])])
def test_ordinary_tables_are_not_refused(table):
    for seed in range(5):
        fitted = ziplaw.fit(*table, losses(*table, seed=seed))
        assert law_doubts(fitted, intervals_of(fitted)) == []
        C = 10 * 6 * (table[0] * table[1]).max()
        plan = fitted.allocate(C=C)
        assert plan.N == pytest.approx(float(optimal_split(LAW, C)[0]), rel=0.5)
        both = fitted.allocate(C=np.array([C / 10, C]))
        assert both.N[1] == pytest.approx(plan.N)


@pytest.mark.parametrize(("shift", "have", "add"), [(20, "fewer", "more"), (1 / 20, "more", "fewer")])
def test_an_optimum_outside_the_runs(shift, have, add):
    table = isoflops(np.geomspace(1e18, 1e20, 5), shift=shift, spread=3)
    with pytest.raises(FitError, match=f"every one has {have} tokens per parameter") as caught:
        ziplaw.fit(*table, losses(*table)).allocate(C=1e20)
    assert f"add runs with {add} tokens per parameter, such as N = " in str(caught.value)
    N, D = (float(part.split(" with ")[0].split(";")[0]) for part in str(caught.value).split(" = ")[-2:])
    ratios = table[1] / table[0]
    assert (D / N > ratios.max()) if add == "more" else (D / N < ratios.min())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"fraction_of_starts": 0.05}, "few starts agree"), ({"converged": False}, "not converged")],
)
def test_starts_that_disagree_and_fits_that_did_not_converge(changes, reason):
    fitted = ziplaw.fit(*grid(), losses(*grid()))
    converged = changes.get("converged", True)
    odd = replace(fitted, solution=replace(fitted.solution, **changes), converged=converged)
    (doubt,) = law_doubts(odd, intervals_of(fitted))
    assert doubt.reason.startswith(f"{reason}: ")
    assert "add runs over a wider range, such as N = 1.2e+07 with D = 4e+11" in doubt.remedy
    with pytest.raises(FitError, match=reason):
        odd.allocate(C=1e21)


@pytest.mark.parametrize("ends", [(0.005, 0.5), (0.1, 5.0), (0.0, np.inf), (None, None)])
def test_an_exponent_whose_interval_reaches_a_bound(ends):
    fitted = ziplaw.fit(*grid(), losses(*grid()))
    for name, remedy in (("alpha", "add other sizes, such as N = "), ("beta", "add other budgets, such as N = ")):
        (doubt,) = law_doubts(fitted, intervals_of(fitted) | {name: ends})
        assert doubt.reason.startswith((f"{name} is not identified: its interval", f"{name} has no interval"))
        assert doubt.remedy.startswith(remedy)
        assert "inf" not in doubt.reason


def test_a_band_over_two_decades():
    table = grid(3, 3)
    for seed in range(20):
        fitted = ziplaw.fit(*table, losses(*table, noise=0.04, seed=seed))
        low, high = fitted.resampled.allocate(1e24)["N"]
        if not law_doubts(fitted, fitted.resampled.interval()) and (low == 0 or high / low > 100):
            break
    else:
        pytest.fail("no simulated table has a usable law and a wide band")
    with pytest.raises(FitError, match=r"band at C = 1e.24 is over 2 decades wide"):
        fitted.allocate(C=1e24)
    document = law_document(fitted, flops=[1e20, 1e24])
    refused = {doubt["C"] for doubt in document["plan_refused"]}
    assert 1e24 in refused
    assert not refused & {plan["C"] for plan in document["allocation"]}
    shown = law_document(fitted, flops=[1e20, 1e24], check=False)["allocation"]
    assert [plan["identified"] for plan in shown] == [plan["C"] not in refused for plan in shown]


@pytest.mark.parametrize("interval", [(0.0, 1e9), (1e6, np.inf), (1e-300, 5.6e33), (1e7, 1.1e9)])
def test_what_a_wide_band_says_holds_no_absurd_number(interval):
    (doubt,) = split_doubts(1e21, 1e8, interval, largest=1e20)
    text = f"{doubt.reason}; {doubt.remedy}"
    assert doubt.C == 1e21
    assert not any(word in text for word in ("inf", "nan", "e-300", "e+33"))
    assert "the largest has 1e+20" in text


def test_no_parameters_are_no_split():
    (doubt,) = split_doubts(1e12, 0.4, (0.3, 0.5))
    assert "less than one parameter or token" in doubt.reason


def test_allocate_may_judge_by_runs():
    N, D, loss, runs = runs_table(4, shared=0.0)
    good = ziplaw.fit(N, D, loss)
    assert good.allocate(C=1e21, clusters=runs).N == good.allocate(C=1e21).N
    with pytest.raises(FitError, match="a cluster bootstrap needs at least 5"):
        good.bootstrap(100, clusters=runs)
    fits = [ziplaw.fit(N, D, runs_table(4, seed=seed, shared=0.03)[2]) for seed in range(12)]
    wide = [fitted for fitted in fits if _decades(fitted.jackknife(runs).allocate(1e21)["N"]) > 2]
    assert wide
    for fitted in wide:
        with pytest.raises(FitError, match="not identified"):
            fitted.allocate(C=1e21, clusters=runs)


def _decades(interval):
    low, high = interval
    return np.log10(high / low) if low > 0 else np.inf


def test_laws_under_a_link_are_judged_by_the_same_rule():
    N, D = grid(5, 5)
    fitted = fit_link(N, D, losses(N, D), link="power")
    C = 10 * 6 * (N * D).max()
    require(fitted, C)
    assert law_doubts(fitted, fitted.intervals("delta")) == []
    low, high = exponent_bounds(fitted)["alpha"]
    at_top = {"alpha": (0.3, high), "beta": (0.2, 0.4)}
    assert law_doubts(fitted, at_top)[0].reason.endswith(f"reaches a bound of the fit ({low} to {high})")
    N, D = ladder(rows=14)
    with pytest.raises(FitError, match="N and D move together"):
        require(fit_link(N, D, losses(N, D), link="power"), C)


def test_bounds_of_the_additive_law_are_the_solvers():
    table = grid(4, 4)
    assert exponent_bounds(ziplaw.fit(*table, losses(*table))) == dict.fromkeys(("alpha", "beta"), EXPONENT_BOUNDS)
