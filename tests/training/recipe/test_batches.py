"""The order in which documents are visited: a permutation of every epoch, a function of seed and step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.training.recipe.batches import AHEAD, Batches, permuted


@given(st.integers(1, 3000), st.integers(0, 2**63 - 1), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_every_epoch_visits_every_document_once(n, seed, epoch):
    positions = np.arange(epoch * n, (epoch + 1) * n)
    order = permuted(positions, n, seed)
    assert order.dtype == np.int64
    assert (np.sort(order) == np.arange(n)).all()
    assert (order[::-1] == permuted(positions[::-1], n, seed)).all()


def test_order_is_known_and_mixes():
    assert permuted(np.arange(8), 8, 0).tolist() == [5, 2, 4, 3, 7, 1, 0, 6]
    n = 5000
    order = permuted(np.arange(2 * n), n, 3)
    assert not (order[:n] == order[n:]).all()
    assert not (order[:n] == permuted(np.arange(n), n, 4)).all()
    # neighbours in the order are as far apart as in a random one: mean |difference| of n/3
    assert abs(np.abs(np.diff(order[:n])).mean() / n - 1 / 3) < 0.02


def test_batches_are_a_function_of_seed_and_step():
    documents = np.arange(700, dtype=np.uint16)[:, None].repeat(3, 1)
    forward = Batches(documents, 3, 5)
    steps = [0, 1, AHEAD - 1, AHEAD, 2 * AHEAD + 1]
    first = {step: forward[step] for step in steps}
    for step in reversed(steps):
        assert (Batches(documents, 3, 5)[step] == first[step]).all()
        assert (forward[step] == first[step]).all()
    # two steps of 3 hold the same documents as one step of 6
    assert (Batches(documents, 6, 5)[0] == np.concatenate([first[0], first[1]])).all()
