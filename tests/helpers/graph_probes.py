"""What a CPU can tell about a step on a GPU."""

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


class Launches:
    """Replaces the launch of Triton kernels by a check that all tensors lie on one device."""

    def __init__(self, monkeypatch):
        triton = pytest.importorskip("triton")
        self.names = set()
        monkeypatch.setattr(triton.runtime.jit.KernelInterface, "__getitem__", lambda kernel, grid: self.of(kernel))

    def of(self, kernel):
        def launch(*arguments, **constants):
            tensors = [a for a in arguments if isinstance(a, torch.Tensor)]
            assert {t.device.type for t in tensors} == {"meta"}, kernel.__name__
            assert all(t.is_contiguous() for t in tensors), kernel.__name__
            self.names.add(f"{kernel.fn.__module__.rsplit('.', 1)[-1]}.{kernel.__name__}")

        return launch
