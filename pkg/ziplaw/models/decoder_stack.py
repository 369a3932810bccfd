"""Several decoders of one shape side by side: the passes of :mod:`ziplaw.models.decoder` with a leading model axis.

Products become batched products, and the operations by row (norms, rotations, attention, SwiGLU, cross-entropy) see the
documents of all models as one batch, so a narrow model no longer leaves a GPU waiting between kernels. Norm weights are
multiplied into the matrix that reads the norm, W' = W diag(w), so the norm kernels need not know whose row it is: d w
is the row sum of d W' * W, and d W = d W' diag(w). Vocabularies are padded to the largest; padded entries have a
logit of minus infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import TrainError
from .decoder import Decoder
from .flat import FlatModel, shifted
from .shape.decoder_config import ModelConfig, parameter_layout

LOGITS_BYTES = 512 << 20


def common_config(configs: Sequence[ModelConfig]) -> ModelConfig:
    """Return the shape of several decoders, with the largest vocabulary.

    Raises
    ------
    TrainError
        When they differ in more than the vocabulary, or are no decoders.
    """
    shapes = {replace(c, vocab_size=2) if isinstance(c, ModelConfig) else c for c in configs}
    if len(shapes) != 1 or not isinstance(configs[0], ModelConfig):
        raise TrainError(f"models of {len(shapes)} shapes cannot train side by side: give decoders of one size")
    return max(configs, key=lambda config: config.vocab_size)


def product(left: Tensor, right: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the product (M, a, b) of (M, a, k) and (M, k, b) in a dtype that may be wider than the factors'."""
    if left.dtype == dtype:
        return torch.bmm(left, right)
    if left.device.type == "cuda":
        return torch.bmm(left, right, out_dtype=dtype)
    return torch.bmm(left.to(dtype), right.to(dtype))


