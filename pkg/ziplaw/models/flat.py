"""Parameters of a model in one flat buffer, gradients in another: named views, groups, a copy to compute with.

The optimiser is then a handful of operations and a snapshot is one copy, whatever the architecture.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch
from torch import Tensor

from .. import kernels
from ..kernels.side_stream import SideStream
from .shape.counts import GROUPS, Layout


def init_seed(seed: int, config: Any, corpus: str = "") -> int:
    """Seed of the initial weights: a hash of (seed, model shape, corpus identity).

    The corpus takes part so that datasets of one sweep do not share one initialisation, which would correlate their
    errors.
    """
    text = f"ziplaw init 1|{seed}|{sorted(config.to_dict().items())}|{corpus}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def shifted(targets: Tensor) -> Tensor:
    """Inputs for documents (B, S): the same tokens moved right behind a separator, so that every token is predicted."""
    return torch.nn.functional.pad(targets[:, :-1], (1, 0))


def kernels_of(device: torch.device) -> str:
    """Name what computes a model's passes on a device: reference, triton or layers; it decides the bits."""
    return kernels.for_device(device).name


class FlatModel:
    """Flat parameter and gradient buffers of one model, or of several of one shape side by side.

    Parameters
    ----------
    layout : list of (name, shape, group)
        All tensors in the order of the buffer.
    device : torch.device or str
    dtype : torch.dtype
        Of parameters and gradients: float32; float64 for tests.
    compute : torch.dtype, optional
        Of activations and of the copy of the matrices that products read, by default ``dtype``; bfloat16 on a GPU.
        Norms, softmax and loss are computed in float32 all the same.
    models : int, optional
        Several models: buffers get a leading axis of this length.

    Attributes
    ----------
    flat, grad : Tensor, shape (n,) or (models, n)
        Parameters and gradients; n is N_total and padding.
    shadow : Tensor or None, of their shape
        The parameters in the compute dtype, where that is another; :meth:`refresh` brings it up to date.
    parameters, grads : dict of str to Tensor
        Named views into ``flat`` and ``grad``.
    weights : dict of str to Tensor
        What the passes read: views into ``shadow``, but of ``flat`` for norms and where there is no shadow.
    """

    # the shape, of several models the one with the largest vocabulary
    config: Any

    def __init__(
        self,
        layout: Layout,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        compute: torch.dtype | None = None,
        models: int | None = None,
    ):
        self.ops = kernels.for_device(device)
        self.side = SideStream(torch.device(device))
        self.layout = layout
        size = sum(math.prod(shape) for _, shape, _ in layout)
        self.flat = torch.zeros(size if models is None else (models, size), dtype=dtype, device=device)
        self.grad = torch.zeros_like(self.flat)
        self.shadow = None if compute in (None, dtype) else torch.zeros_like(self.flat, dtype=compute)
        self.parameters = self.views(self.flat)
        self.grads = self.views(self.grad)
        self.weights = self.parameters
        if self.shadow is not None:
            norms = {name for name, _, group in layout if group == "norms"}
            self.weights = self.views(self.shadow) | {name: self.parameters[name] for name in norms}

    def loss_and_grad(self, targets: Tensor) -> Tensor:
        """Mean cross-entropy of a batch of documents; fills :attr:`grad`: every architecture has its own."""
        raise NotImplementedError

    def token_losses(self, targets: Tensor) -> Tensor:
        """-ln p of every token of documents (B, S), nats, same shape; no gradient: every architecture has its own."""
        raise NotImplementedError

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Named views of a buffer as long as the parameters."""
        views, start = {}, 0
        for name, shape, _ in self.layout:
            views[name] = flat.narrow(-1, start, math.prod(shape)).unflatten(-1, shape)
            start += math.prod(shape)
        return views

    def group_indices(self) -> Tensor:
        """Return a vector with the index in :data:`GROUPS` of every parameter's group, uint8."""
        parts = [torch.full((math.prod(s),), GROUPS.index(g), dtype=torch.uint8) for _, s, g in self.layout]
        return torch.cat(parts).to(self.flat.device)

    def refresh(self) -> None:
        """Copy the parameters to their shadow, after they were changed by hand."""
        if self.shadow is not None:
            self.shadow.copy_(self.flat)
