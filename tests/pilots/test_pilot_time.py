"""From a trial of speed to seconds, and from minutes to what is left for training."""

import numpy as np
import pytest

from ziplaw.errors import ZiplawError
from ziplaw.pilots import pilot_time

SPEED = {
    "start_s": 3.0,
    "held_out_tokens": 1000,
    "sizes": [
        {"flops_per_token": 1e4, "train_s": 1e-6, "held_out_s": 1e-7},
        {"flops_per_token": 1e6, "train_s": 1e-4, "held_out_s": 3e-5},
    ],
}


def test_seconds_of_a_token_between_sizes_and_beyond():
    train, held_out = pilot_time.seconds_per_token(SPEED, [1e3, 1e4, 1e5, 1e6, 4e6])
    np.testing.assert_allclose(train, [1e-6, 1e-6, 1e-5, 1e-4, 4e-4], rtol=1e-12)
    assert held_out[4] == pytest.approx(4 * held_out[3])


def test_a_run_is_its_start_its_tokens_and_its_evaluations():
    seconds = pilot_time.run_seconds(SPEED, [1e4, 1e6], [2e6, 1e4], [1, 3])
    np.testing.assert_allclose(seconds, [3 + 2 + 1000 * 1e-7, 3 + 1 + 3 * 1000 * 3e-5], rtol=1e-12)


def test_runs_share_cores_the_longest_first():
    assert pilot_time.packed_seconds([2, 3, 4, 5], 1) == 14
    assert pilot_time.packed_seconds([2, 3, 4, 5], 2) == 7
    assert pilot_time.packed_seconds([1, 1, 9], 8) == 9
    assert pilot_time.packed_seconds([], 2) == 0


def test_a_reserve_is_kept():
    assert pilot_time.training_seconds(10) < 600
    assert pilot_time.training_seconds(10) > 450
    assert pilot_time.training_seconds(1) >= 10
    with pytest.raises(ZiplawError, match=r"0.5 minutes leave no time to train after .* give more"):
        pilot_time.training_seconds(0.5)
