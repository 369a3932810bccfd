"""The trainer's operations, by device: plain torch everywhere, Triton where a CUDA device and Triton are.

``for_device(device)`` returns a namespace of forward and backward functions with the signatures of
:mod:`ziplaw.kernels.reference`; the model asks for it once. The differentiable functions ``rms_norm``, ``rope``,
``swiglu``, ``cross_entropy`` and ``linear_cross_entropy`` choose by their input.
"""

from .backend import for_device
from .functional import cross_entropy, linear_cross_entropy, rms_norm, rope, swiglu
from .reference_head import HEAD_CHUNK

__all__ = [
    "HEAD_CHUNK",
    "cross_entropy",
    "for_device",
    "linear_cross_entropy",
    "rms_norm",
    "rope",
    "swiglu",
]
