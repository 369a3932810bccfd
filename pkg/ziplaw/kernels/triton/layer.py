"""A whole decoder layer in one kernel forward and two backward, for narrow models with one head, in Triton.

A narrow model's kernels are shorter than the time between two of them. Here a program takes ROWS positions of a
document through the layer: norm, projections, rotations, attention to all positions before, SwiGLU, both residuals. It
computes the keys and values before its own again, so that no program waits for another. What stays for the backward
pass is the layer's input, the rotated projections, the attention's output and the logarithm of its sums.

Backward, one kernel takes the gradient through the SwiGLU and the output projection, the next one through attention
and the projections. Each program writes its share of the weights' gradients, in the order of the parameters, and the
shares of all layers are added up in a fixed order at the end. The same operations one by one, which tests hold this to,
are ``Decoder._layer_forward`` and ``_layer_backward`` of :mod:`ziplaw.models.decoder`.

Not yet run on a GPU, and so in use only where ZIPLAW_KERNELS is ``layers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
import triton
from torch import Tensor

from ..reference import EPSILON
from .layer_backward import backward_attention_kernel, backward_mlp_kernel
from .layer_forward import forward_layer_kernel
from .reduce import sums_of_rows

MOST_WIDTH = 64
ROWS = 64
WARPS = 8


class LayerShape(Protocol):
    """What the kernels must know of a decoder."""

    hidden: int
    layers: int
    heads: int
    intermediate: int


def fits(shape: LayerShape) -> bool:
    """Whether the kernels can take a decoder's layers: one head, widths that are powers of two from 16 on."""
    widths = shape.hidden, shape.intermediate
    powers = all(width >= 16 and width & (width - 1) == 0 for width in widths)
    return shape.heads == 1 and powers and widths[0] <= MOST_WIDTH and widths[1] <= 2 * MOST_WIDTH


class WholeLayers:
    """All layers of a decoder, or of several of one shape side by side.

    Parameters
    ----------
    shape : LayerShape
    weights : mapping of str to Tensor
        By name; matrices (out, k) or of several models (M, out, k), gains (h,) or (M, h), each a view of the buffer.
    flat : Tensor, shape (n,) or (M, n)
        The buffer.
    """

    def __init__(self, shape: LayerShape, weights: Mapping[str, Tensor], flat: Tensor):
        self.shape, self.weights = shape, weights
        self.models, self.stride = (1, 0) if flat.dim() == 1 else flat.shape
        # where a layer's matrices begin, which lie one behind the other
        places = [weights[f"layer{i}.qkv"].storage_offset() for i in range(shape.layers)]
        self.places = torch.tensor(places, device=flat.device)

    def _of(self, i: int, *names: str) -> list[Tensor]:
        return [self.weights[f"layer{i}.{name}"] for name in names]

    # grid, arguments and constants that all kernels share, for tokens in documents of so many positions
    def _launch(self, tokens: int, positions: int) -> tuple[tuple[int, int], tuple, dict[str, int]]:
        rows = min(ROWS, max(16, triton.next_power_of_2(positions)))
        documents = tokens // positions
        sizes = {"ROWS": rows, "WIDTH": self.shape.hidden, "INNER": self.shape.intermediate, "num_warps": WARPS}
        arguments = (positions, documents // self.models, self.stride, EPSILON)
        return (triton.cdiv(positions, rows), documents), arguments, sizes

    def forward(self, x: Tensor, table: Tensor, keep: bool) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """Take the residual stream through all layers.

        Parameters
        ----------
        x : Tensor, shape (T, h), contiguous
        table : Tensor, complex64, shape (3, S, h/2)
            See :func:`ziplaw.kernels.reference.rope_table`.
        keep : bool
            Keep what the backward pass needs.

        Returns
        -------
        y : Tensor, shape (T, h)
        kept : list
            By layer: its input, rotated projections, the attention's output and the logarithms of its sums.
        """
        tokens, width = x.shape
        grid, arguments, sizes = self._launch(tokens, table.shape[1])
        kept: list[tuple[Tensor, ...]] = []
        for i in range(self.shape.layers):
            y = torch.empty_like(x)
            turned = torch.empty((tokens, 3 * width) if keep else (1,), dtype=x.dtype, device=x.device)
            mixed = torch.empty_like(x) if keep else turned
            log_sum = torch.empty(tokens if keep else 1, dtype=torch.float32, device=x.device)
            forward_layer_kernel[grid](
                x, *self._of(i, "attention_norm", "qkv", "out", "mlp_norm", "gate_up", "down"),
                torch.view_as_real(table), y, turned, mixed, log_sum, *arguments, KEEP=keep, **sizes,
            )  # fmt: skip
            if keep:
                kept.append((x, turned, mixed, log_sum))
            x = y
        return x, kept

    def backward(
        self, grad: Tensor, table: Tensor, kept: list[tuple[Tensor, ...]], norm_places: Tensor, flat_grad: Tensor
    ) -> Tensor:
        """Gradient of :meth:`forward`, (T, h); fills the layers' part of ``flat_grad``.

        ``norm_places``, int64, says where a model's gains begin: two a layer, and perhaps others after them.
        """
        tokens, width = grad.shape
        grid, arguments, sizes = self._launch(tokens, table.shape[1])
        size = 4 * width * width + 3 * width * self.shape.intermediate
        programs = (self.models, grid[0] * grid[1] // self.models)
        layers = self.shape.layers
        shares = torch.empty((layers, *programs, size), dtype=torch.float32, device=grad.device)
        gain_shares = torch.empty((2 * layers, *programs, width), dtype=torch.float32, device=grad.device)
        for i in reversed(range(layers)):
            x, turned, mixed, log_sum = kept.pop()
            past, mixed_grad, delta = torch.empty_like(x), torch.empty_like(x), torch.empty_like(log_sum)
            backward_mlp_kernel[grid](
                grad, x, mixed, *self._of(i, "out", "mlp_norm", "gate_up", "down"),
                past, mixed_grad, delta, shares[i], gain_shares[2 * i + 1], *arguments, **sizes,
            )  # fmt: skip
            grad = torch.empty_like(x)
            backward_attention_kernel[grid](
                past, x, turned, mixed_grad, log_sum, delta, *self._of(i, "attention_norm", "qkv"),
                torch.view_as_real(table), grad, shares[i], gain_shares[2 * i], *arguments, **sizes,
            )  # fmt: skip
        sums_of_rows(gain_shares, norm_places[: 2 * layers], flat_grad)
        sums_of_rows(shares, self.places, flat_grad)
        return grad
