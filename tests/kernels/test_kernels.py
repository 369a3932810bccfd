"""Reference kernels: outputs and gradients against float64 autograd of the textbook formula."""

import pytest
import torch
from torch.nn import functional as F

from ziplaw import kernels
from ziplaw.errors import TrainError
from ziplaw.kernels import attention, reference
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
        return torch.stack([plain_decoder.rotate(q) * width**-0.5, plain_decoder.rotate(k), v])

    table = reference.rope_table(positions, width, dtype=dtype)
    check(lambda qkv: kernels.rope(qkv, table, heads), plain, (qkv,), dtype)
    unscaled = reference.rope_table(positions, width, scale_queries=False, dtype=torch.float64)
    assert torch.allclose(unscaled.abs(), torch.ones(()).double())


def test_rope_needs_even_width():
    with pytest.raises(TrainError, match="head width is 5"):
        reference.rope_table(4, 5)


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
    nll = reference.linear_cross_entropy_loss(x.detach(), weight.detach(), targets, 9, chunk)
    assert torch.allclose(nll.mean(), kernels.linear_cross_entropy(x, weight, targets, 9, chunk).detach())


def test_underflowing_probability_caps_the_loss_only():
    x = torch.tensor([[200.0]])
    weight = torch.tensor([[1.0], [-1.0]])
    grad = torch.full((2, 1), torch.nan)
    loss, dx = reference.linear_cross_entropy_backward(x, weight, torch.tensor([1]), 2, grad)
    assert 87 < loss < 88
    assert torch.equal(dx, torch.tensor([[2.0]]))
    assert torch.equal(grad, torch.tensor([[200.0], [-200.0]]))
    assert reference.linear_cross_entropy_loss(x, weight, torch.tensor([1]), 2) == 400


@pytest.mark.parametrize(("documents", "heads", "positions", "width"), [(2, 1, 64, 8), (1, 3, 65, 4), (2, 2, 200, 6)])
def test_both_attentions(documents, heads, positions, width):
    (qkv,) = tensors((3, documents, heads, positions, width))
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
