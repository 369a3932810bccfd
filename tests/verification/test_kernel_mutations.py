"""Break every Triton kernel on purpose: the test that guards it must fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
ROOT = Path(__file__).parents[2]

# file of kernels/, what stands there, what is put there instead, the tests (pytest -k) of which one must fail
MUTATIONS = [
    ("rms_norm", "tl.sum(total * total, 1) / width + epsilon",
     "tl.sum(total * total, 1) / BLOCK + epsilon", "rms_norm"),
    ("rms_norm", "total * rstd[:, None] * weight[None, :]", "total * rstd[:, None]", "rms_norm"),
    ("rms_norm", "total += tl.load(residual_ptr", "total -= tl.load(residual_ptr", "rms_norm"),
    ("rms_norm", "inner = tl.sum(scaled * normed, 1) / width", "inner = tl.sum(scaled * normed, 1)", "rms_norm"),
    ("rms_norm", "share += tl.sum(grad * normed, 0)", "share = tl.sum(grad * normed, 0)", "rms_norm"),
    ("rms_norm", "out += tl.load(total_grad_ptr", "out -= tl.load(total_grad_ptr", "rms_norm"),
    ("rope", "even * cos - odd * sin", "even * cos + odd * sin", "rope"),
    ("rope", "sin = -sin", "sin = sin", "rope"),
    ("rope", "start = token // positions * document_stride +", "start =", "rope"),
    ("rope", "part * positions + position", "position", "rope"),
    ("swiglu", "gate / (1.0 + tl.exp(-gate)) * up", "gate / (1.0 + tl.exp(gate)) * up", "swiglu"),
    ("swiglu", "(sigmoid + silu * (1.0 - sigmoid))", "sigmoid", "swiglu"),
    ("swiglu", "mask = at < total\n    gate_at = at // width * (2 * width) + at % width\n    gate =",
     "mask = at < total - 1\n    gate_at = at // width * (2 * width) + at % width\n    gate =", "swiglu"),
    ("cross_entropy", "power = tl.where(real, tl.exp(z - top[:, None]), 0.0)\n        total",
     "power = tl.exp(z - top[:, None])\n        total", "cross_entropy"),
    ("cross_entropy", "total = total * tl.exp(top - higher) +", "total = total +", "cross_entropy"),
    ("cross_entropy", "grad = tl.where(counted[:, None], grad, 0.0)", "grad = grad", "cross_entropy"),
    ("cross_entropy", "tl.where(counted, nll, 0.0)", "nll", "cross_entropy"),
    ("cross_entropy", "sizes_ptr + row // rows_each", "sizes_ptr", "cross_entropies"),
    ("linear_cross_entropy", "accumulate=start > 0", "accumulate=False", "linear_cross_entropy"),
    ("linear_cross_entropy", "vocabulary, flat, 1.0 / tokens", "vocabulary, flat, 1.0", "linear_cross_entropy"),
    ("linear_cross_entropy", "vocabulary, flat, 1.0 / tokens",
     "weight.shape[0], flat, 1.0 / tokens", "linear_cross_entropy"),
    ("rms_norm", "weight_ptr + model * weight_stride", "weight_ptr", "rms_norm"),
    ("rms_norm", "place = model * tl.num_programs(0) + tl.program_id(0)", "place = tl.program_id(0)", "rms_norm"),
    ("embedding", "mask=live & (row % positions > 0)", "mask=live & (row > 0)", "embed"),
    ("embedding", "entry // entries * model_stride", "0", "embed"),
    ("embedding", "model * model_stride + token", "token", "embed"),
    ("layer_forward", "total = total * rescale +", "total = total +", "whole_layers"),
    ("layer_forward", "mixed = mixed * rescale[:, None] +", "mixed = mixed +", "whole_layers"),
    ("layer_forward", "score = tl.where(seen, score, float(\"-inf\"))", "score = score", "whole_layers"),
    ("layer_forward", "for before in range(block)", "for before in range(block - 1)", "whole_layers"),
    ("layer_backward", "for after in range(block + 1,", "for after in range(block + 2,", "whole_layers"),
    ("layer_backward", "product(grad, tl.trans(value)) - delta[:, None]", "product(grad, tl.trans(value))",
     "whole_layers"),
    ("layer_backward", "(sigmoid + silu * (1.0 - sigmoid))", "sigmoid", "whole_layers"),
    ("layer_backward", "turn(query_grad, table_ptr, position, positions, True",
     "turn(query_grad, table_ptr, position, positions, False", "whole_layers"),
    ("layer_backward", "product(tl.trans(up_grad), gained)", "product(tl.trans(gate_grad), gained)", "whole_layers"),
    ("layer_forward", "document // documents_each * model_stride", "0", "whole_layers"),
    ("layer_backward", "grad.to(tl.float32) + norm_gradient", "norm_gradient", "whole_layers"),
    ("embedding", "for start in range(first, last, ROWS)", "for start in range(first, first + 1, ROWS)", "embedding"),
    ("embedding", "mask = (place < last)[:, None] &", "mask = (place <= last)[:, None] &", "embedding"),
    ("adamw", "grad * grad, 0))", "grad, 0))", "adamw"),
    ("adamw", "grad_ptr + model * total + at, mask=at < total, other=0.0).to(tl.float32)\n    tl.store(partial",
     "grad_ptr + at, mask=at < total, other=0.0).to(tl.float32)\n    tl.store(partial", "adamw"),
    ("adamw", "tl.load(norm_ptr + model)", "tl.load(norm_ptr)", "adamw"),
    ("adamw", "tl.minimum(clip / (tl.load(norm_ptr + model) + 1e-6), 1.0)",
     "clip / (tl.load(norm_ptr + model) + 1e-6)", "adamw"),
    ("adamw", "(grad - first) * (1.0 - beta1)", "(grad - first) * beta1", "adamw"),
    ("adamw", "tl.sqrt(second) * correct2", "tl.sqrt(second)", "adamw"),
    ("adamw", "factors_ptr + n_groups + group", "factors_ptr + group", "adamw"),
    ("adamw", "decay * decays * parameter", "decay * decays", "adamw"),
    ("adamw", "tl.store(shadow_ptr + at, parameter", "tl.store(shadow_ptr + at, first", "adamw"),
    ("adamw", "settings_ptr + model * 4)", "settings_ptr)", "adamw"),
    ("program", "tl.load(cursor_ptr) * rows + row", "row", "fetch"),
    ("program", "tokens.to(tl.int64) & token_mask", "tokens.to(tl.int64)", "fetch"),
    ("program", "tl.store(cursor_ptr, cursor + 1)", "tl.store(cursor_ptr, cursor)", "record"),
    ("program", "losses_ptr + cursor * models", "losses_ptr + cursor", "record"),
    ("reduce", "tl.sum(share, 0) * scale", "tl.sum(share, 0)", "sums"),
    ("reduce", "model * total + tl.load(places_ptr + tl.program_id(1))", "model * total", "rms_norm"),
    ("reduce", "for first in range(0, rows, ROWS)", "for first in range(0, ROWS, ROWS)", "sums"),
    ("reduce", "value = tl.sqrt(value)", "value = value", "sums"),
]  # fmt: skip


def guard(package, tests):
    """Run the kernel tests named ``tests`` under the interpreter on a copy of the package."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-o", f"pythonpath={package} {ROOT}/tests {ROOT}/tests/helpers {ROOT}/tests/helpers/sweeps", "-k", tests),
            str(ROOT / "tests" / "kernels" / "triton" / "test_triton.py"),
        ],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def package(tmp_path):
    shutil.copytree(ROOT / "pkg", tmp_path / "pkg", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "pkg"


def test_what_is_to_be_broken_stands_there():
    for file, old, *_ in MUTATIONS:
        assert old in (ROOT / "pkg" / "ziplaw" / "kernels" / "triton" / f"{file}.py").read_text(), old


@pytest.mark.slow
def test_the_guards_pass_on_the_kernels_as_they_are(package):
    done = guard(package, " or ".join(sorted({mutation[3] for mutation in MUTATIONS})))
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "tests"), MUTATIONS)
def test_a_broken_kernel_fails_its_test(package, file, old, new, tests):
    path = package / "ziplaw" / "kernels" / "triton" / f"{file}.py"
    source = path.read_text()
    assert old in source, "the kernel has changed: mutate what it is now"
    path.write_text(source.replace(old, new, 1))
    done = guard(package, tests)
    assert done.returncode == 1, done.stdout[-3000:]
    assert "failed" in done.stdout
