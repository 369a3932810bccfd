"""Builds Triton kernels ahead of time, without a GPU: every kernel in the configurations of real models."""

import re
from collections import Counter

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ziplaw.kernels.triton import adamw, cross_entropy, embedding, program, reduce, rms_norm, rope, swiglu


def compiled(kernel, types, constants, architecture=90, aligned=(), warps=None):
    """Build a kernel for a CUDA architecture; 4 warps a program where nothing else is said.

    ``types`` are the dtypes of what is no constant, in order. Scalars named in ``aligned`` are multiples of 16, and so
    are all pointers where there are any, as the launcher finds them in a real run.
    """
    names = [name for name in kernel.arg_names if name not in constants]
    assert len(names) == len(types)
    sixteen = [kernel.arg_names.index(n) for n, t in zip(names, types) if aligned and (t[0] == "*" or n in aligned)]
    source = ASTSource(
        kernel,
        dict(zip(names, types)),
        {(kernel.arg_names.index(k),): v for k, v in constants.items()},
        {(place,): [["tt.divisibility", 16]] for place in sixteen},
    )
    if kernel is cross_entropy.rows_kernel:
        warps = cross_entropy.warps(constants["BLOCK"])
    return triton.compile(source, target=GPUTarget("cuda", architecture, 32), options={"num_warps": warps or 4})


def accesses(built):
    """Count a thread's loads from and stores to global memory by kind and bytes: {("ld", 16): 8, ...}."""
    found = Counter()
    for kind, vector, bits in re.findall(r"\b(ld|st)\.global[\w:]*((?:\.v\d)?)\.b(\d+)", built.asm["ptx"]):
        found[kind, int(vector[2:] or 1) * int(bits) // 8] += 1
    return found


def builds():
    """(name, kernel, pointer dtypes and scalars in order, compile-time constants) of every kernel and config."""
    f, h = "*fp32", "*bf16"
    for width in (64, 96, 2048):
        rows, block = rms_norm.tile(width)
        size = {"ROWS": rows, "BLOCK": block}
        for x, flag in ((f, False), (f, True), (h, True)):
            yield (
                f"rms_norm-{width}-{x[1:]}-{flag}",
                rms_norm.forward_kernel,
                [x, x, f, x, x, f, "i32", "i32", "i32", "fp32"],
                {"HAS_RESIDUAL": flag, **size},
            )
            yield (
                f"rms_norm_backward-{width}-{x[1:]}-{flag}",
                rms_norm.backward_kernel,
                [x, x, f, f, x, x, f, "i32", "i32", "i32"],
                {"HAS_TOTAL_GRAD": flag, "STEPS": rms_norm.backward_steps(8192, rows), **size},
            )
    for width in (8, 48, 64):
        rows, block = rope.tile(width)
        for back in (True, False):
            for x in (h, f) if width == 64 else (h,):
                yield (
                    f"rope-{width}-{x[1:]}-{back}",
                    rope.rotate_kernel,
                    [x, x, x, x, f, *["i32"] * 7],
                    {"BACK": back, "ROWS": rows, "BLOCK": block},
                )
    size = {"BLOCK": swiglu.BLOCK}
    for x in (h, f):
        yield f"swiglu-{x[1:]}", swiglu.forward_kernel, [x, x, "i32", "i32"], size
        yield f"swiglu_backward-{x[1:]}", swiglu.backward_kernel, [x, x, x, "i32", "i32"], size
    for vocabulary, several in ((21, True), (301, False), (2001, True), (2001, False), (8192, False), (32001, True)):
        one, rows, block = cross_entropy.tile(vocabulary)
        # losses that are reported are of logits in fp32
        for x in (h, f) if several else (h,):
            yield (
                f"cross_entropy-{vocabulary}-{several}-{x[1:]}",
                cross_entropy.rows_kernel,
                [x, x, "*i64", f, "*i32", "fp32", "i32", "i32", "i32", "i32"],
                {"SEVERAL": several, "ONE": one, "ROWS": rows, "BLOCK": block},
            )
    for width in (8, 64, 2048):
        rows, block = embedding.tile(width)
        yield (
            f"embedding-{width}",
            embedding.sum_kernel,
            [h, "*i64", "*i64", f, "i32", "i32", "i32"],
            {"ROWS": rows, "BLOCK": block},
        )
        block = triton.next_power_of_2(width)
        for entries in ("*i16", "*i32"):
            yield (
                f"look_up-{width}-{entries}",
                embedding.look_up_kernel,
                ["*i64", h, h, entries, *["i32"] * 6],
                {"SHIFT": True, "ROWS": max(1, embedding.LOOK_UP // block), "BLOCK": block},
            )
    size = {"BLOCK": adamw.NORM_BLOCK}
    yield "squares", adamw.squares_kernel, [f, f, "i32"], size
    for clip, shadow in ((True, False), (False, False), (True, True)):
        yield (
            f"adamw-{clip}-{shadow}",
            adamw.update_kernel,
            [f, f, f, f, "*u8", f, f, f, h if shadow else f, "i32", "i32", *["fp32"] * 4],
            {"HAS_CLIP": clip, "HAS_SHADOW": shadow, "BLOCK": adamw.BLOCK},
        )
    for root in (False, True):
        yield (
            f"sum-{root}",
            reduce.sum_kernel,
            [f, f, "i32", "fp32"],
            {"ROOT": root, "BLOCK": reduce.BLOCK},
        )
    size = {"ROWS": reduce.ROWS, "COLUMNS": reduce.COLUMNS}
    yield "sum_rows", reduce.sum_rows_kernel, [f, "*i64", f, "i32", "i32", "i32"], size
    for tokens in ("*i16", "*i32"):
        yield (
            f"fetch-{tokens}",
            program.fetch_kernel,
            [tokens, "*i32", "*i64", "*i64", "i32", "i32", "i32"],
            {"BLOCK": 256},
        )
    for models in (1, 64):
        yield f"record-{models}", program.record_kernel, ["*i64", f, f, f, f, "i32"], {"BLOCK": models}
