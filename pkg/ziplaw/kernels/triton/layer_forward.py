"""A decoder layer forward in one kernel, in Triton: see :mod:`ziplaw.kernels.triton.layer`."""

from __future__ import annotations

import triton
import triton.language as tl

from .layer_tiles import matrix, one_over_rms, product, put_rows, rows_of, turn


@triton.jit
def forward_layer_kernel(
    x_ptr, gain1_ptr, qkv_ptr, out_ptr, gain2_ptr, gate_up_ptr, down_ptr, table_ptr,
    y_ptr, turned_ptr, mixed_ptr, log_sum_ptr, positions, documents_each, model_stride, epsilon,
    KEEP: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """Take ROWS positions of a document through the layer."""
    block = tl.program_id(0)
    document = tl.program_id(1).to(tl.int64)
    shift = document // documents_each * model_stride
    first = document * positions
    position = block * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    dtype = x_ptr.dtype.element_ty
    gain1 = tl.load(gain1_ptr + shift + column)
    query_table, key_table = table_ptr, table_ptr + positions * WIDTH
    key_matrix = tl.trans(matrix(qkv_ptr + shift + WIDTH * WIDTH, WIDTH, WIDTH))
    value_matrix = tl.trans(matrix(qkv_ptr + shift + 2 * WIDTH * WIDTH, WIDTH, WIDTH))
    # its own positions, to which a position before itself sees only those before itself
    x = rows_of(x_ptr, first, position, positions, WIDTH, WIDTH).to(tl.float32)
    normed = (x * one_over_rms(x, epsilon, WIDTH)[:, None] * gain1[None, :]).to(dtype)
    query = product(normed, tl.trans(matrix(qkv_ptr + shift, WIDTH, WIDTH)))
    query = turn(query, query_table, position, positions, False, ROWS, WIDTH).to(dtype)
    key = turn(product(normed, key_matrix), key_table, position, positions, False, ROWS, WIDTH).to(dtype)
    value = product(normed, value_matrix).to(dtype)
    score = product(query, tl.trans(key))
    seen = tl.arange(0, ROWS)[:, None] >= tl.arange(0, ROWS)[None, :]
    score = tl.where(seen, score, float("-inf"))
    top = tl.max(score, 1)
    power = tl.exp(score - top[:, None])
    total = tl.sum(power, 1)
    mixed = product(power.to(dtype), value)
    if KEEP:
        put_rows(turned_ptr, query, first, position, positions, 3 * WIDTH, WIDTH)
        put_rows(turned_ptr + WIDTH, key, first, position, positions, 3 * WIDTH, WIDTH)
        put_rows(turned_ptr + 2 * WIDTH, value, first, position, positions, 3 * WIDTH, WIDTH)
    for before in range(block):
        there = before * ROWS + tl.arange(0, ROWS)
        other = rows_of(x_ptr, first, there, positions, WIDTH, WIDTH).to(tl.float32)
        normed = (other * one_over_rms(other, epsilon, WIDTH)[:, None] * gain1[None, :]).to(dtype)
        key = turn(product(normed, key_matrix), key_table, there, positions, False, ROWS, WIDTH).to(dtype)
        score = product(query, tl.trans(key))
        higher = tl.maximum(top, tl.max(score, 1))
        # a new maximum rescales what was summed so far
        power, rescale = tl.exp(score - higher[:, None]), tl.exp(top - higher)
        total = total * rescale + tl.sum(power, 1)
        value = product(normed, value_matrix).to(dtype)
        mixed = mixed * rescale[:, None] + product(power.to(dtype), value)
        top = higher
    mixed = (mixed / total[:, None]).to(dtype)
    if KEEP:
        put_rows(mixed_ptr, mixed, first, position, positions, WIDTH, WIDTH)
        tl.store(log_sum_ptr + first + position, top + tl.log(total), mask=position < positions)
    x += product(mixed, tl.trans(matrix(out_ptr + shift, WIDTH, WIDTH)))
    gain2 = tl.load(gain2_ptr + shift + column)
    normed = (x * one_over_rms(x, epsilon, WIDTH)[:, None] * gain2[None, :]).to(dtype)
    gate = product(normed, tl.trans(matrix(gate_up_ptr + shift, INNER, WIDTH)))
    up = product(normed, tl.trans(matrix(gate_up_ptr + shift + INNER * WIDTH, INNER, WIDTH)))
    inner = (gate / (1.0 + tl.exp(-gate)) * up).to(dtype)
    x += product(inner, tl.trans(matrix(down_ptr + shift, WIDTH, INNER)))
    put_rows(y_ptr, x, first, position, positions, WIDTH, WIDTH)
