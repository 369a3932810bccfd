"""The rule names the covariate that was planted, and says so where it cannot tell."""

import numpy as np
import pytest

from ziplaw.laws.studies.effects.carriers import CANNOT_TELL, NONE_SHOWN, carriers

K = 40


def drawn(rng, entangled=0.6, **slopes):
    H = rng.normal(size=K)
    columns = {"H": H, "unigram_entropy": H + entangled * rng.normal(size=K), "floor": rng.normal(size=K)}
    v = np.full(K, 0.1**2)
    y = sum(slope * columns[name] for name, slope in slopes.items()) + 0.3 * rng.normal(size=K)
    return y, v, columns


@pytest.mark.parametrize("name", ["H", "unigram_entropy", "floor"])
def test_the_one_that_was_planted_carries_it(name):
    rng = np.random.default_rng(1)
    answers = [carriers(*drawn(rng, **{name: 0.5})).answer for _ in range(20)]
    assert answers.count(name) >= 17


def test_two_that_were_planted_are_both_named():
    found = carriers(*drawn(np.random.default_rng(2), H=0.6, floor=0.4))
    assert found.answer == "H and floor"
    assert found.p_given_others["unigram_entropy"] > 0.05
    assert found.effects["H"].low < 0.6 < found.effects["H"].high


def test_twins_cannot_be_told_apart():
    found = carriers(*drawn(np.random.default_rng(3), entangled=0.02, H=0.5))
    assert found.answer == CANNOT_TELL
    assert found.p_together <= 0.001


def test_nothing_is_seldom_called_something():
    rng = np.random.default_rng(4)
    answers = [carriers(*drawn(rng)).answer for _ in range(60)]
    assert answers.count(NONE_SHOWN) >= 53
