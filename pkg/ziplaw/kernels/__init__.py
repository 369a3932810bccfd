"""The trainer's operations, by device: plain torch everywhere, Triton where a CUDA device and kernels exist.

``for_device(device)`` returns a namespace of forward and backward functions with the signatures of
:mod:`ziplaw.kernels.reference`; the model asks for it once. The differentiable functions ``rms_norm``, ``rope``,
``swiglu``, ``cross_entropy`` and ``linear_cross_entropy`` and the optimiser step ``adamw`` choose by their input.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch

from . import attention, reference
from .functional import adamw, cross_entropy, linear_cross_entropy, rms_norm, rope, swiglu
from .reference import HEAD_CHUNK

__all__ = ["HEAD_CHUNK", "adamw", "cross_entropy", "for_device", "linear_cross_entropy", "rms_norm", "rope", "swiglu"]

_OPS = (
    "rms_norm_forward",
    "rms_norm_backward",
    "rope_table",
    "rope_forward",
    "rope_backward",
    "swiglu_forward",
    "swiglu_backward",
    "linear_cross_entropy_loss",
    "linear_cross_entropy_backward",
    "embedding_backward",
    "adamw",
)


def for_device(device: torch.device | str) -> SimpleNamespace:
    """Return the operations to use on a device, as a namespace."""
    ops = SimpleNamespace(**{name: getattr(reference, name) for name in _OPS})
    on_cpu = torch.device(device).type == "cpu"
    ops.attention_forward = attention.blocked_forward if on_cpu else attention.sdpa_forward
    ops.attention_backward = attention.blocked_backward if on_cpu else attention.sdpa_backward
    return ops
