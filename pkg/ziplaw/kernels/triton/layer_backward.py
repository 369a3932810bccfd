"""A decoder layer backward in two kernels, in Triton: see :mod:`ziplaw.kernels.triton.layer`."""

from __future__ import annotations

import triton
import triton.language as tl

from .layer_tiles import matrix, norm_gradient, one_over_rms, product, put_matrix, put_rows, rows_of, turn


@triton.jit
def backward_mlp_kernel(
    grad_ptr, x_ptr, mixed_ptr, out_ptr, gain2_ptr, gate_up_ptr, down_ptr,
    x_grad_ptr, mixed_grad_ptr, delta_ptr, share_ptr, gain_share_ptr, positions, documents_each, model_stride, epsilon,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """Take the gradient of ROWS positions back to the attention's output, and to the residual stream beside it."""
    document = tl.program_id(1).to(tl.int64)
    shift = document // documents_each * model_stride
    first = document * positions
    position = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    dtype = x_ptr.dtype.element_ty
    program = document * tl.num_programs(0) + tl.program_id(0)
    # a row of shares is the layer's weights in their order: qkv, out, gate and up, down
    share_ptr += program * (4 * WIDTH * WIDTH + 3 * WIDTH * INNER) + 3 * WIDTH * WIDTH
    # the forward pass again, from the attention's output on
    mixed = rows_of(mixed_ptr, first, position, positions, WIDTH, WIDTH)
    out_matrix = matrix(out_ptr + shift, WIDTH, WIDTH)
    x = rows_of(x_ptr, first, position, positions, WIDTH, WIDTH).to(tl.float32)
    x += product(mixed, tl.trans(out_matrix))
    rstd = one_over_rms(x, epsilon, WIDTH)
    gain = tl.load(gain2_ptr + shift + column)
    normed = x * rstd[:, None]
    gained = (normed * gain[None, :]).to(dtype)
    gate_matrix = matrix(gate_up_ptr + shift, INNER, WIDTH)
    up_matrix = matrix(gate_up_ptr + shift + INNER * WIDTH, INNER, WIDTH)
    gate = product(gained, tl.trans(gate_matrix))
    up = product(gained, tl.trans(up_matrix))
    sigmoid = 1.0 / (1.0 + tl.exp(-gate))
    silu = gate * sigmoid
    # and back
    grad = rows_of(grad_ptr, first, position, positions, WIDTH, WIDTH)
    inner_grad = product(grad, matrix(down_ptr + shift, WIDTH, INNER))
    down_share = product(tl.trans(grad), (silu * up).to(dtype))
    put_matrix(share_ptr + WIDTH * WIDTH + 2 * INNER * WIDTH, down_share, WIDTH, INNER)
    gate_grad = (inner_grad * up * (sigmoid + silu * (1.0 - sigmoid))).to(dtype)
    up_grad = (inner_grad * silu).to(dtype)
    put_matrix(share_ptr + WIDTH * WIDTH, product(tl.trans(gate_grad), gained), INNER, WIDTH)
    put_matrix(share_ptr + WIDTH * WIDTH + INNER * WIDTH, product(tl.trans(up_grad), gained), INNER, WIDTH)
    back = product(gate_grad, gate_matrix) + product(up_grad, up_matrix)
    tl.store(gain_share_ptr + program * WIDTH + column, tl.sum(back * normed, 0))
    x_grad = (grad.to(tl.float32) + norm_gradient(back, normed, rstd, gain, WIDTH)).to(dtype)
    put_rows(x_grad_ptr, x_grad, first, position, positions, WIDTH, WIDTH)
    put_matrix(share_ptr, product(tl.trans(x_grad), mixed), WIDTH, WIDTH)
    mixed_grad = product(x_grad, out_matrix)
    put_rows(mixed_grad_ptr, mixed_grad, first, position, positions, WIDTH, WIDTH)
    tl.store(delta_ptr + first + position, tl.sum(mixed_grad * mixed.to(tl.float32), 1), mask=position < positions)


@triton.jit
def backward_attention_kernel(
    x_grad_ptr, x_ptr, turned_ptr, mixed_grad_ptr, log_sum_ptr, delta_ptr, gain1_ptr, qkv_ptr, table_ptr,
    grad_ptr, share_ptr, gain_share_ptr, positions, documents_each, model_stride, epsilon,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """Take the gradient of ROWS positions from the attention's output to the layer's input."""
    block = tl.program_id(0)
    document = tl.program_id(1).to(tl.int64)
    shift = document // documents_each * model_stride
    first = document * positions
    position = block * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    dtype = x_ptr.dtype.element_ty
    program = document * tl.num_programs(0) + block
    query = rows_of(turned_ptr, first, position, positions, 3 * WIDTH, WIDTH)
    key = rows_of(turned_ptr + WIDTH, first, position, positions, 3 * WIDTH, WIDTH)
    value = rows_of(turned_ptr + 2 * WIDTH, first, position, positions, 3 * WIDTH, WIDTH)
    grad = rows_of(mixed_grad_ptr, first, position, positions, WIDTH, WIDTH)
    log_sum = tl.load(log_sum_ptr + first + position, mask=position < positions, other=0.0)
    delta = tl.load(delta_ptr + first + position, mask=position < positions, other=0.0)
    # its own positions, as queries and as keys
    seen = tl.arange(0, ROWS)[:, None] >= tl.arange(0, ROWS)[None, :]
    power = tl.where(seen, tl.exp(product(query, tl.trans(key)) - log_sum[:, None]), 0.0)
    score_grad = (power * (product(grad, tl.trans(value)) - delta[:, None])).to(dtype)
    query_grad = product(score_grad, key)
    key_grad = product(tl.trans(score_grad), query)
    value_grad = product(tl.trans(power.to(dtype)), grad)
    # as queries, the keys before them
    for before in range(block):
        there = before * ROWS + tl.arange(0, ROWS)
        other_key = rows_of(turned_ptr + WIDTH, first, there, positions, 3 * WIDTH, WIDTH)
        other_value = rows_of(turned_ptr + 2 * WIDTH, first, there, positions, 3 * WIDTH, WIDTH)
        power = tl.exp(product(query, tl.trans(other_key)) - log_sum[:, None])
        score_grad = (power * (product(grad, tl.trans(other_value)) - delta[:, None])).to(dtype)
        query_grad += product(score_grad, other_key)
    # as keys, the queries after them
    for after in range(block + 1, tl.num_programs(0)):
        there = after * ROWS + tl.arange(0, ROWS)
        other_query = rows_of(turned_ptr, first, there, positions, 3 * WIDTH, WIDTH)
        other_grad = rows_of(mixed_grad_ptr, first, there, positions, WIDTH, WIDTH)
        other_log_sum = tl.load(log_sum_ptr + first + there, mask=there < positions, other=0.0)
        other_delta = tl.load(delta_ptr + first + there, mask=there < positions, other=0.0)
        power = tl.exp(product(other_query, tl.trans(key)) - other_log_sum[:, None])
        score_grad = (power * (product(other_grad, tl.trans(value)) - other_delta[:, None])).to(dtype)
        key_grad += product(tl.trans(score_grad), other_query)
        value_grad += product(tl.trans(power.to(dtype)), other_grad)
    query_grad = turn(query_grad, table_ptr, position, positions, True, ROWS, WIDTH).to(dtype)
    key_grad = turn(key_grad, table_ptr + positions * WIDTH, position, positions, True, ROWS, WIDTH).to(dtype)
    value_grad = value_grad.to(dtype)
    x = rows_of(x_ptr, first, position, positions, WIDTH, WIDTH).to(tl.float32)
    rstd = one_over_rms(x, epsilon, WIDTH)
    gain = tl.load(gain1_ptr + shift + column)
    normed = x * rstd[:, None]
    gained = (normed * gain[None, :]).to(dtype)
    share_ptr += program * (4 * WIDTH * WIDTH + 3 * WIDTH * INNER)
    put_matrix(share_ptr, product(tl.trans(query_grad), gained), WIDTH, WIDTH)
    put_matrix(share_ptr + WIDTH * WIDTH, product(tl.trans(key_grad), gained), WIDTH, WIDTH)
    put_matrix(share_ptr + 2 * WIDTH * WIDTH, product(tl.trans(value_grad), gained), WIDTH, WIDTH)
    back = product(query_grad, matrix(qkv_ptr + shift, WIDTH, WIDTH))
    back += product(key_grad, matrix(qkv_ptr + shift + WIDTH * WIDTH, WIDTH, WIDTH))
    back += product(value_grad, matrix(qkv_ptr + shift + 2 * WIDTH * WIDTH, WIDTH, WIDTH))
    tl.store(gain_share_ptr + program * WIDTH + column, tl.sum(back * normed, 0))
    past = rows_of(x_grad_ptr, first, position, positions, WIDTH, WIDTH).to(tl.float32)
    x_grad = past + norm_gradient(back, normed, rstd, gain, WIDTH)
    put_rows(grad_ptr, x_grad, first, position, positions, WIDTH, WIDTH)
