"""A plain LSTM of the decoder's interface, to ask what the architecture does at equal N.

Embedding, a stack of LSTM layers as wide as the embedding, an output head; no norms, no dropout, no residuals: the
model of Kaplan et al. 2020, section 3.2.1. Always in fp32: a step of the recurrence is far too small for its time to depend on arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .flat import FlatModel, Layout, shifted, whole


@dataclass(frozen=True)
class LstmConfig:
    """The shape of an LSTM.

    Parameters
    ----------
    hidden : int
        Width of embedding and states.
    layers : int
    vocab_size : int
        Token ids 0..vocab_size-1 (0 is the separator).
    context : int
        Tokens a document.

    Raises
    ------
    TrainError
        When a number is out of range.
    """

    hidden: int
    layers: int
    vocab_size: int
    context: int = 256

    def __post_init__(self) -> None:
        whole("hidden", self.hidden, 1, 1 << 20, "choose a width such as 64")
        whole("layers", self.layers, 1, 10_000, "choose at least one layer")
        whole("vocab_size", self.vocab_size, 2, 1 << 31, "use the corpus's own vocabulary size")
        whole("context", self.context, 1, 1 << 20, "use the corpus's document length")

    @property
    def architecture(self) -> str:
        """Name of the architecture."""
        return "lstm"

    def layout(self, pad: int = 1) -> Layout:
        """Names, shapes and groups of all tensors in flat-buffer order; the vocabulary rounded up to a multiple of ``pad``.

        Rows of the matrices are gates in torch's order: input, forget, cell, output.
        """
        h = self.hidden
        entries = -(-self.vocab_size // pad) * pad
        layout: Layout = [("embedding", (entries, h), "embedding")]
        for i in range(self.layers):
            layout += [
                (f"layer{i}.input", (4 * h, h), "recurrent"),
                (f"layer{i}.state", (4 * h, h), "recurrent"),
                (f"layer{i}.bias", (4 * h,), "biases"),
            ]
        layout.append(("head", (entries, h), "head"))
        return layout

    def forward_flops(self) -> dict[str, int]:
        """FLOPs of the forward pass a token by part: 2 * 8 h^2 a layer for both products, 2 h V for the head."""
        h = self.hidden
        return {"recurrent": 16 * h * h * self.layers, "head": 2 * h * self.vocab_size}

    def activation_floats(self) -> int:
        """Numbers kept a token for the backward pass: gates, cells, their tanh, outputs, by layer; and the embedding."""
        return self.hidden * (1 + 12 * self.layers)

    def to_dict(self) -> dict[str, object]:
        """Return the shape as a dict, in the names of run.json."""
        return {
            "architecture": self.architecture,
            "hidden": self.hidden,
            "layers": self.layers,
            "vocab_size": self.vocab_size,
            "context": self.context,
        }


class Lstm(FlatModel):
    """An LSTM over flat parameter and gradient buffers, with hand-written backward pass; time-major inside.

    Parameters
    ----------
    config : LstmConfig
    device, dtype, pad
        As of :class:`ziplaw.model.Decoder`.
    """

    def __init__(
        self,
        config: LstmConfig,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        pad: int = 1,
    ):
        super().__init__(config.layout(pad), device, dtype)
        self.config = config

    def initialise(self, seed: int, style: str = "mup") -> None:
        """Draw initial weights on the CPU, so that a seed gives the same weights on every device.

        Parameters
        ----------
        seed : int
            See :func:`ziplaw.flat.init_seed`.
        style : {"mup", "llama"}
            mup: embedding N(0, 1), matrices N(0, 1/h), head zero. llama: N(0, 0.02^2) for all of them. Biases are
            zero, but one for the forget gates, which lets gradients pass from the start (Gers et al. 2000).
        """
        generator = torch.Generator().manual_seed(seed)
        h = self.config.hidden
        for name, shape, group in self.config.layout():
            weight = self.parameters[name][: shape[0]]
            if group == "biases":
                weight.zero_()[h : 2 * h].fill_(1.0)
                continue
            std = {"embedding": 1.0, "head": 0.0}.get(group, h**-0.5) if style == "mup" else 0.02
            weight.copy_(torch.randn(shape, generator=generator).mul_(std))
        self.refresh()

    # x (S, B, h); c_t = f c_{t-1} + i g, y_t = o tanh(c_t)
    def _layer_forward(self, x: Tensor, i: int) -> tuple[Tensor, ...]:
        S, B, h = x.shape
        p = self.parameters
        gates = torch.addmm(p[f"layer{i}.bias"], x.reshape(-1, h), p[f"layer{i}.input"].t()).view(S, B, 4 * h)
        cells, outputs = x.new_zeros((2, S + 1, B, h)).unbind(0)
        squashed = torch.empty_like(x)
        state = p[f"layer{i}.state"].t()
        # views are made many at once: a step is a dozen calls on tensors of a few hundred numbers
        gate = gates.unbind(0)
        keep_or_add, new, shown = (part.unbind(0) for part in gates.split((2 * h, h, h), 2))
        add, keep = (part.unbind(0) for part in gates[:, :, : 2 * h].split(h, 2))
        cell, output, tanh = cells.unbind(0), outputs.unbind(0), squashed.unbind(0)
        for t in range(S):
            gate[t].addmm_(output[t], state)
            keep_or_add[t].sigmoid_()
            new[t].tanh_()
            shown[t].sigmoid_()
            torch.mul(keep[t], cell[t], out=cell[t + 1])
            cell[t + 1].addcmul_(add[t], new[t])
            torch.tanh(cell[t + 1], out=tanh[t])
            torch.mul(shown[t], tanh[t], out=output[t + 1])
        return x, gates, cells, squashed, outputs

    # grad (S, B, h) of the layer's outputs; spoiled
    def _layer_backward(self, grad: Tensor, i: int, kept: tuple[Tensor, ...]) -> Tensor:
        x, gates, cells, squashed, outputs = kept
        S, B, h = x.shape
        p, g = self.parameters, self.grads
        add, keep, new, shown = gates.split(h, 2)
        # what the gradients of c (first three gates) and of y (the last) are multiplied with, for all steps at once
        factors = torch.empty((S, B, 4, h), dtype=x.dtype, device=x.device)
        factors[:, :, 0] = new * add * (1.0 - add)
        factors[:, :, 1] = cells[:-1] * keep * (1.0 - keep)
        factors[:, :, 2] = add * (1.0 - new * new)
        factors[:, :, 3] = squashed * shown * (1.0 - shown)
        into_cell = shown * (1.0 - squashed * squashed)
        dgates = torch.empty_like(factors)
        dcells = torch.empty_like(x)
        first, last = (dgates[:, :, k].unbind(0) for k in (slice(0, 3), 3))
        by_first, by_last = (factors[:, :, k].unbind(0) for k in (slice(0, 3), 3))
        flat, dcell, wide = dgates.view(S, B, 4 * h).unbind(0), dcells.unbind(0), dcells.unsqueeze(2).unbind(0)
        dout, through, kept_part = grad.unbind(0), into_cell.unbind(0), keep.unbind(0)
        state = p[f"layer{i}.state"]
        for t in reversed(range(S)):
            if t + 1 < S:
                dout[t].addmm_(flat[t + 1], state)
                torch.mul(dcell[t + 1], kept_part[t + 1], out=dcell[t])
                dcell[t].addcmul_(dout[t], through[t])
            else:
                torch.mul(dout[t], through[t], out=dcell[t])
            torch.mul(by_first[t], wide[t], out=first[t])
            torch.mul(by_last[t], dout[t], out=last[t])
        d = dgates.view(S * B, 4 * h)
        torch.mm(d.t(), x.reshape(-1, h), out=g[f"layer{i}.input"])
        torch.mm(d.t(), outputs[:-1].reshape(-1, h), out=g[f"layer{i}.state"])
        torch.sum(d, 0, out=g[f"layer{i}.bias"])
        return torch.mm(d, p[f"layer{i}.input"]).view(S, B, h)

    def _body(self, inputs: Tensor) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        x = self.parameters["embedding"].index_select(0, inputs.reshape(-1)).view(*inputs.shape, -1)
        layers = []
        for i in range(self.config.layers):
            layers.append(self._layer_forward(x, i))
            x = layers[-1][-1][1:]
        return x, layers

    @torch.no_grad()
    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """See :meth:`ziplaw.model.Decoder.loss_and_grad`."""
        inputs, targets = shifted(targets).t(), targets.t().reshape(-1)
        x, layers = self._body(inputs)
        loss, grad = self.ops.linear_cross_entropy_backward(
            x.reshape(len(targets), -1),
            self.parameters["head"],
            targets,
            self.config.vocab_size,
            self.grads["head"],
        )
        grad = grad.view_as(x)
        for i in reversed(range(self.config.layers)):
            grad = self._layer_backward(grad, i, layers.pop())
        self.ops.embedding_backward(grad.reshape(len(targets), -1), inputs.reshape(-1), self.grads["embedding"])
        return loss

    @torch.no_grad()
    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (B, S), nats, same shape; no gradient."""
        x, _ = self._body(shifted(targets).t())
        nll = self.ops.linear_cross_entropy_loss(
            x.transpose(0, 1).reshape(targets.numel(), -1),
            self.parameters["head"],
            targets.reshape(-1),
            self.config.vocab_size,
        )
        return nll.view(targets.shape)

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the next token, shape (B, S, vocab_size)."""
        x, _ = self._body(inputs.t())
        return x.transpose(0, 1) @ self.parameters["head"][: self.config.vocab_size].t()
