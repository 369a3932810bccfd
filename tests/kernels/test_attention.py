"""Causal attention, both ways, against float64 autograd of the textbook formula."""

import pytest
import torch
from graph_probes import Flash, Operations

from ziplaw.kernels import attention

torch.set_num_threads(1)


@pytest.mark.parametrize(("documents", "heads", "positions", "width"), [(2, 1, 64, 8), (1, 3, 65, 4), (2, 2, 200, 6)])
def test_both_attentions(documents, heads, positions, width):
    shape, generator = (documents, positions, 3, heads, width), torch.Generator().manual_seed(0)
    qkv = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    mask = torch.full((positions, positions), -torch.inf).triu(1)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    want = ((q @ k.transpose(-1, -2) + mask).softmax(-1) @ v).transpose(1, 2).reshape(documents * positions, -1)
    weight = torch.randn(want.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (expected,) = torch.autograd.grad(want, qkv, weight)
    for forward, backward in (
        (attention.blocked_forward, attention.blocked_backward),
        (attention.sdpa_forward, attention.sdpa_backward),
    ):
        out, saved = forward(qkv.detach())
        assert torch.allclose(out, want, atol=1e-12)
        assert torch.allclose(torch.stack(backward(weight, qkv.detach(), saved), 2), expected, atol=1e-12)
        assert torch.equal(forward(qkv.detach(), False)[0], out)


@pytest.mark.parametrize("heads", [1, 3])
def test_nothing_is_copied_between_the_projections_and_fused_attention(monkeypatch, heads):
    Flash.put_in(monkeypatch)
    qkv = torch.randn(2, 8, 3, heads, 4)
    grad = torch.randn(16, 4 * heads)
    with Operations() as watch:
        _, saved = attention.sdpa_forward(qkv)
        grads = attention.sdpa_backward(grad, qkv, saved)
    assert not watch.counts
    # as the rotation's backward pass takes them, without a copy either
    assert len({g.stride() for g in grads}) == 1
    assert all(g.shape == (2, 8, heads, 4) and g.stride(-1) == 1 for g in grads)
