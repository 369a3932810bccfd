"""The decoder's passes as torch calls, recorded once over fixed buffers, then replayed.

Narrow models spend their time in overhead and in matrix products with a side of 8 or 16, so this path differs from
that of :mod:`ziplaw.models.decoder` in three ways. Activations are feature-major, (h, T) instead of (T, h):
BLAS wants the long side of a product contiguous, norms reduce over contiguous rows, and the halves of the SwiGLU are
blocks. Attention works on blocks of 64 queries, never touches keys in the future and keeps the probabilities, since
every exponential costs as much as 50 multiply-adds. And all views and outputs are made once: a step is a list of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ziplaw.kernels import HEAD_CHUNK
from ziplaw.kernels.reference import EPSILON, rope_table
from ziplaw.models.decoder import Decoder

BLOCK = 64


class Recorder:
    """Buffers and calls of a forward pass, and of a backward pass if asked for.

    Parameters
    ----------
    model : Decoder
        On a CPU; its flat buffers are read and written in place.
    documents : int
        B, documents in a batch.
    backward : bool
        Record the backward pass too; otherwise token losses only.
    positions : int, optional
        S, by default the model's context.

    Attributes
    ----------
    targets : Tensor, int64, shape (B, S)
        Fill before :meth:`replay`.
    losses : Tensor, shape (B, S)
        -ln p(target) of every token, nats. In training capped where a probability underflows (87 nats in fp32).
    """

    def __init__(self, model: Decoder, documents: int, *, backward: bool, positions: int | None = None):
        self.model, self.backward = model, backward
        c = self.config = model.config
        self.B, self.S = documents, c.context if positions is None else positions
        self.T = self.B * self.S
        self.calls: list[partial] = []
        self.inputs = torch.zeros((self.B, self.S), dtype=torch.int64)
        self.targets = torch.zeros_like(self.inputs)
        self.losses = self.new(self.B, self.S)
        table = rope_table(self.S, c.head_width, dtype=model.flat.dtype)
        # (3, 1, 1, d/2, 1, S) factors and (2, 1, 1, d/2, S) cross factors of a rotation of adjacent features
        self.cos = table.real.transpose(1, 2)[:, None, None, :, None].contiguous()
        self.sin = table.imag[:2].transpose(1, 2)[:, None, None].contiguous()
        self.minus_sin = -self.sin
        self.future = torch.full((BLOCK, BLOCK), -torch.inf, dtype=model.flat.dtype).triu_(1)
        self.starts = range(0, self.S, BLOCK)
        with torch.no_grad():
            self._record()

    def new(self, *shape: int) -> Tensor:
        """Return a buffer that lives as long as the recording."""
        return torch.empty(shape, dtype=self.model.flat.dtype)

    def call(self, function: Callable[..., object], *arguments: Any, **keywords: Any) -> None:
        """Record a call."""
        self.calls.append(partial(function, *arguments, **keywords))

    def replay(self, targets: Tensor) -> None:
        """Run the recorded calls on a batch of documents, int64, shape (B, S)."""
        with torch.inference_mode():
            self.targets.copy_(targets)
            self.inputs[:, 1:].copy_(self.targets[:, :-1])
            for call in self.calls:
                call()

    def _record(self) -> None:
        h, m = self.config.hidden, self.config.intermediate
        p = self.model.parameters
        rows, self.x = self.new(self.T, h), self.new(h, self.T)
        self.scratch = self.new(h, self.T)
        self.epsilon, self.mean = self.new(self.T).fill_(EPSILON), self.new(h).fill_(1.0 / h)
        self.qkv = self.new(3 * h, self.T)
        self.call(torch.index_select, p["embedding"], 0, self.inputs.view(-1), out=rows)
        self.call(self.x.copy_, rows.t())
        shared = None
        layers = []
        for i in range(self.config.layers):
            # without a backward pass every layer may write over the buffers of the one before
            kept = self._layer_buffers(h, m) if self.backward or shared is None else shared
            shared = kept
            self._layer_forward(i, kept)
            layers.append(kept)
        final = (self.new(h, self.T), self.new(h, self.T), self.new(self.T))
        self._norm_forward(p["final_norm"], *final)
        if not self.backward:
            self._head_losses(final[0])
            return
        g = self.model.grads
        self.grad, self.branch = self.new(h, self.T), self.new(h, self.T)
        self.inner_row, self.one = self.new(self.T), self.new().fill_(1.0)
        self.wide, self.wide2 = self.new(m, self.T), self.new(2 * m, self.T)
        self.packed_grad = self.new(*layers[0]["packed"].shape)
        self._head_backward(final[0])
        self.call(self.grad.zero_)
        self._norm_backward(p["final_norm"], g["final_norm"], *final)
        for i in reversed(range(self.config.layers)):
            self._layer_backward(i, layers[i])
        self.call(rows.copy_, self.grad.t())
        self.call(g["embedding"].zero_)
        self.call(g["embedding"].index_add_, 0, self.inputs.view(-1), rows)

    def _layer_buffers(self, h: int, m: int) -> dict:
        c, new = self.config, self.new
        return {
            "norm1": (new(h, self.T), new(h, self.T), new(self.T)),
            "norm2": (new(h, self.T), new(h, self.T), new(self.T)),
            "packed": new(3, self.B, c.heads, c.head_width, self.S),
            "p": [new(self.B * c.heads, min(BLOCK, self.S - s), min(s + BLOCK, self.S)) for s in self.starts],
            "mixed": new(h, self.T),
            "gate_up": new(2 * m, self.T),
            "sigmoid": new(m, self.T),
            "activated": new(m, self.T),
            "inner": new(m, self.T),
        }

    # y = w * unit, unit = x * rstd, rstd = 1 / sqrt(mean(x^2) + eps)
    def _norm_forward(self, weight: Tensor, y: Tensor, unit: Tensor, rstd: Tensor) -> None:
        self.call(torch.mul, self.x, self.x, out=self.scratch)
        # a matrix-vector product is the fastest mean over features here, and adds epsilon on the way
        self.call(torch.addmv, self.epsilon, self.scratch.t(), self.mean, out=rstd)
        self.call(rstd.rsqrt_)
        self.call(torch.mul, self.x, rstd, out=unit)
        self.call(torch.mul, unit, weight.unsqueeze(1), out=y)

    # adds to self.grad what flows back through the norm from self.branch (which is spoiled)
    def _norm_backward(self, weight: Tensor, weight_grad: Tensor, y: Tensor, unit: Tensor, rstd: Tensor) -> None:
        self.call(torch.mul, self.branch, unit, out=self.scratch)
        self.call(torch.sum, self.scratch, 1, out=weight_grad)
        row = self.inner_row
        self.call(torch.addmv, row, self.scratch.t(), weight, beta=0.0, alpha=-1.0 / len(weight), out=row)
        self.call(self.branch.mul_, weight.unsqueeze(1))
        self.call(self.branch.addcmul_, unit, row)
        self.call(self.grad.addcmul_, self.branch, rstd)

    # (3h, T) seen as (3, B, H, d/2, 2, S)
    def _unpacked(self) -> Tensor:
        c = self.config
        return self.qkv.view(3, c.heads, c.head_width // 2, 2, self.B, self.S).permute(0, 4, 1, 2, 3, 5)

    def _rotate(self, source: Tensor, out: Tensor, sin: Tensor, minus_sin: Tensor) -> None:
        self.call(torch.mul, source, self.cos, out=out)
        self.call(out[:2, ..., 0, :].addcmul_, source[:2, ..., 1, :], minus_sin)
        self.call(out[:2, ..., 1, :].addcmul_, source[:2, ..., 0, :], sin)

    # (B*H, d, S) seen through a buffer of shape (h, T) = (H, d, B, S)
    def _per_head(self, flat: Tensor) -> Tensor:
        return flat.view(self.config.heads, self.config.head_width, self.B, self.S).permute(2, 0, 1, 3)

    def _attention_forward(self, packed: Tensor, p: list[Tensor], mixed: Tensor) -> None:
        c = self.config
        query, key, value = packed.view(3, self.B * c.heads, c.head_width, self.S)
        out = self._per_head(mixed)
        for start, block in zip(self.starts, p):
            stop = block.shape[2]
            rows = stop - start
            part = self.new(self.B * c.heads, c.head_width, rows)
            self.call(torch.bmm, query[:, :, start:stop].transpose(1, 2), key[:, :, :stop], out=block)
            self.call(block[:, :, start:].add_, self.future[:rows, :rows])
            self.call(torch.softmax, block, -1, out=block)
            self.call(torch.bmm, value[:, :, :stop], block.transpose(1, 2), out=part)
            self.call(out[..., start:stop].copy_, part.view(self.B, c.heads, c.head_width, rows))

    # self.branch (h, T) holds the gradient of mixed; fills self.packed_grad
    def _attention_backward(self, packed: Tensor, p: list[Tensor]) -> None:
        c = self.config
        query, key, value = packed.view(3, self.B * c.heads, c.head_width, self.S)
        dq, dk, dv = self.packed_grad.view(3, self.B * c.heads, c.head_width, self.S)
        grad = self.new(self.B, c.heads, c.head_width, self.S)
        self.call(grad.copy_, self._per_head(self.branch))
        grad = grad.view(-1, c.head_width, self.S)
        # the last block of queries sees every key, so it fills the gradients that the other blocks add to
        for start, block in reversed(list(zip(self.starts, p))):
            stop = block.shape[2]
            dp, part = self.new(*block.shape), self.new(len(block), c.head_width, stop - start)
            self.call(torch.bmm, grad[:, :, start:stop].transpose(1, 2), value[:, :, :stop], out=dp)
            self.call(torch._softmax_backward_data, dp, block, -1, dp.dtype, grad_input=dp)
            self.call(torch.bmm, key[:, :, :stop], dp.transpose(1, 2), out=part)
            self.call(dq[:, :, start:stop].copy_, part)
            for out, left, right in ((dk, query, dp), (dv, grad, block)):
                if stop == self.S:
                    self.call(torch.bmm, left[:, :, start:stop], right, out=out)
                else:
                    more = self.new(len(block), c.head_width, stop)
                    self.call(torch.bmm, left[:, :, start:stop], right, out=more)
                    self.call(out[:, :, :stop].add_, more)

    def _layer_forward(self, i: int, kept: dict) -> None:
        c, p, m = self.config, self.model.parameters, self.config.intermediate
        self._norm_forward(p[f"layer{i}.attention_norm"], *kept["norm1"])
        self.call(torch.mm, p[f"layer{i}.qkv"], kept["norm1"][0], out=self.qkv)
        turned = kept["packed"].view(3, self.B, c.heads, c.head_width // 2, 2, self.S)
        self._rotate(self._unpacked(), turned, self.sin, self.minus_sin)
        self._attention_forward(kept["packed"], kept["p"], kept["mixed"])
        self.call(self.x.addmm_, p[f"layer{i}.out"], kept["mixed"])
        self._norm_forward(p[f"layer{i}.mlp_norm"], *kept["norm2"])
        self.call(torch.mm, p[f"layer{i}.gate_up"], kept["norm2"][0], out=kept["gate_up"])
        self.call(torch.sigmoid, kept["gate_up"][:m], out=kept["sigmoid"])
        self.call(torch.mul, kept["gate_up"][:m], kept["sigmoid"], out=kept["activated"])
        self.call(torch.mul, kept["activated"], kept["gate_up"][m:], out=kept["inner"])
        self.call(self.x.addmm_, p[f"layer{i}.down"], kept["inner"])

    def _layer_backward(self, i: int, kept: dict) -> None:
        c, p, g, m = self.config, self.model.parameters, self.model.grads, self.config.intermediate
        self.call(torch.mm, self.grad, kept["inner"].t(), out=g[f"layer{i}.down"])
        self.call(torch.mm, p[f"layer{i}.down"].t(), self.grad, out=self.wide)
        self.call(torch.mul, self.wide, kept["activated"], out=self.wide2[m:])
        self.call(self.wide.mul_, kept["gate_up"][m:])
        # silu' = silu + sigmoid * (1 - silu)
        self.call(torch.lerp, kept["activated"], self.one, kept["sigmoid"], out=self.wide2[:m])
        self.call(self.wide2[:m].mul_, self.wide)
        self.call(torch.mm, self.wide2, kept["norm2"][0].t(), out=g[f"layer{i}.gate_up"])
        self.call(torch.mm, p[f"layer{i}.gate_up"].t(), self.wide2, out=self.branch)
        self._norm_backward(p[f"layer{i}.mlp_norm"], g[f"layer{i}.mlp_norm"], *kept["norm2"])

        self.call(torch.mm, self.grad, kept["mixed"].t(), out=g[f"layer{i}.out"])
        self.call(torch.mm, p[f"layer{i}.out"].t(), self.grad, out=self.branch)
        self._attention_backward(kept["packed"], kept["p"])
        turned = self.packed_grad.view(3, self.B, c.heads, c.head_width // 2, 2, self.S)
        self._rotate(turned, self._unpacked(), self.minus_sin, self.sin)
        self.call(torch.mm, self.qkv, kept["norm1"][0].t(), out=g[f"layer{i}.qkv"])
        self.call(torch.mm, p[f"layer{i}.qkv"].t(), self.qkv, out=self.branch)
        self._norm_backward(p[f"layer{i}.attention_norm"], g[f"layer{i}.attention_norm"], *kept["norm1"])

    def _chunks(self, normed: Tensor) -> Iterator[tuple[slice, Tensor, Tensor, Tensor, Tensor]]:
        targets, losses = self.targets.view(-1, 1), self.losses.view(-1, 1)
        self.logits = self.new(min(HEAD_CHUNK, self.T), self.config.vocab_size)
        for start in range(0, self.T, HEAD_CHUNK):
            here = slice(start, min(start + HEAD_CHUNK, self.T))
            yield here, normed[:, here], self.logits[: here.stop - start], targets[here], losses[here]

    def _head_losses(self, normed: Tensor) -> None:
        head = self.model.parameters["head"]
        for _, x, logits, targets, losses in self._chunks(normed):
            self.call(torch.mm, x.t(), head.t(), out=logits)
            self.call(torch.log_softmax, logits, -1, out=logits)
            self.call(torch.gather, logits, 1, targets, out=losses)
        self.call(self.losses.neg_)

    # d loss / d logits = (softmax - onehot) / T; the 1/T is applied by the products, not in a pass of its own
    def _head_backward(self, normed: Tensor) -> None:
        head = self.model.parameters["head"]
        transposed = self.new(*head.t().shape)
        minus = torch.full((HEAD_CHUNK, 1), -1.0, dtype=self.model.flat.dtype)
        share = 1.0 / self.T
        for here, x, p, targets, losses in self._chunks(normed):
            self.call(torch.mm, x.t(), head.t(), out=p)
            self.call(torch.softmax, p, -1, out=p)
            self.call(torch.gather, p, 1, targets, out=losses)
            self.call(p.scatter_add_, 1, targets, minus[: len(p)])
            out = self.branch[:, here]
            self.call(torch.addmm, out, head.t(), p.t(), beta=0.0, alpha=share, out=out)
            self.call(torch.addmm, transposed, x, p, beta=float(here.start > 0), alpha=share, out=transposed)
        self.call(self.model.grads["head"].copy_, transposed.t())
        self.call(self.losses.clamp_, min=torch.finfo(self.losses.dtype).tiny)
        self.call(self.losses.log_)
        self.call(self.losses.neg_)
