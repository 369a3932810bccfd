"""Rules against a judge that is known: what each says, from what, and what it loses."""

from dataclasses import dataclass

import numpy as np
import pytest

from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit
from ziplaw.laws.studies.worth.contest import Entrant, Known, Rule, best_ratio, lines, lines_of_others, split_by

C = 3e10
SIX_ND = Compute.six_nd()
RULES = [
    Rule("20:1", ratio=20.0),
    Rule("constant", ratio=0.0),
    Rule("pooled", line=()),
    Rule("H", line=("H",)),
    Rule("pilot", own="pilot"),
    Rule("pilot+H", line=("H",), own="pilot"),
    Rule("own fit", own="fit"),
]
NAMES = [rule.name for rule in RULES]


@dataclass
class Bowl:
    """Ln loss 0.3 at the best ln N, .1 for the square of each e-fold from it; .2 for an e-fold of compute."""

    x: float
    log_loss: float = 0.3

    def at(self, x):
        return self.log_loss + 0.1 * np.square(np.atleast_1d(x) - self.x)

    def compute_wasted(self, log_loss):
        return (log_loss - self.log_loss) / 0.2


def dataset(k, pilot=None, slope=8.0):
    H = 0.3 + 0.02 * k
    x = 8.5 + slope * (H - 0.4) + 0.01 * (-1) ** k
    split = GaussianSplit(np.array([x, 0.5]), np.diag([1e-4, 1e-5]), C)
    return Entrant(Known(f"d{k}", {"H": H}, split), float(np.log(C)), SIX_ND, Bowl(x), 1.0, pilot)


def said(told, train, one):
    return dict(zip(NAMES, split_by(RULES, told, train, one)))


def test_each_rule_says_what_it_is_made_from():
    train, one = [dataset(k) for k in range(8)], dataset(11)
    told = lines(RULES, [other.known for other in train], [one.known])
    found = said(told, train, one)
    assert found["20:1"] == pytest.approx(np.log(np.sqrt(C / 120)))
    middle = np.mean([other.judge.x for other in train])
    assert found["pooled"] == pytest.approx(middle, abs=0.01)
    assert found["constant"] == pytest.approx(middle, abs=0.05)
    assert found["H"] == pytest.approx(8.5 + 8 * 0.12, abs=0.05)
    # no pilot: the line behind it
    assert found["pilot"] == found["pooled"]
    assert found["pilot+H"] == found["H"]
    assert found["own fit"] == pytest.approx(one.judge.x)


def test_a_pilot_alone_speaks_for_itself_and_with_a_line_by_its_weight():
    train = [dataset(k) for k in range(8)]
    # an e-fold too large, as unsure as this: told at a tenth of the compute
    pilot = GaussianSplit(np.array([9.5 - 0.5 * np.log(10), 0.5]), np.diag([0.3**2, 1e-6]), C / 10)
    one = dataset(5, pilot)
    found = said(lines(RULES, [other.known for other in train], [one.known]), train, one)
    assert found["pilot"] == pytest.approx(9.5)
    assert found["H"] < found["pilot+H"] < found["H"] + 0.2


def test_others_make_the_line_and_never_the_dataset_itself():
    everyone = [dataset(k) for k in range(8)]
    told = lines_of_others(RULES, [one.known for one in everyone])
    one = everyone[3]
    astray = GaussianSplit(np.array([20.0, 0.5]), one.known.split.covariance, C)
    wrong = Known("d3", one.known.covariates, astray)
    again = lines_of_others(RULES, [wrong if other is one else other.known for other in everyone])
    np.testing.assert_array_equal(told[("H",), "d3"].mean, again[("H",), "d3"].mean)
    assert told[("H",), "d4"].mean[0] != again[("H",), "d4"].mean[0]


def test_a_rule_that_lacks_its_covariate_says_nothing():
    train, one = [dataset(k) for k in range(8)], dataset(9)
    bare = Entrant(Known("bare", {}, None), one.log_C, SIX_ND, one.judge)
    found = said(lines(RULES, [other.known for other in train], [bare.known]), train, bare)
    assert np.isnan([found["H"], found["own fit"], found["pilot+H"]]).all()
    assert np.isfinite([found["pooled"], found["constant"]]).all()
    assert np.isnan(best_ratio([]))


def test_what_is_lost():
    one = dataset(5)
    at = np.array([one.judge.x, one.judge.x + 1])
    np.testing.assert_allclose(one.lost(at), [0, np.exp(0.1) - 1], atol=1e-12)
    best = np.exp(0.3)
    np.testing.assert_allclose(one.lost_of_excess(at), [0, (np.exp(0.4) - best) / (best - 1)], atol=1e-12)
    np.testing.assert_allclose(one.compute_wasted(at), [0, 0.5], atol=1e-12)
