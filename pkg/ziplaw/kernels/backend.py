"""Which implementation serves a device."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import torch

from ..errors import TrainError
from . import attention, products, reference, reference_adamw, reference_head

CHOICES = ("auto", "reference", "triton", "layers")
# triton/<file>.py -> the functions that it replaces
TRITON = {
    "rms_norm": ("rms_norm_forward", "rms_norm_backward", "norm_shares", "add_norm_shares"),
    "rope": ("rope_forward", "rope_backward"),
    "swiglu": ("swiglu_forward", "swiglu_backward"),
    "cross_entropy": ("cross_entropy_forward", "cross_entropy_in_place"),
    "linear_cross_entropy": ("linear_cross_entropy_loss", "linear_cross_entropy_backward"),
    "embedding": ("embed", "embedding_order", "embedding_backward"),
    "adamw": ("adamw_step",),
    "program": ("fetch_documents", "record_step"),
}
PLAIN_MODULES = (reference, reference_head, reference_adamw, products)
# what plain torch does on every device
PLAIN = ("rope_table", "product_into", "adamw_settings")


def for_device(device: torch.device | str) -> SimpleNamespace:
    """Return the operations to use on a device, as a namespace.

    The environment variable ZIPLAW_KERNELS chooses: auto (Triton on CUDA where it is installed), reference, triton, or
    layers (triton, with whole layers of narrow decoders in one kernel: not measured on a GPU yet, so never by itself).

    Raises
    ------
    TrainError
        When ZIPLAW_KERNELS is something else, or asks for Triton where it is not installed.
    """
    choice = os.environ.get("ZIPLAW_KERNELS", "auto")
    if choice not in CHOICES:
        raise TrainError(f"ZIPLAW_KERNELS is {choice!r}, must be one of {', '.join(CHOICES)}: unset it for auto")
    on_cpu = torch.device(device).type == "cpu"
    installed = find_spec("triton") is not None
    asked = choice in ("triton", "layers")
    if asked and not installed:
        raise TrainError(
            f"ZIPLAW_KERNELS is {choice}, but triton is not installed: pip install ziplaw[gpu], or unset it"
        )
    return _operations(on_cpu, asked or (choice == "auto" and installed and not on_cpu), choice == "layers")


def plain_operation(name: str) -> Callable:
    """Return an operation in plain torch, by its name."""
    return next(vars(module)[name] for module in PLAIN_MODULES if name in vars(module))


@cache
def _operations(on_cpu: bool, triton: bool, layers: bool) -> SimpleNamespace:
    names = [name for names in TRITON.values() for name in names]
    ops = SimpleNamespace(**{name: plain_operation(name) for name in (*PLAIN, *names)})
    if triton:
        for file, names in TRITON.items():
            module = import_module(f"{__package__}.triton.{file}")
            for name in names:
                setattr(ops, name, getattr(module, name))
    ops.name = "layers" if layers else "triton" if triton else "reference"
    # None, or a module that takes the whole layers of some decoders
    ops.layers = import_module(f"{__package__}.triton.layer") if layers else None
    ops.attention_forward = attention.blocked_forward if on_cpu else attention.sdpa_forward
    ops.attention_backward = attention.blocked_backward if on_cpu else attention.sdpa_backward
    return ops
