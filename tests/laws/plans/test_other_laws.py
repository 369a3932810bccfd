"""What is written about the laws other than the additive one: intervals, warnings, what follows from one of them."""

import json

import numpy as np
import pytest
from designs import ladder, losses
from tables_of_laws import columns as columns_of
from tables_of_laws import planted, table

from ziplaw.base.documents import plain
from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan
from ziplaw.laws.forms.catalogue import LAWS
from ziplaw.laws.forms.overfitting import overfitting_loss
from ziplaw.laws.plans import other_laws
from ziplaw.laws.plans.other_laws import other_document


def test_every_law_has_its_parameters_with_intervals():
    N, D, loss = planted(0.01)
    for law in ("power", "broken"):
        document = other_document(law, {"N": N, "D": D}, loss, x="D", bootstrap=5)
        assert set(document["intervals"]) == set(document["parameters"])
        assert document["interval_method"] == "delta method, Student t, errors of any spread"
        assert not {"allocation", "overfitting_bound"} & set(document)
        # a parameter at its bound has its whole range; files have null for an end that is infinite
        json.dumps(plain(document), allow_nan=False)


def test_what_follows_from_one_law_is_of_a_law_of_the_list():
    assert set(other_laws._FOLLOWS) <= set(LAWS)
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e8, 2e10, 5)))
    document = other_document("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D), bootstrap=3)
    bound = document["overfitting_bound"]
    assert (bound["k"], bound["p"]) == pytest.approx(kaplan.overfitting_bound(0.02), rel=1e-3)


def test_a_law_of_a_ladder_says_so_and_bounds_nothing():
    N, D = ladder()
    document = other_document("kaplan", {"N": N, "D": D}, losses(N, D), bootstrap=3)
    assert document["warnings"][0].startswith("N and D move together (D = 20 N)")
    assert not document["usable"]
    assert document["overfitting_bound"] is None


@pytest.mark.parametrize("law", ["kaplan", "kaplan-coupled"])
def test_splits_are_read_off_the_index_of_a_law(law):
    N, D, loss = planted(0.003)
    if law == "kaplan":
        loss = kaplan.joint_loss(N, D) * loss / planted()[2]
    document = other_document(law, {"N": N, "D": D}, loss, flops=[1e19, 1e21], level=0.9)
    assert document["usable"]
    assert document["plan_refused"] == []
    fitted = fit_law(law, {"N": N, "D": D}, loss)
    for name in "ab":
        low, high = document["intervals"][name]
        assert low < document["exponents"][name] < high
    for plan in document["allocation"]:
        assert plan["identified"]
        assert 6 * plan["N"] * plan["D"] == pytest.approx(plan["C"])
        assert plan["loss"] == pytest.approx(float(fitted.predict(plan["N"], plan["D"])), rel=1e-9)
        assert (
            fitted.predict(plan["N"] * 1.1, plan["D"] / 1.1)
            > plan["loss"]
            < fitted.predict(plan["N"] / 1.1, plan["D"] * 1.1)
        )
        for name in ("N", "D", "loss"):
            low, high = plan["intervals"][name]
            assert low < plan[name] < high
        low, high = plan["near_best"]["N"]
        assert [float(fitted.predict(n, plan["C"] / 6 / n)) for n in (low, high)] == pytest.approx(
            [plan["loss"] * 1.001] * 2, rel=1e-6
        )
    far = other_document(law, {"N": N * 1e4, "D": D}, loss, flops=[1e21])
    assert far["allocation"] == [] or all(plan["identified"] for plan in far["allocation"])


def test_no_split_of_a_law_that_is_not_usable():
    N, D = ladder()
    document = other_document("kaplan-coupled", {"N": N, "D": D}, losses(N, D), flops=[1e21])
    assert document["allocation"] == []
    assert document["plan_refused"][0]["reason"].startswith("N and D move together")
    shown = other_document("kaplan-coupled", {"N": N, "D": D}, losses(N, D), flops=[1e21], check=False)
    assert [plan["identified"] for plan in shown["allocation"]] == [False]


def test_a_budget_out_of_range_is_refused_before_any_fit():
    with pytest.raises(FitError, match="C is"):
        other_document("kaplan", {}, [], flops=[-1.0])


def repeated_runs(parameters=(2.1, 1500.0, 13000.0, 0.4, 0.444, 2e-5, 30.0, 1.43, 0.98)):
    N, U, epochs = (g.ravel() for g in np.meshgrid([1e7, 1e8, 1e9], [1e8, 1e9], [1.0, 4.0, 16.0, 64.0, 256.0]))
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(N)))
    columns = {"N": N, "D": U * epochs, "U": U}
    return columns, overfitting_loss(parameters, **columns) * noise


def test_a_discount_of_repeated_tokens_says_which_runs_it_misses():
    columns, loss = repeated_runs()
    document = other_document("data-constrained", columns, loss, bootstrap=2, flops=[1e19])
    assert not document["usable"]
    assert document["allocation"] == []
    found = document["rising"]
    assert len(found["series"]) == 2
    assert found["of"] == 6
    # it is of all parameters of the law: the fit that is printed cannot be nearer
    assert found["least_rms"] <= document["rms_log_residual"]
    text = document["warnings"][0]
    assert text.startswith(
        "the loss rises as tokens repeat in 2 of 6 series of equal N and U, which this law cannot do"
    )
    assert "most at N 1e+09, U 1e+08" in text
    assert document["plan_refused"][0]["remedy"] == "add runs, or fit another --law"
    json.dumps(document, allow_nan=False)


def test_the_law_that_overfits_plans_from_the_same_runs():
    columns, loss = repeated_runs()
    document = other_document("repeated-overfitting", columns, loss, bootstrap=5, flops=[1e19], unique=3e8)
    assert document["usable"]
    assert "rising" not in document
    assert document["holdout_repeated"]["n"] == 6
    (plan,) = document["allocation"]
    low, high = plan["intervals"]["N"]
    assert low <= plan["N"] <= high
    assert plan["epochs"] == pytest.approx(plan["D"] / 3e8)


def test_the_published_runs_are_told_apart():
    N, D, U, loss = columns_of(table("repeated_data.csv"), "N", "D", "U", "loss")
    document = other_document("data-constrained", {"N": N, "D": D, "U": U}, loss, bootstrap=3)
    found = document["rising"]
    assert (len(found["series"]), found["of"]) == (10, 27)
    assert found["series"][0]["rise"] == pytest.approx(0.543, abs=1e-3)
    # no parameters of the law reach an RMS a third below the fit's: these rows do not have its form
    assert document["rms_log_residual"] * 2 / 3 < found["least_rms"] == pytest.approx(0.060, abs=1e-3)
