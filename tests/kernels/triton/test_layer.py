"""Kernels of whole layers: what they take, and what the compiler makes of them at the size they are for.

Their numbers are among the cases of test_triton.py.
"""

import os
from dataclasses import dataclass

import pytest

pytest.importorskip("triton")
# a process that interprets kernels cannot build them
pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="kernels are interpreted here")


@dataclass
class Shape:
    hidden: int
    heads: int
    intermediate: int
    layers: int = 2


def test_narrow_decoders_of_one_head_fit():
    from ziplaw.kernels.triton.layer import fits

    assert fits(Shape(64, 1, 128))
    assert fits(Shape(16, 1, 32))
    for hidden, heads, intermediate in (
        (64, 2, 128),
        (128, 1, 256),
        (48, 1, 96),
        (8, 1, 16),
        (64, 1, 256),
        (64, 1, 96),
    ):
        assert not fits(Shape(hidden, heads, intermediate))


def builds():
    h, f, shape = "*bf16", "*fp32", ["i32", "i32", "i32", "fp32"]
    yield "forward_layer_kernel", [h, f, h, h, f, h, h, f, h, h, h, f, *shape], {"KEEP": True}
    yield "backward_mlp_kernel", [h, h, h, h, f, h, h, h, h, f, f, f, *shape], {}
    yield "backward_attention_kernel", [h, h, h, h, f, f, f, h, f, h, f, f, *shape], {}


@pytest.mark.parametrize(("name", "types", "constants"), list(builds()), ids=lambda value: str(value)[:25])
def test_builds_at_hidden_64(tmp_path, monkeypatch, name, types, constants):
    from kernel_builds import accesses, compiled

    from ziplaw.kernels.triton import layer

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {**constants, "ROWS": layer.ROWS, "WIDTH": 64, "INNER": 128}
    built = compiled(getattr(layer, name), types, constants, aligned=("positions", "model_stride"), warps=layer.WARPS)
    # two programs at once on a multiprocessor of 227 KiB
    assert built.metadata.shared <= 113 << 10
    # products by tensor cores, and whole rows of bf16 at once
    assert "wgmma" in built.asm["ptx"]
    assert accesses(built)["ld", 2] == accesses(built)["st", 2] == 0
