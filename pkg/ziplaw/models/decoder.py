"""The Llama-style decoder: a forward and backward pass over flat buffers.

Pre-norm RMSNorm, rotary positions, causal attention, SwiGLU, no biases, untied embeddings.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .flat import FlatModel
from .normals import Normals
from .shape.decoder_config import ModelConfig, parameter_layout


class DecoderPasses(FlatModel):
    """The passes of a decoder, or of several of one shape side by side, over flat parameter and gradient buffers.

    Parameters
    ----------
    config : ModelConfig
    device : torch.device or str
    dtype : torch.dtype
        Of parameters and gradients: float32; float64 for tests.
    compute : torch.dtype, optional
        Of activations and of the copy of the matrices that products read, by default ``dtype``; bfloat16 on a GPU.
        Norms, softmax and loss are computed in float32 all the same.
    pad : int
        Round the vocabulary's rows of embedding and head up to a multiple of this, for products of aligned sizes.
        Padded rows are zero, get no probability and no gradient.
    models : int, optional
        Several models of the shape, see :class:`ziplaw.models.decoder_stack.Decoders`.
    """

    def __init__(
        self,
        config: ModelConfig,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        compute: torch.dtype | None = None,
        pad: int = 1,
        models: int | None = None,
    ):
        super().__init__(parameter_layout(config, pad), device, dtype, compute, models)
        self.config, self.models = config, models
        self.vocabulary: int | Tensor = config.vocab_size
        # rows of the embedding, of all models
        self.entries = (models or 1) * self.layout[0][1][0]
        self.table = self.ops.rope_table(config.context, config.head_width, dtype=dtype).to(device)
        # where the gains lie in a model's buffer, in the order of the passes: two a layer, the final one
        places = [view.storage_offset() for name, view in self.parameters.items() if name.endswith("norm")]
        self.norm_places = torch.tensor(places, device=device)
        # kernels of whole layers, where they are asked for and can take this shape
        self.whole_layers = None
        if self.ops.layers is not None and dtype == torch.float32 and self.ops.layers.fits(config):
            self.whole_layers = self.ops.layers.WholeLayers(config, self.weights, self.flat)

    # (rows of all models, k) by model: (M, rows, k), or as it is where there is one model
    def _by_model(self, x: Tensor) -> Tensor:
        return x if self.models is None else x.view(self.models, -1, x.shape[-1])

    # the product with a weight (out, k) or (M, out, k), and the one that takes the gradient back
    def _apply(self, x: Tensor, weight: Tensor) -> Tensor:
        return torch.matmul(self._by_model(x), weight.mT).view(-1, weight.shape[-2])

    def _apply_back(self, grad: Tensor, weight: Tensor) -> Tensor:
        return torch.matmul(self._by_model(grad), weight).view(-1, weight.shape[-1])

    def _weight_grad(self, grad: Tensor, x: Tensor, out: Tensor) -> None:
        self.ops.product_into(self._by_model(grad).mT, self._by_model(x), out)

    # x is the residual stream before the pending branch is added to it; the norm that follows adds it
    def _layer_forward(self, x: Tensor, branch: Tensor | None, i: int, table: Tensor, keep: bool) -> tuple:
        ops, p = self.ops, self.weights
        normed1, x1, rstd1 = ops.rms_norm_forward(x, p[f"layer{i}.attention_norm"], branch)
        qkv = self._apply(normed1, p[f"layer{i}.qkv"])
        turned = ops.rope_forward(qkv.view(-1, table.shape[1], qkv.shape[1]), table, self.config.heads)
        mixed, saved = ops.attention_forward(turned, keep)
        branch = self._apply(mixed, p[f"layer{i}.out"])
        normed2, x2, rstd2 = ops.rms_norm_forward(x1, p[f"layer{i}.mlp_norm"], branch)
        gate_up = self._apply(normed2, p[f"layer{i}.gate_up"])
        inner = ops.swiglu_forward(gate_up)
        branch = self._apply(inner, p[f"layer{i}.down"])
        kept = (normed1, x1, rstd1, turned, mixed, saved, normed2, x2, rstd2, gate_up, inner) if keep else ()
        return x2, branch, kept

    # grad is the gradient of the residual stream after the layer, and so of its last branch too
    def _layer_backward(self, grad: Tensor, i: int, table: Tensor, kept: tuple, shares: Tensor) -> Tensor:
        ops, p, g = self.ops, self.weights, self.grads
        normed1, x1, rstd1, turned, mixed, saved, normed2, x2, rstd2, gate_up, inner = kept
        self._weight_grad(grad, inner, g[f"layer{i}.down"])
        d = ops.swiglu_backward(self._apply_back(grad, p[f"layer{i}.down"]), gate_up)
        self._weight_grad(d, normed2, g[f"layer{i}.gate_up"])
        d = self._apply_back(d, p[f"layer{i}.gate_up"])
        grad = ops.rms_norm_backward(d, x2, rstd2, p[f"layer{i}.mlp_norm"], shares[2 * i + 1], grad)
        self._weight_grad(grad, mixed, g[f"layer{i}.out"])
        parts = ops.attention_backward(self._apply_back(grad, p[f"layer{i}.out"]), turned, saved)
        d = ops.rope_backward(*parts, table).view(grad.shape[0], -1)
        self._weight_grad(d, normed1, g[f"layer{i}.qkv"])
        d = self._apply_back(d, p[f"layer{i}.qkv"])
        return ops.rms_norm_backward(d, x1, rstd1, p[f"layer{i}.attention_norm"], shares[2 * i], grad)

    def _body(self, tokens: Tensor, keep: bool, shift: bool = True) -> tuple:
        table = self.table[:, : tokens.shape[1]].contiguous()
        x, entries = self.ops.embed(tokens, self.weights["embedding"], shift)
        order: tuple[Tensor, ...] = ()
        if keep:
            with self.side.fork():
                order = self.ops.embedding_order(entries, self.entries)
        branch, layers = None, []
        if self.whole_layers is not None:
            x, layers = self.whole_layers.forward(x, table, keep)
        else:
            for i in range(self.config.layers):
                x, branch, kept = self._layer_forward(x, branch, i, table, keep)
                layers.append(kept)
        normed, x, rstd = self.ops.rms_norm_forward(x, self.weights["final_norm"], branch)
        # the entries are kept until the order is there
        return normed, x, rstd, layers, table, entries, order

    @torch.no_grad()
    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """Mean cross-entropy of a batch, of each model if there are several; fills :attr:`grad` with its gradient.

        Parameters
        ----------
        targets : Tensor, int64, shape (B, S)
            Documents, S up to the context; all tokens are predicted, see :func:`ziplaw.models.flat.shifted`. Of
            several models those of the first one come first.

        Returns
        -------
        Tensor, shape (), or (M,) of M models
            Nats per token.
        """
        ops, p, g = self.ops, self.weights, self.grads
        normed, x, rstd, layers, table, _entries, order = self._body(targets, keep=True)
        loss, d = ops.linear_cross_entropy_backward(
            self._by_model(normed), p["head"], targets.reshape(-1), self.vocabulary, g["head"]
        )
        count = 1 if self.whole_layers is not None else len(self.norm_places)
        shares = ops.norm_shares(count, len(x), p["final_norm"])
        grad = ops.rms_norm_backward(d.view(x.shape), x, rstd, p["final_norm"], shares[-1])
        if self.whole_layers is not None:
            grad = self.whole_layers.backward(grad, table, layers, self.norm_places, self.grad)
            ops.add_norm_shares(shares, self.norm_places[-1:], self.grad)
        else:
            for i in reversed(range(self.config.layers)):
                grad = self._layer_backward(grad, i, table, layers.pop(), shares)
            ops.add_norm_shares(shares, self.norm_places, self.grad)
        self.side.join()
        ops.embedding_backward(grad, order, g["embedding"])
        return loss

    @torch.no_grad()
    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (B, S), nats, same shape; no gradient."""
        normed, *_ = self._body(targets, keep=False)
        nll = self.ops.linear_cross_entropy_loss(
            self._by_model(normed), self.weights["head"], targets.reshape(-1), self.vocabulary
        )
        return nll.view(targets.shape)


