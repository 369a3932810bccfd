"""The part `kernels` of bench/gpu.py: each kernel beside the same operation in plain torch, and beside a copy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch

from ziplaw.kernels import reference, reference_adamw
from ziplaw.kernels.backend import for_device, plain_operation
from ziplaw.models.decoder import Decoder


def candidates(bench, hidden: int) -> dict[str, tuple[Callable, float]]:
    """Name -> (call on a namespace of operations, bytes that it must read and write)."""
    device, tokens = bench.device, bench.documents * bench.context
    half = torch.bfloat16

    def new(*shape, dtype=half):
        return torch.randn(shape, device=device).to(dtype)

    x, r, grad, wide = new(tokens, hidden), new(tokens, hidden), new(tokens, hidden), new(tokens, 4 * hidden)
    weight = new(hidden, dtype=torch.float32)
    heads = max(1, hidden // 64)
    qkv = new(bench.documents, bench.context, 3 * hidden)
    table = reference.rope_table(bench.context, hidden // heads).to(device)
    entries = -(-bench.vocab_size // 64) * 64
    logits, head = new(tokens, entries), new(entries, hidden)
    inputs = torch.randint(0, bench.vocab_size, (tokens,), device=device)
    embedding = new(entries, hidden, dtype=torch.float32)
    n = hidden * hidden * 10
    flat = [new(n, dtype=torch.float32) for _ in range(3)] + [new(n, dtype=torch.float32).square()]
    groups = torch.zeros(n, dtype=torch.uint8, device=device)
    factors = torch.ones(2, 1, device=device)
    settings = reference_adamw.adamw_settings([1e-3], 1, (0.9, 0.95))[0].to(device)
    rstd = torch.ones(tokens, device=device)
    packed = reference.rope_forward(qkv, table, heads)
    inner = wide[:, : 2 * hidden].contiguous()
    row = 2 * tokens * hidden
    return {
        "rms_norm": (lambda ops: ops.rms_norm_forward(x, weight, r), 4 * row),
        "rms_norm backward": (partial(norm_backward, grad, x, rstd, weight, r), 4 * row),
        "rope": (lambda ops: ops.rope_forward(qkv, table, heads), 6 * row),
        "rope backward": (lambda ops: ops.rope_backward(*packed.unbind(2), table), 6 * row),
        "swiglu": (lambda ops: ops.swiglu_forward(wide), 6 * row),
        "swiglu backward": (lambda ops: ops.swiglu_backward(inner, wide), 10 * row),
        "cross_entropy": (lambda ops: ops.cross_entropy_forward(logits, inputs, bench.vocab_size), 4 * logits.numel()),
        "linear_cross_entropy": (
            lambda ops: ops.linear_cross_entropy_backward(x, head, inputs, bench.vocab_size, embedding),
            10 * logits.numel(),
        ),
        "embedding backward": (
            lambda ops: ops.embedding_backward(grad, ops.embedding_order(inputs, entries), embedding),
            row + 4 * embedding.numel(),
        ),
        "attention": (lambda ops: ops.attention_forward(packed, False), 4 * row),
        "adamw": (lambda ops: ops.adamw_step(*flat, groups, factors, settings), 37 * n),
    }


def norm_backward(grad, x, rstd, weight, residual_grad, ops):
    """Give the gradient of a norm without the sum over blocks, which a step takes once for all norms."""
    return ops.rms_norm_backward(grad, x, rstd, weight, ops.norm_shares(1, len(x), weight)[0], residual_grad)


REPEATS = 10


class Plain:
    """Plain torch under the names of a device's namespace."""

    def __init__(self, ops):
        self.attention_forward = ops.attention_forward

    def __getattr__(self, name):
        return plain_operation(name)


def captured(bench, function: Callable[[], object]) -> Callable[[], object]:
    """Capture REPEATS calls as one CUDA graph: a launch from Python takes longer than many of these kernels."""
    if bench.device.type != "cuda":
        return lambda: [function() for _ in range(REPEATS)]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(REPEATS):
            function()
    return graph.replay


def beside_torch(bench, case: str, call: Callable, size: float, who: dict) -> None:
    """Microseconds of one kernel beside plain torch, and its bytes against the device's bandwidth."""
    found = bench.alternate({key: captured(bench, partial(call, space)) for key, space in who.items()})
    mine, other = (median(found[key]) / REPEATS for key in who)
    bench.row("kernels", case, "time", mine * 1e6, "us")
    bench.row("kernels", case, "torch_time", other * 1e6, "us")
    bench.row("kernels", case, "faster", median(b / a for a, b in zip(*found.values())), "times")
    share = size / mine / bench.measured_roof().bandwidth
    bench.row("kernels", case, "of_bandwidth", share, "", "of what a copy reaches here; above 1 is cache")


def layers_beside_kernels(bench, case: str, shape) -> None:
    """Milliseconds of both passes of a decoder with whole layers, beside those with a kernel an operation."""
    from ziplaw.kernels.triton.layer import WholeLayers

    targets = torch.randint(0, shape.vocab_size, (bench.documents, shape.context), device=bench.device)
    models = {way: Decoder(shape, bench.device, compute=torch.bfloat16, pad=64) for way in ("layers", "kernels")}
    for way, model in models.items():
        model.initialise(0, "llama")
        model.whole_layers = WholeLayers(shape, model.weights, model.flat) if way == "layers" else None
    found = bench.alternate({way: captured(bench, partial(m.loss_and_grad, targets)) for way, m in models.items()})
    for way, times in found.items():
        bench.row("kernels", case, f"passes_by_{way}", median(times) / REPEATS * 1e3, "ms")
    bench.row("kernels", case, "faster", median(b / a for a, b in zip(*found.values())), "times")
    whole, each = (model.grad for model in models.values())
    bench.row("kernels", case, "gradients_differ", float((whole - each).norm() / each.norm()), "", "bf16, relative")


def at_width(bench, hidden: int, who: dict) -> None:
    """Every kernel at one width, and whole layers where they can be."""
    shape, case = bench.shape(hidden), f"h={hidden} whole layers"
    narrow = shape.heads == 1 and hidden >= 16
    if bench.device.type == "cuda" and narrow and not bench.late("kernels", case):
        bench.attempt("kernels", case, layers_beside_kernels, bench, case, shape, small=True)
    for name, (call, size) in candidates(bench, hidden).items():
        case = f"h={hidden} {name}"
        if not bench.late("kernels", case):
            bench.attempt("kernels", case, beside_torch, bench, case, call, size, who, small=True)


def run(bench) -> None:
    """Every width."""
    ops = for_device(bench.device)
    # plain torch has no deterministic form of some of these
    torch.set_deterministic_debug_mode("default")
    try:
        for hidden in bench.hidden:
            bench.attempt("kernels", f"h={hidden}", at_width, bench, hidden, {"ziplaw": ops, "torch": Plain(ops)})
    finally:
        torch.set_deterministic_debug_mode("error")
