"""Triton kernels: against the references under Triton's interpreter, and built ahead of time for two architectures.

The interpreter must be switched on before triton is first imported, so its tests run in a pytest process of their own,
which ``test_interpreter`` starts; there, the same file holds the cases.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from houses import ROOT

triton = pytest.importorskip("triton")
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
torch.set_num_threads(1)

# the interpreter of triton 3.6 makes an int of an array of one: NumPy 2.3 warns of it, 2.4 refuses
OLD_TRITON = tuple(map(int, triton.__version__.split(".")[:2])) < (3, 7)
NEW_NUMPY = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 4)
TOLERATED = ["-W", "ignore:Conversion of an array:DeprecationWarning"] if OLD_TRITON else []

if not INTERPRETED:

    @pytest.mark.skipif(OLD_TRITON and NEW_NUMPY, reason="the interpreter of triton before 3.7 fails with NumPy 2.4")
    def test_interpreter():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TOLERATED, str(Path(__file__))],
            env={**os.environ, "TRITON_INTERPRET": "1"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=550,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert "passed" in done.stdout
        assert "skipped" not in done.stdout

    import kernel_builds
    import kernel_cases

    from ziplaw.kernels.triton import program
    from ziplaw.models.shape.decoder_config import ModelConfig

    @pytest.mark.gpu
    def test_on_a_gpu(monkeypatch):
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        for case in kernel_cases.cases(large=True):
            for i, (error, limit) in enumerate(kernel_cases.compare(case, "cuda")):
                assert error <= limit, f"{case}, output {i}: error {error:.2e}, limit {limit:.2e}"
            assert not kernel_cases.repeats_differ(case, "cuda"), case
        shape = ModelConfig(64, 2, 2001), 3, 4, 256, torch.bfloat16
        case = kernel_cases.Case("whole layers at hidden 64", *kernel_cases.whole_layers(*shape))
        assert kernel_cases.error_ratio(case, "cuda") < 1.5
        assert not kernel_cases.repeats_differ(case, "cuda")

    @pytest.mark.parametrize("warps", [1, 2, 4])
    @pytest.mark.parametrize("models", [1, 64])
    @pytest.mark.no_gpu
    def test_the_cursor_moves_when_every_warp_has_read_it(models, warps, tmp_path, monkeypatch):
        """Above 32 models several warps write a row each of the log, so one that is late would write to the next."""
        monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
        pointers = ["*i64", *["*fp32"] * 4, "i32"]
        built = kernel_builds.compiled(program.record_kernel, pointers, {"BLOCK": models}, warps=warps)
        ptx = built.asm["ptx"].splitlines()
        moves = {name: [i for i, line in enumerate(ptx) if name in line] for name in ("ld.global.b64", "st.global.b64")}
        (read,), (moved,) = moves.values()
        assert any(re.search(r"\bbar(rier)?\b|bar\.(warp\.)?sync", line) for line in ptx[read:moved])

    @pytest.mark.parametrize("architecture", [80, 90])
    @pytest.mark.parametrize("build", list(kernel_builds.builds()), ids=lambda build: build[0])
    @pytest.mark.no_gpu
    def test_builds_ahead_of_time(build, architecture, tmp_path, monkeypatch):
        monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
        built = kernel_builds.compiled(*build[1:], architecture)
        assert built.metadata.shared <= 48 << 10
        assert b"ELF" in built.asm["cubin"][:4]

else:
    import kernel_cases
    import numpy as np
    from kernel_cases import draw

    from ziplaw.kernels import functional, reference_adamw, reference_head
    from ziplaw.kernels.backend import TRITON, for_device
    from ziplaw.models.decoder import Decoder
    from ziplaw.models.shape.decoder_config import ModelConfig
    from ziplaw.training.recipe.batches import Batches
    from ziplaw.training.recipe.recipe import TrainConfig
    from ziplaw.training.recipe.schedule import plan_budgets, stretches
    from ziplaw.training.steps.graph_step import GraphStep

    TRUE_EMPTY = torch.empty

    @pytest.fixture(autouse=True)
    def use_triton(monkeypatch):
        monkeypatch.setenv("ZIPLAW_KERNELS", "triton")
        # what a kernel forgets to write shows up as NaN
        monkeypatch.setattr(torch, "empty", lambda *a, **k: nan_filled(TRUE_EMPTY(*a, **k)))
        monkeypatch.setattr(torch, "empty_like", like)

    def like(x, dtype=None):
        return nan_filled(TRUE_EMPTY(x.shape, dtype=dtype or x.dtype))

    def nan_filled(tensor):
        return tensor.fill_(torch.nan) if tensor.is_floating_point() or tensor.is_complex() else tensor

    def test_dispatch():
        ops = for_device("cpu")
        for file, names in TRITON.items():
            for name in names:
                assert getattr(ops, name).__module__ == f"ziplaw.kernels.triton.{file}"

    @pytest.mark.parametrize("case", list(kernel_cases.cases()), ids=str)
    def test_against_float64(case):
        for i, (error, limit) in enumerate(kernel_cases.compare(case)):
            print(f"output {i}: error {error:.1e}, limit {limit:.1e}")
            assert error <= limit, f"output {i}: error {error:.2e}, limit {limit:.2e}"

    def test_whole_layers_in_half_precision_err_as_plain_torch_does():
        # in fp16: the interpreter multiplies bf16 as if it were integers
        shape = ModelConfig(16, 2, 11, context=40), 4, 1, 40, torch.float16
        ratio = kernel_cases.error_ratio(kernel_cases.Case("", *kernel_cases.whole_layers(*shape)))
        print(f"error beside plain torch's: {ratio:.2f}")
        assert ratio < 1.5

    def test_rms_norm_backward_over_several_tiles(monkeypatch):
        from ziplaw.kernels.triton import rms_norm

        monkeypatch.setattr(rms_norm, "PROGRAMS", 2)
        assert rms_norm.backward_steps(300, 32) == 4
        case = kernel_cases.Case("several tiles", *kernel_cases.rms_norm(300, 96, True, torch.float32))
        assert all(error <= limit for error, limit in kernel_cases.compare(case))

    def test_linear_cross_entropy_sums_the_head_in_fp32():
        from ziplaw.kernels.reference_head import default_chunk

        x, weight = draw(50, 8, dtype=torch.bfloat16), draw(21, 8, dtype=torch.bfloat16, seed=1)
        targets, out = torch.arange(50) % 21, torch.empty(21, 8)
        exact = torch.zeros(21, 8, dtype=torch.float64)
        for_device("cpu").linear_cross_entropy_backward(x, weight, targets, 21, out, 16)
        reference_head.linear_cross_entropy_backward(x.double(), weight.double(), targets, 21, exact)
        assert (out.double() - exact).abs().max() < 2**-7 * exact.abs().max()
        # few chunks for narrow models too: 8192 tokens of 32001 entries in bf16 are two
        assert default_chunk(8192, 32001, 2) == 4096
        assert default_chunk(8192, 2001, 2) == 8192

    def test_adamw_of_several_models_is_that_of_each_alone():
        n = 1500
        state = [draw(2, n, seed=i) for i in range(3)]
        state.append(draw(2, n, seed=3).square())
        groups, factors = torch.zeros(n, dtype=torch.uint8), torch.ones(2, 1)
        rows = reference_adamw.adamw_settings([0.01, 0.3], 1, (0.9, 0.95), 0.1)
        alone = [[t[m].clone() for t in state] for m in range(2)]
        norms = for_device("cpu").adamw_step(*state, groups, factors, rows)
        for m in range(2):
            norm = for_device("cpu").adamw_step(*alone[m], groups, factors, rows[m])
            assert torch.equal(norm, norms[m])
            for together, one in zip(state, alone[m]):
                assert torch.equal(together[m], one)

    @pytest.mark.parametrize("shape", [(1, 1), (3, 2048), (70, 65), (2, 5000)])
    def test_sums(shape):
        from ziplaw.kernels.triton import reduce

        x = draw(*shape)
        sums, roots = reduce.row_sums(x, scale=0.5), reduce.row_sums(x.square(), root=True)
        columns = torch.empty(shape[1])
        reduce.sums_of_rows(x.view(1, 1, *shape), torch.zeros(1, dtype=torch.int64), columns)
        exact = x.double()
        scale = exact.abs().sum(1)
        assert ((sums - exact.sum(1) / 2).abs() <= 1e-6 * scale).all()
        assert ((roots - exact.square().sum(1).sqrt()).abs() <= 1e-6 * scale).all()
        assert ((columns - exact.sum(0)).abs() <= 1e-6 * exact.abs().sum(0).clamp(min=1)).all()

    @pytest.mark.parametrize("dtype", [torch.int16, torch.int32])
    @pytest.mark.parametrize("context", [1, 70, 1500])
    def test_fetch_documents(dtype, context):
        top = 65535 if dtype == torch.int16 else 1 << 23
        documents = (torch.arange(6 * context).view(6, context) * 9973 % (top + 1)).to(torch.int32)
        documents[-1, -1] = top
        stored = documents.to(torch.uint16).view(torch.int16) if dtype == torch.int16 else documents
        order = torch.tensor([[0, 1], [5, 3], [2, 2]], dtype=torch.int32)
        for at in range(3):
            got = for_device("cpu").fetch_documents(stored, order, torch.tensor([at]))
            assert got.dtype == torch.int64
            assert torch.equal(got, documents[order[at].long()].long())

    @pytest.mark.parametrize("models", [None, 3])
    def test_record_step(models):
        shape = () if models is None else (models,)
        losses, norms, cursor = torch.zeros(4, *shape), torch.zeros(4, *shape), torch.tensor([2])
        loss, norm = draw(*shape), draw(*shape, seed=1)
        for_device("cpu").record_step(cursor, losses, norms, loss, norm)
        assert cursor.item() == 3
        assert torch.equal(losses[2], loss)
        assert torch.equal(norms[2], norm)
        assert (losses[[0, 1, 3]] == 0).all()

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

    @pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
    def test_steps_of_the_trainer(monkeypatch, compute):
        """The step that a GPU captures, three times in a row, against the same step by plain torch."""
        shape, documents = ModelConfig(8, 1, 11, context=16), np.arange(320, dtype=np.uint16).reshape(20, 16) % 11
        config = TrainConfig([3 * 32], batch_documents=2, weight_decay=0.1, learning_rate=0.01).resolved()
        program = stretches(plan_budgets(config.budgets, 32, 0.2))
        steps = []
        for choice in ("triton", "reference"):
            monkeypatch.setenv("ZIPLAW_KERNELS", choice)
            model = Decoder(shape, compute=compute, pad=8)
            model.initialise(0)
            steps.append(GraphStep(model, config, Batches(documents, 2, 0), program))
            for _ in range(3):
                steps[-1].step()
        limit = 1e-5 if compute == torch.float32 else 0.02
        fast, plain = steps
        assert fast.cursor.item() == 3
        for name in ("losses", "norms"):
            a, b = getattr(fast, name)[:3], getattr(plain, name)[:3]
            assert ((a - b).abs() <= limit * b).all(), (name, a, b)

    @pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
    def test_steps_side_by_side(monkeypatch, compute):
        """The step of several models, with vocabularies of their own, against the same step by plain torch."""
        from ziplaw.models.decoder_stack import Decoders
        from ziplaw.training.steps.stacked_step import SideBySide

        models = [ModelConfig(8, 1, v, context=16) for v in (11, 5)]
        corpora = [np.arange(320, dtype=np.uint16).reshape(20, 16) % c.vocab_size for c in models]
        configs = [
            TrainConfig([96], batch_documents=2, weight_decay=0.1, learning_rate=r).resolved() for r in (0.01, 0.02)
        ]
        program = stretches(plan_budgets(configs[0].budgets, 32, 0.2))
        steps = []
        for choice in ("triton", "reference"):
            monkeypatch.setenv("ZIPLAW_KERNELS", choice)
            together = Decoders(models, compute=compute, pad=8)
            together.initialise([0, 1])
            batches = [Batches(documents, 2, 0) for documents in corpora]
            steps.append(SideBySide(together, configs, batches, program, corpora))
            for _ in range(2):
                steps[-1].step()
        limit = 1e-5 if compute == torch.float32 else 0.02
        fast, plain = steps
        for name in ("losses", "norms"):
            a, b = getattr(fast, name)[:2], getattr(plain, name)[:2]
            assert ((a - b).abs() <= limit * b).all(), (name, a, b)
        a, b = (torch.stack(step.all_losses()) for step in steps)
        assert ((a - b).abs() <= limit * b).all()
        assert (fast.model.parameters["head"][1, 5:] == 0).all()
