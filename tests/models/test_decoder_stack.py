"""Several decoders as one batched model against each by itself: losses, gradients, padding."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tiny_runs import CONTEXT, shape

from ziplaw.errors import TrainError
from ziplaw.models.decoder import Decoder
from ziplaw.models.decoder_stack import Decoders, common_config
from ziplaw.models.shape.lstm_config import LstmConfig


def both(vocabularies, dtype, pad, documents=2, compute=None, **changes):
    """A batched model and its members, with the same random weights, and documents for each."""
    models = [shape(v, **changes) for v in vocabularies]
    batched = Decoders(models, dtype=dtype, compute=compute, pad=pad)
    members = [Decoder(c, dtype=dtype, compute=compute) for c in models]
    generator = torch.Generator().manual_seed(0)
    batched.initialise(range(len(models)))
    for m, member in enumerate(members):
        member.initialise(m)
        for name, value in member.parameters.items():
            value.add_(0.2 * torch.randn(value.shape, generator=generator, dtype=torch.float64).to(dtype))
            batched.parameters[name][m, : value.shape[0]].copy_(value)
        member.refresh()
    batched.refresh()
    targets = [torch.randint(0, v, (documents, 19), generator=generator) for v in vocabularies]
    return batched, members, targets


@pytest.mark.parametrize("vocabularies", [(21,), (64, 64), (2, 64, 300)])
@pytest.mark.parametrize(("pad", "changes"), [(1, {}), (64, {"hidden": 18, "heads": 3, "intermediate": 10})])
def test_losses_and_gradients_are_those_of_each_model(monkeypatch, vocabularies, pad, changes):
    batched, members, targets = both(vocabularies, torch.float64, pad, **changes)
    # several chunks of logits, the last one cut
    for name in ("linear_cross_entropy_backward", "linear_cross_entropy_loss"):
        monkeypatch.setattr(batched.ops, name, partial(getattr(batched.ops, name), chunk=16))
    losses = batched.loss_and_grad(torch.cat(targets))
    each = batched.token_losses(torch.cat(targets)).split(2)
    for m, (member, own) in enumerate(zip(members, targets)):
        assert torch.allclose(losses[m], member.loss_and_grad(own), rtol=1e-12)
        assert torch.allclose(each[m], member.token_losses(own), rtol=1e-11)
        for name, grad in member.grads.items():
            found = batched.grads[name][m]
            scale = grad.abs().max().clamp(min=1e-12)
            assert ((found[: len(grad)] - grad).abs().max() / scale).item() < 1e-11, name
            assert (found[len(grad) :] == 0).all(), f"{name}: padding has a gradient"


def test_bf16_errs_no_more_than_one_model_does():
    batched, members, targets = both((50, 64), torch.float32, 8, compute=torch.bfloat16, hidden=32)
    _, references, _ = both((50, 64), torch.float64, 8, hidden=32)
    losses = batched.loss_and_grad(torch.cat(targets))
    for m, (member, reference, own) in enumerate(zip(members, references, targets)):
        right, one = reference.loss_and_grad(own), member.loss_and_grad(own)
        assert abs(losses[m] - right) <= 2 * abs(one - right) + 2e-3
        for name, grad in reference.grads.items():
            error, ones = ((g - grad).norm() for g in (batched.grads[name][m, : len(grad)], member.grads[name]))
            assert error <= 2 * ones, (name, float(error), float(ones))


@pytest.mark.parametrize("pad", [1, 64])
def test_reported_losses_are_of_logits_in_fp32(pad):
    """In bf16 only what the head is given is rounded: with logits in bf16 losses err by a hundredth of a nat here."""
    batched, _, targets = both((50, 64), torch.float32, pad, compute=torch.bfloat16, hidden=32)
    targets = torch.cat(targets)
    found = batched.token_losses(targets).view(2, -1)
    normed, *_ = batched._body(targets, keep=False)
    head = batched.weights["head"].double()
    logits = normed.double().view(2, -1, 32) @ head.transpose(1, 2)
    for m, vocabulary in enumerate((50, 64)):
        right = F.cross_entropy(logits[m, :, :vocabulary], targets.view(2, -1)[m], reduction="none")
        assert (found[m] - right).abs().max() < 1e-5


def test_only_decoders_of_one_size():
    assert common_config([shape(5), shape(9)]).vocab_size == 9
    for other in (shape(hidden=10), shape(layers=1), LstmConfig(8, 2, 21, CONTEXT)):
        with pytest.raises(TrainError, match="side by side"):
            common_config([shape(), other])
