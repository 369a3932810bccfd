"""Differentiable functions over the kernels: outputs and gradients against float64 autograd of the textbook formula."""

import pytest
import torch
from torch.nn import functional as F

from ziplaw import kernels
from ziplaw.kernels import reference, reference_head
from ziplaw.models import plain_decoder

torch.set_num_threads(1)


DTYPES = [torch.float64, torch.float32]


def tensors(*shapes, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for s in shapes]


def check(function, plain, leaves, dtype):
    """Values and all gradients of function agree with plain, which is computed in float64."""
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    got, want = function(*leaves), plain(*exact)
    assert got.shape == want.shape
    weight = torch.randn(want.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    grads = torch.autograd.grad(got, leaves, weight.to(dtype))
    expected = torch.autograd.grad(want, exact, weight)
    limit = 1e-12 if dtype == torch.float64 else 1e-5
    for a, b in zip((got.detach(), *grads), (want.detach(), *expected)):
        error = float((a.double() - b).abs().max() / b.abs().max().clamp(min=1e-6))
        assert error < limit, f"relative error {error:.2e}, limit {limit:.0e}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 2), (7, 8), (33, 50)])
def test_rms_norm(shape, dtype):
    x, residual, weight = tensors(shape, shape, shape[1:], dtype=dtype)
    check(lambda x, w: kernels.rms_norm(x, w)[0], plain_decoder.rms_norm, (x, weight), dtype)
    check(
        lambda x, r, w: torch.cat(kernels.rms_norm(x, w, r)),
        lambda x, r, w: torch.cat([plain_decoder.rms_norm(x + r, w), x + r]),
        (x, residual, weight),
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("documents", "positions", "heads", "width"), [(1, 1, 1, 2), (2, 9, 3, 4), (3, 70, 1, 16)])
def test_rope(documents, positions, heads, width, dtype):
    (qkv,) = tensors((documents, positions, 3 * heads * width), dtype=dtype)

    def plain(qkv):
        q, k, v = qkv.view(documents, positions, 3, heads, width).permute(2, 0, 3, 1, 4)
        turned = torch.stack([plain_decoder.rotate(q) * width**-0.5, plain_decoder.rotate(k), v])
        return turned.permute(1, 3, 0, 2, 4)

    table = reference.rope_table(positions, width, dtype=dtype)
    check(lambda qkv: kernels.rope(qkv, table, heads), plain, (qkv,), dtype)
    unscaled = reference.rope_table(positions, width, scale_queries=False, dtype=torch.float64)
    assert torch.allclose(unscaled.abs(), torch.ones(()).double())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 2), (5, 14), (64, 130)])
def test_swiglu(shape, dtype):
    def plain(x):
        gate, up = x.chunk(2, -1)
        return gate * torch.sigmoid(gate) * up

    check(kernels.swiglu, plain, tensors(shape, dtype=dtype), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_ignores_labels_and_padding(dtype):
    (logits,) = tensors((9, 12), dtype=dtype)
    targets = torch.tensor([0, 9, 3, -1, 5, -100, 1, 2, 9])
    check(
        lambda x: kernels.cross_entropy(x, targets, 10),
        lambda x: F.cross_entropy(x[:, :10], targets.where(targets >= 0, -100), reduction="none"),
        (logits,),
        dtype,
    )
    kernels.cross_entropy(logits, targets, 10).sum().backward()
    assert (logits.grad[:, 10:] == 0).all()
    assert (logits.grad[[3, 5]] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunk", [1, 4, 7, 100])
def test_linear_cross_entropy(chunk, dtype):
    x, weight = tensors((13, 6), (11, 6), dtype=dtype)
    targets = torch.arange(13) % 9
    check(
        lambda x, w: kernels.linear_cross_entropy(x, w, targets, 9, chunk),
        lambda x, w: F.cross_entropy(x @ w[:9].T, targets),
        (x, weight),
        dtype,
    )
    nll = reference_head.linear_cross_entropy_loss(x.detach(), weight.detach(), targets, 9, chunk)
    assert torch.allclose(nll.mean(), kernels.linear_cross_entropy(x, weight, targets, 9, chunk).detach())
