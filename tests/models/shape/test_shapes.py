"""Shapes of nearly equal N."""

import pytest
import torch

from ziplaw.errors import TrainError
from ziplaw.models.shape.architectures import make_config
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.shapes import nearest_width, shapes

torch.set_num_threads(1)


@pytest.mark.parametrize("architecture", ["llama", "lstm"])
@pytest.mark.parametrize("N", [1, 700, 5200, 11_640, 10**6])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_no_other_width_is_nearer(N, architecture, layers):
    found = nearest_width(N, architecture, layers)
    step = 2 if architecture == "llama" else 1
    assert found.mismatch == pytest.approx(found.N / N - 1)
    for hidden in (found.hidden - step, found.hidden + step):
        if hidden >= step:
            other = count_params(make_config(architecture, hidden=hidden, layers=layers, vocab_size=2)).N
            assert abs(other - N) >= abs(found.N - N)


def test_proposed_shapes():
    N = count_params(ModelConfig(24, 2, 2)).N
    found = shapes(N, 2)
    decoders = [s for s in found if s.architecture == "llama"]
    assert [(s.layers, s.hidden) for s in decoders if s.layers in (1, 2, 8)] == [(1, 34), (2, 24), (8, 12)]
    assert all(abs(s.mismatch) <= 0.05 for s in decoders)
    lstms = [s for s in found if s.architecture == "lstm"]
    assert lstms[0].layers == 2
    assert all(abs(s.mismatch) < abs(lstms[0].mismatch) for s in lstms[1:])
    for bad in ({"N": 0}, {"N": True}, {"N": 5, "tolerance": 2}):
        with pytest.raises(TrainError):
            shapes(**{"layers": 2, **bad})