class Decoder(DecoderPasses):
    """A decoder over flat parameter and gradient buffers, see :class:`DecoderPasses` for how it is made."""

    def initialise(self, seed: int, style: str = "mup") -> None:
        """Draw initial weights: a seed gives the same ones on every device and machine.

        Parameters
        ----------
        seed : int
            See :func:`init_seed`.
        style : {"mup", "llama"}
            mup: embedding N(0, 1); matrices N(0, 1/fan_in), those that write to the residual stream divided by
            sqrt(2 layers); head zero; norms one. llama: N(0, 0.02^2) for everything but the norms
            (``initializer_range`` of transformers' LlamaConfig).
        """
        normals = Normals(seed)
        # the padding stays zero, so a seed gives the same weights whatever the padding
        for name, shape, group in parameter_layout(self.config):
            weight = self.parameters[name][: shape[0]]
            if group == "norms":
                weight.fill_(1.0)
                continue
            if style == "llama":
                std = 0.02
            elif group == "embedding":
                std = 1.0
            elif group == "head":
                weight.zero_()
                continue
            else:
                std = 1.0 / math.sqrt(shape[1])
                if name.endswith((".out", ".down")):
                    std /= math.sqrt(2 * self.config.layers)
            weight.copy_(torch.from_numpy(normals.draw(shape, std)))
        self.refresh()

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the next token, shape (B, S, vocab_size)."""
        normed, *_ = self._body(inputs, keep=False, shift=False)
        return (normed @ self.weights["head"][: self.config.vocab_size].t()).view(*inputs.shape, -1)
