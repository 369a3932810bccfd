"""Plain operations that have no differentiable form of their own: tables, gradients of the embedding, AdamW."""

import pytest
import torch
from torch.nn import functional as F

from ziplaw.errors import TrainError
from ziplaw.kernels import reference

torch.set_num_threads(1)


def test_rope_needs_even_width():
    with pytest.raises(TrainError, match="head width is 5"):
        reference.rope_table(4, 5)


def test_underflowing_probability_caps_the_loss_only():
    x = torch.tensor([[200.0]])
    weight = torch.tensor([[1.0], [-1.0]])
    grad = torch.full((2, 1), torch.nan)
    loss, dx = reference.linear_cross_entropy_backward(x, weight, torch.tensor([1]), 2, grad)
    assert 87 < loss < 88
    assert torch.equal(dx, torch.tensor([[2.0]]))
    assert torch.equal(grad, torch.tensor([[200.0], [-200.0]]))
    assert reference.linear_cross_entropy_loss(x, weight, torch.tensor([1]), 2) == 400


def test_embedding_backward():
    grad = torch.randn(20, 3, dtype=torch.float64)
    tokens = torch.arange(20) % 4
    out = torch.full((6, 3), torch.nan, dtype=torch.float64)
    reference.embedding_backward(grad, tokens, out)
    assert torch.allclose(out, F.one_hot(tokens, 6).double().T @ grad)


@pytest.mark.parametrize(("decay", "clip"), [(0.0, 0.0), (0.1, 0.0), (0.1, 0.5), (0.0, 1e3)])
def test_adamw_against_torch(decay, clip):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(50, generator=generator, dtype=torch.float64)
    scale = torch.where(torch.arange(50) < 20, 1.0, 0.25).double()
    mask = (torch.arange(50) >= 20).double()
    flat, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    groups = [start[:20].clone().requires_grad_(), start[20:].clone().requires_grad_()]
    optimiser = torch.optim.AdamW(
        [
            {"params": [groups[0]], "lr": 0.01, "weight_decay": 0.0},
            {"params": [groups[1]], "lr": 0.0025, "weight_decay": decay},
        ],
        betas=(0.9, 0.95),
        eps=1e-8,
    )
    for step in range(1, 6):
        grad = torch.randn(50, generator=generator, dtype=torch.float64)
        groups[0].grad, groups[1].grad = grad[:20].clone(), grad[20:].clone()
        norm = torch.nn.utils.clip_grad_norm_(groups, clip or torch.inf)
        optimiser.step()
        got = reference.adamw(
            flat,
            grad.clone(),
            first,
            second,
            scale,
            learning_rate=0.01,
            step=step,
            weight_decay=decay,
            decay_mask=mask,
            clip=clip,
        )
        assert torch.allclose(got, norm)
        assert torch.allclose(flat, torch.cat(groups).detach(), atol=1e-12)
