"""The trial of speed: real steps, all copies at once, seconds by the clock it is given."""

import threading

import pytest
from tiny_runs import documents, model

from ziplaw.training.speed_trial import LEAST_STEPS, speeds


def test_seconds_of_a_token_come_from_the_clock():
    ticks = {}

    def clock():
        # a second passes between any two looks, in each thread
        here = threading.get_ident()
        ticks[here] = ticks.get(here, 0) + 1
        return float(ticks[here])

    data = documents(16)
    (one,) = speeds([model()], data, data[:4], cores=2, seconds=5.0, device="cpu", batch_documents=4, clock=clock)
    tokens = 4 * data.shape[1]
    # of a copy's looks one begins, one precedes each step, one finds the time over and one ends: 4 steps, 6 seconds
    assert one.train_s == pytest.approx(6 / (4 * tokens))
    assert one.held_out_s == pytest.approx(1 / data[:4].size)


def test_a_larger_model_takes_longer():
    data = documents(16)
    small, large = speeds(
        [model(), model(hidden=128, layers=4)], data, data[:4], cores=1, seconds=0.05, device="cpu", batch_documents=4
    )
    assert LEAST_STEPS > 1
    assert 0 < small.train_s < large.train_s
    assert 0 < small.held_out_s < large.held_out_s
