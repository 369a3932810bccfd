"""What the kernels of whole layers do with tiles of rows and with whole matrices, in Triton."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def matrix(ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Load a whole matrix."""
    return tl.load(ptr + tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :])


@triton.jit
def put_matrix(ptr, x, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Store a whole matrix."""
    tl.store(ptr + tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :], x)


@triton.jit
def product(left, right):
    """Multiply, in fp32 if the factors are; the sum is fp32 always."""
    return tl.dot(left, right, input_precision="ieee")


@triton.jit
def one_over_rms(x, epsilon, WIDTH: tl.constexpr):
    """One over the root of the mean square of each row."""
    return 1.0 / tl.sqrt(tl.sum(x * x, 1) / WIDTH + epsilon)


@triton.jit
def norm_gradient(grad, normed, rstd, gain, WIDTH: tl.constexpr):
    """Gradient of gain * x * rstd with respect to x; ``normed`` is x * rstd."""
    scaled = grad * gain[None, :]
    return (scaled - normed * (tl.sum(scaled * normed, 1) / WIDTH)[:, None]) * rstd[:, None]


@triton.jit
def turn(x, table_ptr, position, positions, BACK: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Turn x (ROWS, WIDTH) by the angles of its positions, or back."""
    at = position[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    angles = tl.load(table_ptr + at, mask=(position < positions)[:, None], other=0.0)
    cos, sin = tl.split(tl.reshape(angles, (ROWS, WIDTH // 2, 2)))
    if BACK:
        sin = -sin
    even, odd = tl.split(tl.reshape(x, (ROWS, WIDTH // 2, 2)))
    return tl.interleave(even * cos - odd * sin, even * sin + odd * cos)


@triton.jit
def rows_of(ptr, first, position, positions, STRIDE: tl.constexpr, WIDTH: tl.constexpr):
    """Load rows of a document, zeros past its end; its first row is ``first``."""
    at = (first + position)[:, None] * STRIDE + tl.arange(0, WIDTH)[None, :]
    return tl.load(ptr + at, mask=(position < positions)[:, None], other=0.0)


@triton.jit
def put_rows(ptr, x, first, position, positions, STRIDE: tl.constexpr, WIDTH: tl.constexpr):
    """Store rows of a document."""
    at = (first + position)[:, None] * STRIDE + tl.arange(0, WIDTH)[None, :]
    tl.store(ptr + at, x, mask=(position < positions)[:, None])
