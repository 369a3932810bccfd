"""The head in plain torch: capped losses, and losses that are reported."""

import pytest
import torch
from torch.nn import functional as F

from ziplaw.kernels import reference_head

torch.set_num_threads(1)


def test_underflowing_probability_caps_the_loss_only():
    x = torch.tensor([[200.0]])
    weight = torch.tensor([[1.0], [-1.0]])
    grad = torch.full((2, 1), torch.nan)
    loss, dx = reference_head.linear_cross_entropy_backward(x, weight, torch.tensor([1]), 2, grad)
    assert 87 < loss < 88
    assert torch.equal(dx, torch.tensor([[2.0]]))
    assert torch.equal(grad, torch.tensor([[200.0], [-200.0]]))
    assert reference_head.linear_cross_entropy_loss(x, weight, torch.tensor([1]), 2) == 400


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_reported_losses_are_of_logits_in_fp32(dtype):
    generator = torch.Generator().manual_seed(0)
    x, weight = (2 * torch.randn(n, 32, generator=generator).to(dtype) for n in (40, 24))
    targets = torch.arange(40) % 21
    found = reference_head.linear_cross_entropy_loss(x, weight, targets, 21, 16)
    right = F.cross_entropy(x.double() @ weight[:21].double().t(), targets, reduction="none")
    assert found.dtype == torch.float32
    assert (found - right).abs().max() < 1e-5 * right.max()
