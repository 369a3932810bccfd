"""A plain LSTM of the decoder's interface, to ask what the architecture does at equal N.

Embedding, a stack of LSTM layers as wide as the embedding, an output head; no norms, no dropout, no residuals: the
model of Kaplan et al. 2020, section 3.2.1. Always in fp32: a step of the recurrence is far too small for its time to
depend on arithmetic.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .flat import FlatModel, shifted
from .normals import Normals
from .shape.lstm_config import LstmConfig


class Lstm(FlatModel):
    """An LSTM over flat parameter and gradient buffers; the recurrence is torch's own kernel, time-major.

    Parameters
    ----------
    config : LstmConfig
    device, dtype, pad
        As of :class:`ziplaw.models.decoder.Decoder`.
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
        # torch adds two biases; ours is the first, and the second stays zero
        self.no_bias = torch.zeros(4 * config.hidden, dtype=dtype, device=device)
        self.recurrent = [f"layer{i}.{part}" for i in range(config.layers) for part in ("input", "state", "bias")]

    def initialise(self, seed: int, style: str = "mup") -> None:
        """Draw initial weights: a seed gives the same ones on every device and machine.

        Parameters
        ----------
        seed : int
            See :func:`ziplaw.models.flat.init_seed`.
        style : {"mup", "llama"}
            mup: embedding N(0, 1), matrices N(0, 1/h), head zero. llama: N(0, 0.02^2) for all of them. Biases are
            zero, but one for the forget gates, which lets gradients pass from the start (Gers et al. 2000).
        """
        normals = Normals(seed)
        h = self.config.hidden
        for name, shape, group in self.config.layout():
            weight = self.parameters[name][: shape[0]]
            if group == "biases":
                weight.zero_()[h : 2 * h].fill_(1.0)
                continue
            if style == "mup" and group == "head":
                weight.zero_()
                continue
            std = {"embedding": 1.0}.get(group, 1.0 / math.sqrt(h)) if style == "mup" else 0.02
            weight.copy_(torch.from_numpy(normals.draw(shape, std)))
        self.refresh()

    # rows of the embedding (S, B, h) and the outputs above them; with a graph of torch's own if asked for
    def _body(self, inputs: Tensor, keep: bool = False) -> tuple[Tensor, Tensor, list[Tensor]]:
        h, layers = self.config.hidden, self.config.layers
        x = self.parameters["embedding"].index_select(0, inputs.reshape(-1)).view(*inputs.shape, h)
        with torch.set_grad_enabled(keep):
            x, *leaves = (t.detach().requires_grad_(keep) for t in (x, *(self.parameters[n] for n in self.recurrent)))
            weights = [part for i in range(0, 3 * layers, 3) for part in (*leaves[i : i + 3], self.no_bias)]
            start = x.new_zeros((layers, inputs.shape[1], h))
            outputs, *_ = torch.lstm(x, (start, start), weights, True, layers, 0.0, keep, False, False)
        return x, outputs, leaves

    @torch.no_grad()
    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """See :meth:`ziplaw.models.decoder.Decoder.loss_and_grad`."""
        inputs, targets = shifted(targets).t(), targets.t().reshape(-1)
        x, outputs, leaves = self._body(inputs, keep=True)
        loss, grad = self.ops.linear_cross_entropy_backward(
            outputs.detach().reshape(len(targets), -1),
            self.parameters["head"],
            targets,
            self.config.vocab_size,
            self.grads["head"],
        )
        grad, *found = torch.autograd.grad(outputs, [x, *leaves], grad.view_as(outputs))
        for name, value in zip(self.recurrent, found):
            self.grads[name].copy_(value)
        order = self.ops.embedding_order(inputs.reshape(-1), len(self.grads["embedding"]))
        self.ops.embedding_backward(grad.reshape(len(targets), -1), order, self.grads["embedding"])
        return loss

    @torch.no_grad()
    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (B, S), nats, same shape; no gradient."""
        _, x, _ = self._body(shifted(targets).t())
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
        _, x, _ = self._body(inputs.t())
        return x.transpose(0, 1) @ self.parameters["head"][: self.config.vocab_size].t()
