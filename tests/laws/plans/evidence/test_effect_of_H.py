"""By how much H moves a prior's split: what a sweep says of it, and how far that reaches."""

import numpy as np
import pytest
from splits_in_H import sweep_of_splits

from ziplaw.errors import FitError
from ziplaw.laws.dependence.splits.split_on_H import split_on_H
from ziplaw.laws.plans.evidence.effect_of_H import SHARE_OF_SCATTER, effect_of_H, measured_slopes
from ziplaw.laws.plans.evidence.gaussian_split import GaussianSplit, inflation

SCATTER = np.array([[0.1, -0.005], [-0.005, 0.02]])
PRIOR = GaussianSplit(np.array([20.7, 0.47]), 1.3 * SCATTER)
SPREAD = 0.024


def document(slopes=(5.0, 0.0), sd=(1.0, 0.1), C=1e10, df=10, others=()):
    """The part of regression.json that is read: slopes of (ln N, a) at C, by each link."""

    def line(b):
        covariance = np.zeros((4, 4))
        covariance[1, 1], covariance[3, 3] = np.square(sd)
        return {"coefficients": [[9.0, b[0]], [0.45, b[1]]], "covariance": covariance.tolist(), "df": df}

    by = {"bounded": line(slopes)} | {f"other{i}": line(b) for i, b in enumerate(others)}
    return {"C": C, "link": "bounded", "by": by}


def test_a_sweep_at_the_priors_own_C_is_taken_at_its_word():
    found = effect_of_H(PRIOR, SCATTER, document(sd=(1e-6, 1e-6), C=1e20), 0.03, 0.0, SPREAD)
    assert found.slopes == pytest.approx([5.0, 0.0], abs=1e-6)
    assert found.shift == pytest.approx([0.15, 0.0], abs=1e-6)
    assert found.covariance == pytest.approx(np.zeros((2, 2)), abs=1e-9)
    assert found.share == pytest.approx(1.0)
    assert found.link == "bounded"


def test_without_a_sweep_the_effect_is_unknown_and_as_wide_as_published_corpora_allow():
    found = effect_of_H(PRIOR, SCATTER, None, SPREAD, 0.0, SPREAD)
    assert (found.shift == 0).all()
    assert found.covariance == pytest.approx(SHARE_OF_SCATTER * SCATTER)
    assert found.share == 0.0
    assert found.link is None
    # no difference in H, no effect
    assert (effect_of_H(PRIOR, SCATTER, None, 0.0, 0.0, SPREAD).covariance == 0).all()


def slow_slopes(split, h):
    """The twin: draws of beta weighed by how well they foretell the sweep's slopes."""
    b, V, M, _ = measured_slopes(split, PRIOR.C)
    B = SHARE_OF_SCATTER * SCATTER / SPREAD**2
    P = np.linalg.inv(np.linalg.inv(B) + M.T @ np.linalg.inv(V) @ M)
    return P @ M.T @ np.linalg.inv(V) @ b, P


def test_one_gaussian_update():
    split = document(slopes=(6.0, 0.5), sd=(2.0, 0.4), others=[(4.0, 0.2), (7.0, -0.1)])
    found = effect_of_H(PRIOR, SCATTER, split, 0.05, 0.01, SPREAD)
    beta, P = slow_slopes(split, 0.05)
    assert found.slopes == pytest.approx(beta)
    assert found.slopes_covariance == pytest.approx(P)
    expected = P * (0.05**2 + 0.01**2) + np.outer(beta, beta) * 0.01**2
    assert found.covariance == pytest.approx(expected)


def test_an_uncertain_slope_of_a_counts_for_little_where_it_is_carried_far():
    sure, far = (effect_of_H(PRIOR, SCATTER, document(C=C), 0.03, 0.0, SPREAD) for C in (1e20, 1e10))
    assert far.share < 0.95 < sure.share
    # a wild slope of a cannot explode the band: it is not believed
    wild = effect_of_H(PRIOR, SCATTER, document(slopes=(5.0, 3.0), sd=(1.0, 5.0)), 0.03, 0.0, SPREAD)
    unknown = effect_of_H(PRIOR, SCATTER, None, 0.03, 0.0, SPREAD)
    assert wild.covariance[0, 0] <= unknown.covariance[0, 0] * (1 + 1e-9)
    assert abs(wild.shift[0]) < 3 * np.sqrt(unknown.covariance[0, 0])


def test_links_that_disagree_are_believed_less():
    alone = measured_slopes(document(), 1e20)
    split = measured_slopes(document(others=[(9.0, 0.0), (1.0, 0.0)]), 1e20)
    assert split[1][0, 0] == pytest.approx(alone[1][0, 0] + 16.0)
    assert alone[1][0, 0] == pytest.approx(inflation(10))


def test_the_document_of_regress_is_read():
    split, message = split_on_H(*sweep_of_splits(8, 4.0))
    assert message == ""
    found = effect_of_H(PRIOR, SCATTER, split, 0.05, 0.0, SPREAD)
    assert found.link == split["link"]
    # the planted slope is 4 per unit of H; so it is known at the sweep's C, and a reader sees how far it reaches
    assert measured_slopes(split, 1e20)[0][0] == pytest.approx(4.0, abs=3.0)
    assert 0 < found.share < 1


@pytest.mark.parametrize("broken", [{"link": "none of them"}, {"C": None}, {"by": {"bounded": {}}}])
def test_a_broken_document_is_refused(broken):
    with pytest.raises(FitError, match="ziplaw regress"):
        effect_of_H(PRIOR, SCATTER, document() | broken, 0.03, 0.0, SPREAD)
