"""What is written about the laws other than the additive one: intervals, warnings, what follows from one of them."""

import json

import numpy as np
import pytest
from designs import ladder, losses
from tables_of_laws import planted

from ziplaw.errors import FitError
from ziplaw.laws.forms import kaplan
from ziplaw.laws.forms.catalogue import LAWS
from ziplaw.laws.plans import other_laws
from ziplaw.laws.plans.other_laws import other_document


def test_every_law_has_its_parameters_with_intervals():
    N, D, loss = planted(0.01)
    for law in ("power", "broken"):
        document = other_document(law, {"N": N, "D": D}, loss, x="D", bootstrap=5)
        assert set(document["intervals"]) == set(document["parameters"])
        assert document["interval_method"] == "case bootstrap, 5 refits, percentile"
        assert not {"allocation", "overfitting_bound"} & set(document)
        json.dumps(document, allow_nan=False)


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


def test_a_budget_out_of_range_is_refused_before_any_fit():
    with pytest.raises(FitError, match="C is"):
        other_document("kaplan", {}, [], flops=[-1.0])
