"""Small dense linear algebra of float64, with the same bits on every machine: numpy's goes to the processor's LAPACK.

For tens of unknowns: Gaussian elimination, and Jacobi's rotations for eigenvalues and singular values, in the order
that ``ext/src/numerics/linear.c`` fixes. Names, shapes and errors are those of ``numpy.linalg``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.linalg import LinAlgError

from .._numerics import eliminate, singular, symmetric
from .functions import product

Array = npt.NDArray[np.float64]


def _copy(matrix: npt.ArrayLike) -> Array:
    """A contiguous copy of a stack of matrices, as one axis of them; what is not finite is an error, as in numpy."""
    out = np.array(matrix, dtype=np.float64, order="C")
    if not np.isfinite(out).all():
        raise LinAlgError("a matrix has entries that are not finite")
    return out.reshape(-1, *out.shape[-2:])


def solve(matrix: npt.ArrayLike, rhs: npt.ArrayLike) -> Array:
    """X (..., n, m) of matrix (..., n, n) X = rhs (..., n, m), or x (n,) of a vector (n,); LinAlgError if singular."""
    a, b = np.asarray(matrix, dtype=np.float64), np.asarray(rhs, dtype=np.float64)
    right = b[:, None] if b.ndim == 1 else b
    stack = np.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    # broadcast arrays are made whole: each system is solved in place
    left = np.array(np.broadcast_to(a, stack + a.shape[-2:]), order="C")
    out = np.array(np.broadcast_to(right, stack + right.shape[-2:]), order="C")
    signs, _ = eliminate(left.reshape(-1, *a.shape[-2:]), out.reshape(-1, *right.shape[-2:]))
    if (signs == 0).any():
        raise LinAlgError("Singular matrix")
    return out[:, 0] if b.ndim == 1 else out


def inv(matrix: npt.ArrayLike) -> Array:
    """The inverse (..., n, n); LinAlgError if singular."""
    return solve(matrix, np.eye(np.shape(matrix)[-1]))


def slogdet(matrix: npt.ArrayLike) -> tuple[Any, Any]:
    """Sign and logarithm of the size of the determinants (...) of (..., n, n)."""
    shape = np.shape(matrix)
    left = np.array(matrix, dtype=np.float64, order="C").reshape(-1, *shape[-2:])
    signs, sizes = eliminate(left, np.empty((len(left), shape[-1], 0)))
    return signs.reshape(shape[:-2])[()], sizes.reshape(shape[:-2])[()]


def eigh(matrix: npt.ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues (..., n), rising, and eigenvectors (..., n, n), one a column, of symmetric matrices."""
    shape = np.shape(matrix)
    values, vectors = symmetric(_copy(matrix))
    return values.reshape(shape[:-1]), vectors.reshape(shape)


def svd(matrix: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Left vectors (..., n, r), singular values (..., r), falling, and right vectors (..., r, p); r = min(n, p).

    The left vectors of singular values of 0 are 0, where numpy completes the basis.
    """
    shape = np.shape(matrix)
    left = _copy(matrix)
    wide = shape[-1] > shape[-2]
    if wide:
        left = np.ascontiguousarray(left.swapaxes(1, 2))
    values, right = singular(left)
    if wide:
        left, right = right.swapaxes(1, 2), left.swapaxes(1, 2)
    stack = shape[:-2]
    return (
        left.reshape(*stack, *left.shape[1:]),
        values.reshape(*stack, values.shape[1]),
        right.reshape(*stack, *right.shape[1:]),
    )


def pinv(matrix: npt.ArrayLike, rcond: float = 1e-15, hermitian: bool = False) -> Array:
    """The pseudo-inverse (..., p, n) of (..., n, p): singular values up to ``rcond`` of the largest count as 0.

    hermitian : by eigenvalues, as of a symmetric matrix.
    """
    if hermitian:
        values, vectors = eigh(matrix)
        left, right = vectors, vectors.swapaxes(-1, -2)
    else:
        u, values, vt = svd(matrix)
        left, right = vt.swapaxes(-1, -2), u.swapaxes(-1, -2)
    size = np.abs(values)
    large = size > rcond * size.max(axis=-1, initial=0.0, keepdims=True)
    inverse = np.divide(1.0, values, where=large, out=np.zeros_like(values))
    return np.asarray(product(left * inverse[..., None, :], right))


def lstsq(matrix: npt.ArrayLike, rhs: npt.ArrayLike) -> tuple[Array, int]:
    """The shortest x that minimises |matrix x - rhs|, and the rank: matrix (n, p), rhs (n,) or (n, m).

    Singular values up to max(n, p) times 2^-52 of the largest count as 0, as in numpy.
    """
    n, p = np.shape(matrix)
    cut = np.finfo(np.float64).eps * max(n, p)
    u, values, vt = svd(matrix)
    large = values > cut * values.max(initial=0.0)
    inverse = np.divide(1.0, values, where=large, out=np.zeros_like(values))
    inside = product(u.T, rhs)
    found = product(vt.T, inside * (inverse if inside.ndim == 1 else inverse[:, None]))
    return np.asarray(found), int(large.sum())


def polyfit(x: npt.ArrayLike, y: npt.ArrayLike, degree: int) -> Array:
    """Coefficients (degree + 1,), the highest power first, of the least-squares polynomial through (x, y)."""
    columns = np.vander(np.asarray(x, dtype=np.float64), degree + 1)
    scale = np.sqrt((columns * columns).sum(axis=0))
    return np.asarray(lstsq(columns / scale, y)[0] / scale)


def norm(values: npt.ArrayLike, axis: int | None = None) -> Any:
    """Euclidean lengths along an axis, or of all entries together."""
    squares = np.asarray(values, dtype=np.float64)
    return np.sqrt((squares * squares).sum(axis=axis))
