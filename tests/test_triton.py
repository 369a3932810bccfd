"""Triton kernels: against the references under Triton's interpreter, and built ahead of time for two architectures.

The interpreter must be switched on before triton is first imported, so its tests run in a pytest process of their own,
which ``test_interpreter`` starts; there, the same file holds the cases.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

triton = pytest.importorskip("triton")
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
torch.set_num_threads(1)

if not INTERPRETED:

    def test_interpreter():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))],
            env={**os.environ, "TRITON_INTERPRET": "1"},
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert "passed" in done.stdout
        assert "skipped" not in done.stdout

    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from ziplaw.kernels import (
        triton_cross_entropy,
        triton_embedding,
        triton_optimizer,
        triton_rms_norm,
        triton_rope,
        triton_swiglu,
    )

    def builds():
        """(name, kernel, pointer dtypes and scalars in order, compile-time constants) of every kernel and config."""
        f, h = "*fp32", "*bf16"
        for width in (64, 96, 2048):
            rows, block = triton_rms_norm.tile(width)
            size = {"ROWS": rows, "BLOCK": block}
            for x, flag in ((f, False), (f, True), (h, True)):
                yield (
                    f"rms_norm-{width}-{x[1:]}-{flag}",
                    triton_rms_norm.forward_kernel,
                    [x, x, f, x, x, f, "i32", "i32", "fp32"],
                    {"HAS_RESIDUAL": flag, **size},
                )
                yield (
                    f"rms_norm_backward-{width}-{x[1:]}-{flag}",
                    triton_rms_norm.backward_kernel,
                    [x, x, f, f, x, x, f, "i32", "i32"],
                    {"HAS_TOTAL_GRAD": flag, "STEPS": triton_rms_norm.BACKWARD_STEPS, **size},
                )
        for width in (8, 48, 64):
            block, half = triton_rope.tile(width)
            for packed in (True, False):
                yield (
                    f"rope-{width}-{packed}",
                    triton_rope.rotate_kernel,
                    [h, h, f, "i32", "i32", "i32", "i32"],
                    {"TO_PACKED": packed, "BLOCK": block, "HALF": half},
                )
        size = {"BLOCK": triton_swiglu.BLOCK}
        yield "swiglu", triton_swiglu.forward_kernel, [h, h, "i32", "i32"], size
        yield "swiglu_backward", triton_swiglu.backward_kernel, [h, h, h, "i32", "i32"], size
        for vocabulary in (21, 301, 2001, 8192, 32001):
            one, rows, block = triton_cross_entropy.tile(vocabulary)
            yield (
                f"cross_entropy-{vocabulary}",
                triton_cross_entropy.rows_kernel,
                [h, h, "*i64", f, "fp32", "i32", "i32", "i32"],
                {"ONE": one, "ROWS": rows, "BLOCK": block},
            )
        for width in (8, 2048):
            rows, block = triton_embedding.tile(width)
            yield (
                f"embedding-{width}",
                triton_embedding.sum_kernel,
                [h, "*i64", "*i64", f, "i32"],
                {"ROWS": rows, "BLOCK": block},
            )
        size = {"BLOCK": triton_optimizer.NORM_BLOCK}
        yield "squares", triton_optimizer.squares_kernel, [f, f, "i32"], size
        for flags in ((True, False, False), (True, True, True)):
            yield (
                f"adamw-{flags}",
                triton_optimizer.update_kernel,
                [f, f, f, f, f, f, h if flags[2] else f, f, f, "i32", *["fp32"] * 5],
                {**dict(zip(("HAS_CLIP", "HAS_DECAY", "HAS_SHADOW"), flags)), "BLOCK": triton_optimizer.BLOCK},
            )

    @pytest.mark.parametrize("architecture", [80, 90])
    @pytest.mark.parametrize("build", list(builds()), ids=lambda build: build[0])
    def test_builds_ahead_of_time(build, architecture, tmp_path, monkeypatch):
        monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
        _, kernel, types, constants = build
        names = [name for name in kernel.arg_names if name not in constants]
        assert len(names) == len(types)
        source = ASTSource(
            kernel, dict(zip(names, types)), {(kernel.arg_names.index(k),): v for k, v in constants.items()}
        )
        built = triton.compile(source, target=GPUTarget("cuda", architecture, 32), options={"num_warps": 4})
        assert built.metadata.shared <= 48 << 10
        assert b"ELF" in built.asm["cubin"][:4]

else:
    from ziplaw.kernels import attention, functional, reference
    from ziplaw.kernels.backend import TRITON, for_device
    from ziplaw.model import Decoder, ModelConfig

    TRUE_EMPTY = torch.empty
    DTYPES = [torch.float32, torch.bfloat16]

    class Reference:
        """The plain operations under the names of a device's namespace."""

        attention_forward = staticmethod(attention.blocked_forward)
        attention_backward = staticmethod(attention.blocked_backward)

        def __getattr__(self, name):
            return getattr(reference, name)

    @pytest.fixture(autouse=True)
    def use_triton(monkeypatch):
        monkeypatch.setenv("ZIPLAW_KERNELS", "triton")
        # what a kernel forgets to write shows up as NaN
        monkeypatch.setattr(torch, "empty", lambda *a, **k: nan_filled(TRUE_EMPTY(*a, **k)))
        monkeypatch.setattr(torch, "empty_like", lambda x: nan_filled(TRUE_EMPTY(x.shape, dtype=x.dtype)))

    def nan_filled(tensor):
        return tensor.fill_(torch.nan) if tensor.is_floating_point() or tensor.is_complex() else tensor

    def draw(*shape, dtype=torch.float32, seed=0):
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)

    def doubled(x):
        return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x

    def agree(call, *inputs):
        """Error against the float64 reference at most twice that of the reference in the kernel's own dtype.

        ``call(ops, *inputs)`` returns tensors; four units in the last place of the largest value are added to the
        limit, for outputs that plain torch happens to get right and for sums taken in another order.
        """
        outputs = call(for_device("cpu"), *inputs)
        plain = call(Reference(), *inputs)
        exact = call(Reference(), *map(doubled, inputs))
        for i, (got, same, want) in enumerate(zip(outputs, plain, exact)):
            assert got.shape == want.shape
            scale = want.abs().max().clamp(min=1e-6)
            error, theirs = ((t.double() - want).abs().max() / scale for t in (got, same))
            limit = 2 * theirs + 4 * torch.finfo(same.dtype).eps
            print(f"output {i}: error {float(error):.1e}, limit {float(limit):.1e}")
            assert error <= limit, f"output {i}: error {float(error):.2e}, limit {float(limit):.2e}"
        return outputs

    def test_dispatch():
        ops = for_device("cpu")
        for file, names in TRITON.items():
            for name in names:
                assert getattr(ops, name).__module__ == f"ziplaw.kernels.triton_{file}"

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize(("rows", "width"), [(1, 6), (37, 8), (300, 96), (5, 300)])
    @pytest.mark.parametrize("residual", [False, True])
    def test_rms_norm(rows, width, residual, dtype):
        def call(ops, x, weight, grad, more, r):
            y, total, rstd = ops.rms_norm_forward(x, weight, r)
            weight_grads = torch.empty(2, width, dtype=x.dtype)
            dx = ops.rms_norm_backward(grad, total, rstd, weight, weight_grads[0])
            dt = ops.rms_norm_backward(grad, total, rstd, weight, weight_grads[1], more)
            return y, total, rstd, dx, dt, *weight_grads

        x, grad, more, r = (draw(rows, width, dtype=dtype, seed=i) for i in range(4))
        agree(call, x, draw(width, dtype=dtype, seed=4), grad, more, r if residual else None)

    @pytest.mark.parametrize("shape", [(1, 1, 1, 2), (2, 70, 2, 6), (1, 33, 1, 64)])
    def test_rope(shape):
        documents, positions, heads, width = shape

        def call(ops, qkv):
            table = reference.rope_table(positions, width, dtype=qkv.dtype)
            packed = ops.rope_forward(qkv, table, heads)
            return packed, ops.rope_backward(packed, table)

        agree(call, draw(documents, positions, 3 * heads * width))

    def test_rope_in_bf16():
        # torch has no complex bf16: hold it against float32 of the same rounded input
        qkv = draw(2, 9, 3 * 2 * 4, dtype=torch.bfloat16)
        table = reference.rope_table(9, 4)
        ops = for_device("cpu")
        packed = ops.rope_forward(qkv, table, 2)
        want = reference.rope_forward(qkv.float(), table, 2)
        assert packed.dtype == torch.bfloat16
        assert ((packed.float() - want).abs() <= 2**-7 * want.abs().clamp(min=1e-6)).all()
        back, want = ops.rope_backward(packed, table), reference.rope_backward(packed.float(), table)
        assert ((back.float() - want).abs() <= 2**-7 * want.abs().clamp(min=1e-6)).all()

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("shape", [(1, 2), (7, 30), (65, 128)])
    def test_swiglu(shape, dtype):
        agree(
            lambda ops, x, grad: (ops.swiglu_forward(x), ops.swiglu_backward(grad, x)),
            draw(*shape, dtype=dtype) * 3,
            draw(shape[0], shape[1] // 2, dtype=dtype, seed=1),
        )

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize(
        ("rows", "padded", "vocabulary"), [(9, 12, 10), (40, 301, 301), (3, 9000, 8500), (2, 8193, 8193)]
    )
    def test_cross_entropy(rows, padded, vocabulary, dtype):
        targets = torch.arange(rows) * 7919 % vocabulary
        targets[rows // 2] = -1
        # rising logits, so that the running maximum of the looped kernel rises from block to block
        logits = (draw(rows, padded) * 3 + torch.linspace(0, 6, padded)).to(dtype)
        nll, grad = agree(lambda ops, x: ops.cross_entropy_forward(x, targets, vocabulary), logits)
        assert grad.dtype == dtype
        assert (grad[:, vocabulary:] == 0).all()
        assert (grad[rows // 2] == 0).all()
        assert nll[rows // 2] == 0

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("chunk", [64, 16])
    def test_linear_cross_entropy(chunk, dtype):
        targets = torch.arange(50) % 21

        def call(ops, x, weight):
            # as in the trainer's buffer: what the last step left there is written over, padding stays as it is
            weight_grad = torch.zeros_like(weight)
            weight_grad[:21] = torch.nan
            loss, grad = ops.linear_cross_entropy_backward(x, weight, targets, 21, weight_grad, chunk)
            return loss, grad, weight_grad, ops.linear_cross_entropy_loss(x, weight, targets, 21, chunk)

        agree(call, draw(50, 8, dtype=dtype), draw(24, 8, dtype=dtype, seed=1))

    def test_linear_cross_entropy_sums_the_head_in_fp32():
        from ziplaw.kernels.triton_linear_cross_entropy import default_chunk

        x, weight = draw(50, 8, dtype=torch.bfloat16), draw(21, 8, dtype=torch.bfloat16, seed=1)
        targets, out = torch.arange(50) % 21, torch.empty(21, 8)
        exact = torch.zeros(21, 8, dtype=torch.float64)
        for_device("cpu").linear_cross_entropy_backward(x, weight, targets, 21, out, 16)
        reference.linear_cross_entropy_backward(x.double(), weight.double(), targets, 21, exact)
        assert (out.double() - exact).abs().max() < 2**-7 * exact.abs().max()
        # few chunks for narrow models too: 8192 tokens of 32001 entries in bf16 are two
        assert default_chunk(8192, 32001, 2) == 4096
        assert default_chunk(8192, 2001, 2) == 8192

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("width", [2, 300])
    def test_embedding_backward(width, dtype):
        tokens = torch.cat([torch.zeros(40, dtype=torch.int64), torch.arange(50) % 4 + 2])

        def call(ops, grad):
            out = torch.empty(8, width, dtype=grad.dtype)
            ops.embedding_backward(grad, tokens, out)
            return (out,)

        (out,) = agree(call, draw(90, width, dtype=dtype))
        assert (out[1] == 0).all()

    @pytest.mark.parametrize("decay", [0.0, 0.1])
    @pytest.mark.parametrize("clip", [0.0, 0.5, 1e3])
    def test_adamw(decay, clip):
        n = 9001

        def call(ops, parameters, grad, first, second, scale, mask):
            state = [t.clone() for t in (parameters, grad, first, second)]
            shadow = torch.empty(n, dtype=torch.bfloat16)
            norm = ops.adamw(
                *state, scale, learning_rate=0.01, step=3, weight_decay=decay, decay_mask=mask, clip=clip, shadow=shadow
            )
            assert (shadow.float() - state[0]).abs().max() <= 2**-7 * state[0].abs().max()
            return norm, state[0], state[2], state[3]

        tensors = [draw(n, seed=i) for i in range(3)]
        agree(call, *tensors, draw(n, seed=4).square(), draw(n, seed=5).abs(), (torch.arange(n) > 100).float())

    def test_autograd_functions_use_the_kernels(monkeypatch):
        x, residual = (draw(6, 8, seed=i).requires_grad_() for i in range(2))
        weight = draw(8, seed=2).requires_grad_()
        grads = []
        for choice in ("triton", "reference"):
            monkeypatch.setenv("ZIPLAW_KERNELS", choice)
            y, total = functional.rms_norm(x, weight, residual)
            out = functional.swiglu(y).sum() + total.square().sum()
            grads.append(torch.autograd.grad(out, (x, weight, residual)))
        for got, want in zip(*grads):
            assert (got - want).abs().max() < 1e-6 * want.abs().max()

    def test_whole_step():
        config = ModelConfig(8, 2, 11, context=20)
        targets = torch.randint(0, 11, (2, 20), generator=torch.Generator().manual_seed(0))

        def call(ops, flat):
            model = Decoder(config, dtype=flat.dtype)
            model.ops = ops
            model.flat.copy_(flat)
            return model.loss_and_grad(targets), model.grad, model.token_losses(targets)

        start = Decoder(config)
        start.initialise(0, "llama")
        agree(call, start.flat * 3)
