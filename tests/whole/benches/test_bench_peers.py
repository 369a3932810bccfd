"""What benches compare with: the recorded step is right, so its speed means something."""

import importlib
import sys

import pytest
import torch
from houses import ROOT

from ziplaw.models import plain_decoder
from ziplaw.models.decoder import Decoder
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.steps.core import core

sys.path.insert(0, str(ROOT / "bench"))

Recorder = importlib.import_module("peers.recorded_decoder").Recorder
train_cpu = importlib.import_module("train_cpu")
torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("hidden", "layers", "heads", "context", "documents"),
    [(8, 2, None, 12, 3), (12, 1, 2, 150, 2), (24, 2, 3, 65, 3), (6, 3, 1, 64, 5), (2, 1, 1, 5, 1)],
)
def test_recorded_passes_against_twin(hidden, layers, heads, context, documents):
    config = ModelConfig(hidden, layers, 19, heads=heads, context=context)
    model = Decoder(config, dtype=torch.float64)
    model.initialise(3, "llama")
    generator = torch.Generator().manual_seed(1)
    model.flat.add_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64), alpha=0.1)
    step = Recorder(model, documents, backward=True)
    look = Recorder(model, documents, backward=False)
    for _ in range(2):
        model.grad.fill_(torch.nan)
        targets = torch.randint(0, 19, (documents, context), generator=generator)
        step.replay(targets)
        look.replay(targets)
        leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
        expected = plain_decoder.token_losses(config, leaves, targets).mean()
        expected.backward()
        assert abs(step.losses.mean() - expected) < 1e-12
        assert torch.allclose(step.losses, look.losses, atol=1e-12)
        assert torch.allclose(look.losses, model.token_losses(targets), atol=1e-12)
        for name, leaf in leaves.items():
            error = (model.grads[name] - leaf.grad).abs().max() / leaf.grad.abs().max().clamp(min=1e-12)
            assert error < 1e-9, (name, float(error))
        # the weights move under the recording, as in training
        model.flat.add_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64), alpha=0.1)


def test_all_ways_to_take_a_step_are_the_same_step():
    shape = ModelConfig(8, 1, 21)
    build = core().builds()[0]
    found = train_cpu.speed_row(shape, 2, 2, 3, [build], list(train_cpu.ENGINES))
    assert float(found["largest_loss_difference"]) < 1e-5
    # gradients of fp32 are off by a few roundings, and by no more than torch's
    assert 0 < float(found["gradient_error"]) < 1e-5
    assert found["gradient_error_over_recorded"] < 2
    for name in (f"ziplaw_{build}", *train_cpu.ENGINES):
        assert found[f"{name}_tokens_per_s"] > 0
    assert 0 < found[f"ziplaw_{build}_share_of_peak"] < 1
