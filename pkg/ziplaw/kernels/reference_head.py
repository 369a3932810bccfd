"""Plain-torch cross-entropy, and the output head with it: the CPU path, and the oracle of the Triton kernels.

Shapes: T tokens, h hidden, V entries of the vocabulary, padded to Vp; M models side by side, the rows of one behind
those of the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .products import product_into, wide_product

# rows of logits held at once: 256 x 301 floats stay in a 512 KiB cache
HEAD_CHUNK = 256
LOGITS_BYTES = 256 << 20


def cross_entropy_forward(
    logits: Tensor, targets: Tensor, vocabulary: int | Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of rows of logits and its gradient, in one go.

    Parameters
    ----------
    logits : Tensor, shape (T, Vp)
        Columns from ``vocabulary`` on are padding: they get no probability and no gradient.
    targets : Tensor, int64, shape (T,)
        Negative targets are ignored: loss 0, gradient 0.
    vocabulary : int or Tensor, integers, shape (M,), optional
        V <= Vp; of M models side by side each has T / M rows, and a vocabulary of its own.

    Returns
    -------
    nll : Tensor, shape (T,)
        -ln p(target), nats.
    grad : Tensor, shape (T, Vp)
        d nll / d logits = softmax(logits) - onehot(target).
    """
    if isinstance(vocabulary, Tensor):
        outside = torch.arange(logits.shape[1], device=logits.device) >= vocabulary.view(-1, 1, 1)
        by_model = logits.view(len(vocabulary), -1, logits.shape[1])
        return cross_entropy_forward(by_model.masked_fill(outside, -torch.inf).view_as(logits), targets)
    vocabulary = logits.shape[1] if vocabulary is None else vocabulary
    ignored = targets < 0
    index = targets.clamp(min=0).unsqueeze(1)
    log_p = torch.log_softmax(logits[:, :vocabulary], -1)
    nll = log_p.gather(1, index).squeeze(1).neg().masked_fill_(ignored, 0.0)
    grad = torch.zeros_like(logits)
    torch.exp(log_p, out=grad[:, :vocabulary])
    grad.scatter_add_(1, index, -torch.ones_like(index, dtype=logits.dtype))
    return nll, grad.masked_fill_(ignored.unsqueeze(1), 0.0)


def cross_entropy_in_place(logits: Tensor, targets: Tensor, vocabulary: int | Tensor, scale: float = 1.0) -> Tensor:
    """Return the losses of :func:`cross_entropy_forward`; ``scale`` times their gradient is written over the logits."""
    nll, grad = cross_entropy_forward(logits, targets, vocabulary)
    logits.copy_(grad.mul_(scale))
    return nll


