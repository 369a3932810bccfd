"""Plain operations that have no differentiable form of their own: tables, gradients of the embedding."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ziplaw.errors import TrainError
from ziplaw.kernels import reference

torch.set_num_threads(1)


def test_rope_needs_even_width():
    with pytest.raises(TrainError, match="head width is 5"):
        reference.rope_table(4, 5)


@pytest.mark.parametrize("width", [2, 16, 64])
def test_rope_table_turns_by_the_angles(width):
    positions = 5000
    # the frequencies have an error of a few units in the last place, which grows with the position
    frequency = np.array([10_000.0 ** (-j / width) for j in range(0, width, 2)])
    angle = np.arange(positions)[:, None] * frequency
    want = np.cos(angle) + 1j * np.sin(angle)
    queries, keys, values = reference.rope_table(positions, width, dtype=torch.float64).numpy()
    assert abs(keys - want).max() < 2e-15 * positions
    assert np.array_equal(queries.real, keys.real * (1.0 / np.sqrt(width)))
    assert np.array_equal(queries.imag, keys.imag * (1.0 / np.sqrt(width)))
    assert (values == 1).all()
    rounded = reference.rope_table(positions, width).numpy()
    assert rounded.dtype == np.complex64
    assert np.array_equal(rounded[1], keys.astype(np.complex64))


def test_embedding_backward():
    grad = torch.randn(20, 3, dtype=torch.float64)
    tokens = torch.arange(20) % 4
    out = torch.full((6, 3), torch.nan, dtype=torch.float64)
    reference.embedding_backward(grad, reference.embedding_order(tokens, 6), out)
    assert torch.allclose(out, F.one_hot(tokens, 6).double().T @ grad)
