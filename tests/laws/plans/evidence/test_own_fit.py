"""The file of a dataset's own fit as evidence about its split."""

import copy

import numpy as np
import pytest
from laws_in_H import rows_of

from ziplaw.errors import FitError
from ziplaw.laws.fits.dataset import fit_dataset
from ziplaw.laws.forms.allocation import split
from ziplaw.laws.forms.chinchilla import ADDITIVE
from ziplaw.laws.plans.evidence.combined_plan import combined_plan
from ziplaw.laws.plans.evidence.own_fit import own_fit
from ziplaw.laws.plans.evidence.own_runs import own_runs


@pytest.fixture(scope="module")
def rows():
    found = rows_of("mine", 0.4, 1.9, 0.5, 0.4, np.random.default_rng(0), noise=0.003)
    # so small models as the helper's are asked for their unit
    return [row | {"N": 10 * row["N"]} for row in found]


@pytest.fixture(scope="module")
def document(rows):
    return fit_dataset(rows, bootstrap=100)


def test_it_says_nearly_what_the_table_says(rows, document):
    found = own_fit(document)
    table = own_runs(*([row[key] for row in rows] for key in ("N", "D", "loss")), duplicates="keep")
    here, there = found.split, table.split.at(found.split.C)
    sd = np.sqrt(np.diag(here.covariance) + np.diag(there.covariance))
    assert (np.abs(here.mean - there.mean) < 3 * sd).all()
    assert found.n == table.n == len(rows)
    assert found.C == pytest.approx(table.C)
    assert sum(one["weight"] for one in found.links.values()) == pytest.approx(1)
    # the truth is in the band of the size that its own law, noise or none, has at a hundred times the compute
    truth = [0.8 * 39_000**0.5, 0.8 * 370_000**0.4, 0.5, 0.4]
    best = float(split([1.9, *truth], 1e13, ADDITIVE)[0])
    low, high = here.split(1e13)["N_interval"]
    assert low < best < high


def test_few_runs_widen_as_the_file_s_own_interval_does(document):
    link = own_fit(document).link
    only = document | {"links": {link: document["links"][link]}}
    alone = own_fit(only)
    low, high = document["links"][link]["split"]["intervals"]["ln_N"]
    band = np.log(alone.split.split(alone.split.C)["N_interval"])
    assert band == pytest.approx([low, high])
    # what another link says otherwise is part of the covariance
    assert own_fit(document).split.covariance[0, 0] >= alone.split.covariance[0, 0]


def test_a_plan_by_it_tells_no_loss_and_has_its_valley(document):
    plan = combined_plan(1e14, prior=None, runs=own_fit(document))
    assert plan["loss"] is plan["loss_interval"] is None
    assert plan["near_best"]["law"] == "own runs"
    assert plan["lines"]["runs"]["n"] == 30
    assert plan["warnings"][0].startswith("extrapolation: C = 1e+14 is 1.6 orders of magnitude")
    # the free link's knots are not in the file
    only = document | {"links": {"free": document["links"]["free"]}}
    assert combined_plan(1e12, prior=None, runs=own_fit(only))["near_best"]["law"] == "Chinchilla, refitted"


def test_what_its_runs_cost_where_a_token_costs_otherwise(document):
    found = own_fit(document)
    assert found.spent(lambda N: 6 * N) == pytest.approx(found.C)
    assert found.spent(lambda N: 60 * N) == pytest.approx([10 * end for end in found.C])


def test_no_split_no_evidence(document):
    with pytest.raises(FitError, match=r"holds no splits by link: give fits/NAME\.json of a sweep, or its table"):
        own_fit({"parameters": {}})
    other = copy.deepcopy(document)
    for one in other["links"].values():
        one["split"] |= {"identified": False, "reason": "the optimum lies outside the runs"}
    with pytest.raises(FitError, match="not identified by this fit: the optimum lies outside the runs; measure more"):
        own_fit(other)