def default_chunk(tokens: int, vocabulary: int, item_bytes: int) -> int:
    """Rows of logits held at once on a GPU: a power of two of at most LOGITS_BYTES, at least 128; all if they fit."""
    rows = max(128, LOGITS_BYTES // (vocabulary * item_bytes))
    return min(tokens, 1 << (rows.bit_length() - 1))


def linear_cross_entropy_loss(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int | Tensor, chunk: int = HEAD_CHUNK
) -> Tensor:
    """-ln p(target) of every token, never holding more than ``chunk`` rows of logits.

    Parameters
    ----------
    x : Tensor, shape (T, h), or (M, T, h) of M models side by side
    weight : Tensor, shape (Vp, h) or (M, Vp, h)
        The output head; rows from ``vocabulary`` on are padding.
    targets : Tensor, int64, shape (T,) or (M * T,)
        Negative targets are ignored: loss 0.
    vocabulary : int, or Tensor, integers, shape (M,)
    chunk : int

    Returns
    -------
    Tensor, shape (T,) or (M, T)
        Nats; of logits in fp32 where the factors are narrower: rounded to bf16 they would move losses by a percent.
    """
    if isinstance(vocabulary, Tensor):
        found, targets = [], targets.view(x.shape[:-1])
        for start in range(0, x.shape[1], chunk):
            here = slice(start, start + chunk)
            logits = wide_product(x[:, here], weight.mT)
            nll, _ = cross_entropy_forward(logits.flatten(0, 1), targets[:, here].reshape(-1), vocabulary)
            found.append(nll.view(len(x), -1))
        return torch.cat(found, 1)
    head = weight[:vocabulary].t()
    parts = []
    for start in range(0, x.shape[0], chunk):
        log_p = torch.log_softmax(wide_product(x[start : start + chunk], head), -1)
        parts.append(log_p.gather(1, targets[start : start + chunk].clamp(min=0).unsqueeze(1)).squeeze(1))
    return torch.cat(parts).neg_().masked_fill_(targets < 0, 0.0)


def linear_cross_entropy_backward(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int | Tensor, weight_grad: Tensor, chunk: int = HEAD_CHUNK
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of a linear head and its gradients, never holding more than ``chunk`` rows of logits.

    Parameters
    ----------
    x : Tensor, shape (T, h), or (M, T, h) of M models side by side
    weight : Tensor, shape (Vp, h) or (M, Vp, h)
    targets : Tensor, int64, shape (T,) or (M * T,)
        Each in 0..vocabulary-1; negative targets are ignored: loss 0, gradient 0, still counted by the mean.
    vocabulary : int, or Tensor, integers, shape (M,)
    weight_grad : Tensor, shape (Vp, h) or (M, Vp, h)
        Filled; rows from ``vocabulary`` on must be zero, and stay so.
    chunk : int

    Returns
    -------
    loss : Tensor, shape () or (M,)
        Mean nats. A token's loss is capped where its probability underflows (87 nats in fp32); gradients are exact.
    grad : Tensor, shape of x
        d loss / d x.
    """
    if isinstance(vocabulary, Tensor):
        return _heads_backward(x, weight, targets, vocabulary, weight_grad, chunk)
    tokens = x.shape[0]
    head = weight[:vocabulary]
    head_grad = weight_grad[:vocabulary]
    grad = torch.empty_like(x)
    picked = x.new_empty((tokens, 1))
    minus = x.new_full((min(chunk, tokens), 1), -1.0)
    logits = x.new_empty((min(chunk, tokens), vocabulary))
    for start in range(0, tokens, chunk):
        rows = x[start : start + chunk]
        n = rows.shape[0]
        index = targets[start : start + chunk].unsqueeze(1)
        ignored = index < 0
        index = index.clamp(min=0)
        p = torch.mm(rows, head.t(), out=logits[:n])
        torch.softmax(p, -1, out=p)
        torch.gather(p, 1, index, out=picked[start : start + n])
        p.scatter_add_(1, index, minus[:n])
        p.masked_fill_(ignored, 0.0)
        # the mean's 1/T is applied by the products, not in a pass of its own over p
        out = grad[start : start + n]
        torch.addmm(out, p, head, beta=0.0, alpha=1.0 / tokens, out=out)
        if head_grad.dtype == x.dtype:
            torch.addmm(head_grad, p.t(), rows, beta=float(start > 0), alpha=1.0 / tokens, out=head_grad)
        else:
            product_into(p.t(), rows * (1.0 / tokens), head_grad, accumulate=start > 0)
    picked = picked.clamp_(min=torch.finfo(x.dtype).tiny).log_().masked_fill_((targets < 0).unsqueeze(1), 0.0)
    return picked.mean().neg_(), grad


def _heads_backward(
    x: Tensor, weight: Tensor, targets: Tensor, vocabularies: Tensor, weight_grad: Tensor, chunk: int
) -> tuple[Tensor, Tensor]:
    """:func:`linear_cross_entropy_backward` of several models."""
    models, tokens, _ = x.shape
    grad, losses, targets = torch.empty_like(x), [], targets.view(models, -1)
    for start in range(0, tokens, chunk):
        here = slice(start, start + chunk)
        logits = torch.bmm(x[:, here], weight.transpose(1, 2))
        nll = cross_entropy_in_place(logits.flatten(0, 1), targets[:, here].reshape(-1), vocabularies, 1.0 / tokens)
        losses.append(nll.view(models, -1))
        torch.bmm(logits, weight, out=grad[:, here])
        product_into(logits.transpose(1, 2), x[:, here], weight_grad, accumulate=start > 0)
    return torch.cat(losses, 1).mean(1), grad