class Decoders(FlatModel):
    """M decoders over flat buffers of shape (M, n), with hand-written backward pass.

    Parameters
    ----------
    configs : sequence of ModelConfig
        One a model, alike but for the vocabulary.
    device, dtype, compute, pad
        As of :class:`ziplaw.models.decoder.Decoder`.
    """

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        compute: torch.dtype | None = None,
        pad: int = 1,
    ):
        self.configs, self.config = list(configs), common_config(configs)
        super().__init__(parameter_layout(self.config, pad), device, dtype, compute, models=len(self.configs))
        self.M, self.compute = len(self.configs), compute or dtype
        c = self.config
        self.table = self.ops.rope_table(c.context, c.head_width, dtype=dtype).to(device)
        self.ones = torch.ones(c.hidden, dtype=dtype, device=device)
        self.unused = torch.zeros_like(self.ones)
        # tokens of model m are rows of the embedding, which begins the m-th buffer; a buffer is a whole number of rows
        assert self.flat.shape[1] % c.hidden == 0
        self.first_row = torch.arange(self.M, device=device).view(-1, 1) * (self.flat.shape[1] // c.hidden)
        self.entries = self.layout[0][1][0]
        self.first_entry = torch.arange(self.M, device=device).view(-1, 1) * self.entries
        self.outside = None
        if any(config.vocab_size != self.entries for config in self.configs):
            sizes = torch.tensor([config.vocab_size for config in self.configs], device=device).view(-1, 1, 1)
            zeros = torch.zeros((self.M, 1, self.entries), dtype=self.compute, device=device)
            self.outside = zeros.masked_fill(torch.arange(self.entries, device=device) >= sizes, -torch.inf)

    def initialise(self, seeds: Sequence[int], style: str = "mup") -> None:
        """Give each model the weights that :meth:`ziplaw.models.decoder.Decoder.initialise` draws for its seed."""
        for m, (seed, config) in enumerate(zip(seeds, self.configs, strict=True)):
            alone = Decoder(config)
            alone.initialise(seed, style)
            for name, value in alone.parameters.items():
                self.parameters[name][m, : value.shape[0]].copy_(value)
        self.refresh()

    # (rows of all models, k) @ (M, out, k)^T, both in the compute dtype
    def _apply(self, x: Tensor, weight: Tensor) -> Tensor:
        return torch.bmm(x.view(self.M, -1, x.shape[-1]), weight.transpose(1, 2)).flatten(0, 1)

    # (rows, out) @ (M, out, k)
    def _apply_back(self, grad: Tensor, weight: Tensor) -> Tensor:
        return torch.bmm(grad.view(self.M, -1, grad.shape[-1]), weight).flatten(0, 1)

    # gradient of a matrix in fp32: grad^T x by model, (M, out, k)
    def _outer(self, grad: Tensor, x: Tensor) -> Tensor:
        grad, x = (t.view(self.M, -1, t.shape[-1]) for t in (grad, x))
        return product(grad.transpose(1, 2), x, self.flat.dtype)

    def _folded(self, name: str, norm: str) -> Tensor:
        return (self.parameters[name] * self.parameters[norm].unsqueeze(1)).to(self.compute)

    def _unfold(self, name: str, norm: str, grad: Tensor) -> None:
        torch.mul(grad, self.parameters[norm].unsqueeze(1), out=self.grads[name])
        self.grads[norm].copy_((grad * self.parameters[name]).sum(1))

    def _norm(self, x: Tensor, branch: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        return self.ops.rms_norm_forward(x, self.ones, branch)

    def _norm_backward(self, grad: Tensor, total: Tensor, rstd: Tensor, into: Tensor | None = None) -> Tensor:
        return self.ops.rms_norm_backward(grad, total, rstd, self.ones, self.unused, into)

    def _layer_forward(self, x: Tensor, branch: Tensor | None, i: int, table: Tensor, keep: bool) -> tuple:
        ops, p = self.ops, self.weights
        qkv_matrix = self._folded(f"layer{i}.qkv", f"layer{i}.attention_norm")
        gate_up_matrix = self._folded(f"layer{i}.gate_up", f"layer{i}.mlp_norm")
        normed1, x1, rstd1 = self._norm(x, branch)
        qkv = self._apply(normed1, qkv_matrix)
        packed = ops.rope_forward(qkv.view(-1, table.shape[1], qkv.shape[1]), table, self.config.heads)
        mixed, saved = ops.attention_forward(packed, keep)
        branch = self._apply(mixed, p[f"layer{i}.out"])
        normed2, x2, rstd2 = self._norm(x1, branch)
        gate_up = self._apply(normed2, gate_up_matrix)
        inner = ops.swiglu_forward(gate_up)
        branch = self._apply(inner, p[f"layer{i}.down"])
        kept = (
            qkv_matrix,
            gate_up_matrix,
            normed1,
            x1,
            rstd1,
            packed,
            mixed,
            saved,
            normed2,
            x2,
            rstd2,
            gate_up,
            inner,
        )
        return x2, branch, kept if keep else ()

    def _layer_backward(self, grad: Tensor, i: int, table: Tensor, kept: tuple) -> Tensor:
        ops, p, g = self.ops, self.weights, self.grads
        qkv_matrix, gate_up_matrix, normed1, x1, rstd1, packed, mixed, saved, normed2, x2, rstd2, gate_up, inner = kept
        g[f"layer{i}.down"].copy_(self._outer(grad, inner))
        d = ops.swiglu_backward(self._apply_back(grad, p[f"layer{i}.down"]), gate_up)
        self._unfold(f"layer{i}.gate_up", f"layer{i}.mlp_norm", self._outer(d, normed2))
        grad = self._norm_backward(self._apply_back(d, gate_up_matrix), x2, rstd2, grad)
        g[f"layer{i}.out"].copy_(self._outer(grad, mixed))
        d = ops.attention_backward(self._apply_back(grad, p[f"layer{i}.out"]), packed, saved)
        d = ops.rope_backward(d, table).view(grad.shape[0], -1)
        self._unfold(f"layer{i}.qkv", f"layer{i}.attention_norm", self._outer(d, normed1))
        return self._norm_backward(self._apply_back(d, qkv_matrix), x1, rstd1, grad)

    def _body(self, inputs: Tensor, keep: bool) -> tuple[Tensor, Tensor, Tensor, list[tuple], Tensor]:
        table = self.table[:, : inputs.shape[1]].contiguous()
        rows = (inputs.reshape(self.M, -1) + self.first_row).view(-1)
        source = self.flat if self.shadow is None else self.shadow
        x, branch = torch.index_select(source.view(-1, self.config.hidden), 0, rows), None
        layers = []
        for i in range(self.config.layers):
            x, branch, kept = self._layer_forward(x, branch, i, table, keep)
            layers.append(kept)
        normed, x, rstd = self._norm(x, branch)
        return normed, x, rstd, layers, table

    # logits (rows of all models, entries) of tokens first.. of each model
    def _logits(self, x: Tensor, head: Tensor) -> Tensor:
        if self.outside is None:
            return torch.bmm(x, head.transpose(1, 2))
        return torch.baddbmm(self.outside, x, head.transpose(1, 2))

    def _chunk(self, tokens: int, dtype: torch.dtype) -> int:
        """Tokens of each model whose logits are held at once."""
        rows = LOGITS_BYTES // (self.M * self.entries * dtype.itemsize)
        return min(tokens, max(128, 1 << max(rows, 1).bit_length() - 1))

    @torch.no_grad()
    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """Mean cross-entropy of each model's documents; fills :attr:`grad`.

        Parameters
        ----------
        targets : Tensor, int64, shape (M * B, S)
            Documents, those of the first model first.

        Returns
        -------
        Tensor, shape (M,)
            Nats per token.
        """
        inputs = shifted(targets)
        normed, x, rstd, layers, table = self._body(inputs, keep=True)
        head = self._folded("head", "final_norm")
        normed, wanted = normed.view(self.M, -1, self.config.hidden), targets.view(self.M, -1)
        tokens = wanted.shape[1]
        grad, sums = torch.empty_like(normed), []
        head_grad: Tensor | None = None
        chunk = self._chunk(tokens, self.compute)
        for start in range(0, tokens, chunk):
            here = slice(start, start + chunk)
            rows = normed[:, here]
            logits = self._logits(rows, head)
            nll, d = self.ops.cross_entropy_forward(logits.flatten(0, 1), wanted[:, here].reshape(-1))
            sums.append(nll.view(self.M, -1))
            # the mean's 1/T goes to the small factor of each product
            d = d.view_as(logits)
            grad[:, here] = torch.bmm(d, head * (1.0 / tokens))
            found = product(d.transpose(1, 2), rows * (1.0 / tokens), self.flat.dtype)
            head_grad = found if head_grad is None else head_grad.add_(found)
        assert head_grad is not None  # there is a token
        self._unfold("head", "final_norm", head_grad)
        grad = self._norm_backward(grad.flatten(0, 1), x, rstd)
        for i in reversed(range(self.config.layers)):
            grad = self._layer_backward(grad, i, table, layers.pop())
        entries = (inputs.reshape(self.M, -1) + self.first_entry).view(-1)
        by_entry = torch.empty((self.M * self.entries, self.config.hidden), dtype=self.flat.dtype, device=grad.device)
        self.ops.embedding_backward(grad, entries, by_entry)
        self.grads["embedding"].copy_(by_entry.view(self.M, self.entries, -1))
        return torch.cat(sums, 1).mean(1)

    @torch.no_grad()
    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (M * B, S), those of the first model first; nats, same shape."""
        normed, *_ = self._body(shifted(targets), keep=False)
        head = self._folded("head", "final_norm")
        normed, wanted = normed.view(self.M, -1, self.config.hidden), targets.view(self.M, -1)
        tokens, found = wanted.shape[1], []
        # logits of losses that are reported are fp32, as in kernels.reference.linear_cross_entropy_loss
        chunk = self._chunk(tokens, self.flat.dtype)
        for start in range(0, tokens, chunk):
            here = slice(start, start + chunk)
            logits = product(normed[:, here], head.transpose(1, 2), self.flat.dtype)
            if self.outside is not None:
                logits += self.outside
            nll, _ = self.ops.cross_entropy_forward(logits.flatten(0, 1), wanted[:, here].reshape(-1))
            found.append(nll.view(self.M, -1))
        return torch.cat(found, 1).view(targets.shape)
