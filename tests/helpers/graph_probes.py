"""What a CPU can tell about a step on a GPU."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NoHostSync(TorchDispatchMode):
    """Refuses operations that make the host wait for the device, or that copy between the two."""

    FORBIDDEN = (
        "_local_scalar_dense",
        "item",
        "nonzero",
        "masked_select",
        "unique",
        "is_nonzero",
        "equal",
        "lift_fresh",
    )

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        name = function.overloadpacket.__name__
        self.seen.add(name)
        assert name.removesuffix("_copy") not in self.FORBIDDEN, f"{name} inside the step"
        devices = {t.device.type for t in arguments if isinstance(t, torch.Tensor)}
        target = (keywords or {}).get("device")
        if target is not None and devices:
            devices.add(torch.device(target).type)
        assert len(devices) <= 1, f"{name} mixes {devices}"
        return function(*arguments, **(keywords or {}))


class Operations(TorchDispatchMode):
    """Counts operations by name, those that are more than a view or a new tensor."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        name = function.overloadpacket.__name__
        if not function.is_view and name != "_unsafe_view" and "empty" not in name:
            self.counts[name] += 1
        return function(*arguments, **(keywords or {}))


class Flash(torch.autograd.Function):
    """The layouts that torch's flash attention takes and gives on CUDA, (B, H, S, d) each; no values.

    Its results lie by token where its inputs do. It copies what comes back otherwise.
    """

    @staticmethod
    def forward(ctx, query, key, value):
        out = torch.empty_like(query.transpose(1, 2)).transpose(1, 2)
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx, grad):
        *inputs, out = ctx.saved_tensors
        for x in (grad, out):
            assert x.transpose(1, 2).is_contiguous(), "flash attention copies this"
        return tuple(torch.empty_like(x.transpose(1, 2)).transpose(1, 2) for x in inputs)

    @classmethod
    def put_in(cls, monkeypatch):
        name = "scaled_dot_product_attention"
        monkeypatch.setattr(torch.nn.functional, name, lambda q, k, v, **rest: cls.apply(q, k, v))


# kernels of an operation on CUDA, where they are more than one: torch's radix sort of 16-bit keys; flash attention and
# its gradient, which are no operations of the dispatcher here
KERNELS = {"sort": 5, "constant_pad_nd": 2}
FLASH_KERNELS = 1 + 3


def kernels_of_a_step(monkeypatch, step, attentions):
    """Count the kernels that a step on tensors without values would launch on a GPU; also by name."""
    launches = Launches(monkeypatch)
    Flash.put_in(monkeypatch)
    with Operations() as watch:
        step.step()
    found = launches.counts + watch.counts
    return sum(KERNELS.get(name, 1) * count for name, count in found.items()) + attentions * FLASH_KERNELS, found


class Launches:
    """Replaces the launch of Triton kernels by a check that all tensors lie on one device."""

    def __init__(self, monkeypatch):
        triton = pytest.importorskip("triton")
        self.counts = Counter()
        monkeypatch.setattr(triton.runtime.jit.KernelInterface, "__getitem__", lambda kernel, grid: self.of(kernel))

    @property
    def names(self):
        return set(self.counts)

    def of(self, kernel):
        def launch(*arguments, **constants):
            tensors = [a for a in arguments if isinstance(a, torch.Tensor)]
            assert {t.device.type for t in tensors} == {"meta"}, kernel.__name__
            by_stride = any(name.endswith("_stride") for name in kernel.arg_names)
            assert by_stride or all(t.is_contiguous() for t in tensors), kernel.__name__
            self.counts[f"{kernel.fn.__module__.rsplit('.', 1)[-1]}.{kernel.__name__}"] += 1

        return launch
