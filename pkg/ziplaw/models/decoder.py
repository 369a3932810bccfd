"""The Llama-style decoder: a forward and backward pass over flat buffers.

Pre-norm RMSNorm, rotary positions, causal attention, SwiGLU, no biases, untied embeddings.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .flat import FlatModel, shifted
from .normals import Normals
from .shape.decoder_config import ModelConfig, parameter_layout


class Decoder(FlatModel):
    """A decoder over flat parameter and gradient buffers, with hand-written backward pass.

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

    Attributes
    ----------
    flat, grad : Tensor, shape (n,)
        Parameters and gradients; n is N_total and padding.
    shadow : Tensor or None, shape (n,)
        The parameters in the compute dtype, where that is another; :meth:`refresh` brings it up to date.
    parameters, grads : dict of str to Tensor
        Named views into ``flat`` and ``grad``.
    weights : dict of str to Tensor
        What the passes read: views into ``shadow``, but of ``flat`` for norms and where there is no shadow.
    """

    def __init__(
        self,
        config: ModelConfig,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        compute: torch.dtype | None = None,
        pad: int = 1,
    ):
        super().__init__(parameter_layout(config, pad), device, dtype, compute)
        self.config = config
        self.table = self.ops.rope_table(config.context, config.head_width, dtype=dtype).to(device)

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

    # x is the residual stream before the pending branch is added to it; the norm that follows adds it
    def _layer_forward(self, x: Tensor, branch: Tensor | None, i: int, table: Tensor, keep: bool) -> tuple:
        ops, p = self.ops, self.weights
        normed1, x1, rstd1 = ops.rms_norm_forward(x, p[f"layer{i}.attention_norm"], branch)
        qkv = torch.mm(normed1, p[f"layer{i}.qkv"].t())
        packed = ops.rope_forward(qkv.view(-1, table.shape[1], qkv.shape[1]), table, self.config.heads)
        mixed, saved = ops.attention_forward(packed, keep)
        branch = torch.mm(mixed, p[f"layer{i}.out"].t())
        normed2, x2, rstd2 = ops.rms_norm_forward(x1, p[f"layer{i}.mlp_norm"], branch)
        gate_up = torch.mm(normed2, p[f"layer{i}.gate_up"].t())
        inner = ops.swiglu_forward(gate_up)
        branch = torch.mm(inner, p[f"layer{i}.down"].t())
        kept = (normed1, x1, rstd1, packed, mixed, saved, normed2, x2, rstd2, gate_up, inner) if keep else ()
        return x2, branch, kept

    # grad is the gradient of the residual stream after the layer, and so of its last branch too
    def _layer_backward(self, grad: Tensor, i: int, table: Tensor, kept: tuple) -> Tensor:
        ops, p, g = self.ops, self.weights, self.grads
        normed1, x1, rstd1, packed, mixed, saved, normed2, x2, rstd2, gate_up, inner = kept
        ops.product_into(grad.t(), inner, g[f"layer{i}.down"])
        d = ops.swiglu_backward(torch.mm(grad, p[f"layer{i}.down"]), gate_up)
        ops.product_into(d.t(), normed2, g[f"layer{i}.gate_up"])
        d = torch.mm(d, p[f"layer{i}.gate_up"])
        norm = f"layer{i}.mlp_norm"
        grad = ops.rms_norm_backward(d, x2, rstd2, p[norm], g[norm], grad)
        ops.product_into(grad.t(), mixed, g[f"layer{i}.out"])
        d = ops.attention_backward(torch.mm(grad, p[f"layer{i}.out"]), packed, saved)
        d = ops.rope_backward(d, table).view(grad.shape[0], -1)
        ops.product_into(d.t(), normed1, g[f"layer{i}.qkv"])
        d = torch.mm(d, p[f"layer{i}.qkv"])
        norm = f"layer{i}.attention_norm"
        return ops.rms_norm_backward(d, x1, rstd1, p[norm], g[norm], grad)

    def _body(self, inputs: Tensor, keep: bool) -> tuple[Tensor, Tensor, Tensor, list[tuple], Tensor]:
        table = self.table[:, : inputs.shape[1]].contiguous()
        x, branch = torch.index_select(self.weights["embedding"], 0, inputs.reshape(-1)), None
        layers = []
        for i in range(self.config.layers):
            x, branch, kept = self._layer_forward(x, branch, i, table, keep)
            layers.append(kept)
        normed, x, rstd = self.ops.rms_norm_forward(x, self.weights["final_norm"], branch)
        return normed, x, rstd, layers, table

    @torch.no_grad()
    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """Mean cross-entropy of a batch; fills :attr:`grad` with its gradient.

        Parameters
        ----------
        targets : Tensor, int64, shape (B, S)
            Documents, S up to the context; all tokens are predicted, see :func:`shifted`.

        Returns
        -------
        Tensor, 0-dimensional
            Nats per token.
        """
        ops, p, g = self.ops, self.weights, self.grads
        inputs = shifted(targets)
        normed, x, rstd, layers, table = self._body(inputs, keep=True)
        loss, d = ops.linear_cross_entropy_backward(
            normed, p["head"], targets.reshape(-1), self.config.vocab_size, g["head"]
        )
        grad = ops.rms_norm_backward(d, x, rstd, p["final_norm"], g["final_norm"])
        for i in reversed(range(self.config.layers)):
            grad = self._layer_backward(grad, i, table, layers.pop())
        ops.embedding_backward(grad, inputs.reshape(-1), g["embedding"])
        return loss

    @torch.no_grad()
    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (B, S), nats, same shape; no gradient."""
        normed, *_ = self._body(shifted(targets), keep=False)
        nll = self.ops.linear_cross_entropy_loss(
            normed, self.weights["head"], targets.reshape(-1), self.config.vocab_size
        )
        return nll.view(targets.shape)

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the next token, shape (B, S, vocab_size)."""
        normed, *_ = self._body(inputs, keep=False)
        return (normed @ self.weights["head"][: self.config.vocab_size].t()).view(*inputs.shape, -1)
