"""Causal attention, both ways, against float64 autograd of the textbook formula."""

import pytest
import torch

from ziplaw.kernels import attention

torch.set_num_threads(1)


@pytest.mark.parametrize(("documents", "heads", "positions", "width"), [(2, 1, 64, 8), (1, 3, 65, 4), (2, 2, 200, 6)])
def test_both_attentions(documents, heads, positions, width):
    shape, generator = (3, documents, heads, positions, width), torch.Generator().manual_seed(0)
    qkv = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    mask = torch.full((positions, positions), -torch.inf).triu(1)
    q, k, v = qkv
    want = ((q @ k.transpose(-1, -2) + mask).softmax(-1) @ v).transpose(1, 2).reshape(documents * positions, -1)
    weight = torch.randn(want.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (expected,) = torch.autograd.grad(want, qkv, weight)
    for forward, backward in (
        (attention.blocked_forward, attention.blocked_backward),
        (attention.sdpa_forward, attention.sdpa_backward),
    ):
        out, saved = forward(qkv.detach())
        assert torch.allclose(out, want, atol=1e-12)
        assert torch.allclose(backward(weight, qkv.detach(), saved), expected, atol=1e-12)
        assert torch.equal(forward(qkv.detach(), False)[0], out)
