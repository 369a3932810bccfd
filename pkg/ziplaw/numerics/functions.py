"""Elementary functions and matrix products of float64, as numpy's ufuncs, with the same bits on every machine.

numpy and the C library choose code by processor: their exponentials and logarithms differ in the last bits between
machines, and their matrix products in the order of the sums. These are compiled from additions, multiplications and
divisions alone, and every sum runs from the first product to the last (``ext/src/numerics``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._numerics import exp, expit, expm1, log, log1p, log10, logaddexp, tanh
from .._numerics import matmul as _matmul
from .._numerics import power as raised

__all__ = [
    "cov",
    "dot",
    "einsum",
    "exp",
    "expit",
    "expm1",
    "geomspace",
    "log",
    "log1p",
    "log10",
    "logaddexp",
    "product",
    "raised",
    "rounded",
    "tanh",
]
Array = npt.NDArray[np.float64]


def product(*factors: npt.ArrayLike) -> Any:
    """The matrix product of two or more factors, from the left: what ``a @ b @ c`` is with numpy.

    Parameters
    ----------
    *factors : array-like
        As ``numpy.matmul`` takes them: (..., n, k) and (..., k, m), or vectors (k,) at either end.

    Returns
    -------
    ndarray or float64
        float64 (..., n, m), without the axes of vectors.
    """
    out: Any = np.asarray(factors[0])
    for factor in factors[1:]:
        out = _matmul(out, factor)
    return out


def dot(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """The sum of the products of two vectors (n,)."""
    return float(_matmul(a, b))


def cov(rows: npt.ArrayLike) -> Array:
    """Covariance (k, k) of k variables, one a row (k, n), over n - 1."""
    values = np.asarray(rows, dtype=np.float64)
    off = np.atleast_2d(values) - np.atleast_2d(values).mean(axis=1, keepdims=True)
    return np.asarray(_matmul(off, off.T) / (off.shape[1] - 1))


def geomspace(first: float, last: float, count: int) -> Array:
    """``count`` numbers, each the same multiple of the one before, the ends as given (both positive)."""
    out: Array = exp(np.linspace(log(first), log(last), count))
    out[[0, -1]] = first, last
    return out


def rounded(values: npt.ArrayLike, digits: int) -> Any:
    """Values (...) with so many significant decimal digits, for what a library leaves to the processor."""
    values = np.asarray(values, dtype=np.float64)
    return np.array([float(f"{value:.{digits - 1}e}") for value in values.ravel()]).reshape(values.shape)[()]


def einsum(subscripts: str, *operands: npt.ArrayLike) -> Any:
    """``numpy.einsum`` of two or more arrays without repeated letters in any of them, in pairs from the left.

    Parameters
    ----------
    subscripts : str
        As numpy's, with ``->``: ``"ij,jk->ik"``.
    *operands : array-like
        One for each group of letters.

    Returns
    -------
    ndarray or float64
        float64, with the axes that the letters behind the arrow name.
    """
    given, wanted = subscripts.split("->")
    groups = given.split(",")
    letters, left = groups[0], np.asarray(operands[0])
    for i in range(1, len(groups)):
        # letters of no later group are summed as soon as both that have them are in
        later = set(wanted).union(*groups[i + 1 :])
        right = _summed(np.asarray(operands[i]), groups[i], later | set(letters))
        left = _summed(left, letters, later | set(groups[i]))
        letters, left = _pair(
            left, _kept(letters, later | set(groups[i])), right, _kept(groups[i], later | set(letters)), later
        )
    out = np.transpose(left, [letters.index(letter) for letter in wanted])
    return out if wanted else out[()]


def _kept(letters: str, needed: set[str]) -> str:
    return "".join(letter for letter in letters if letter in needed)


def _summed(array: Array, letters: str, needed: set[str]) -> Array:
    """The array without those axes that nothing else has."""
    axes = tuple(i for i, letter in enumerate(letters) if letter not in needed)
    return np.asarray(array.sum(axis=axes)) if axes else array


def _pair(left: Array, a: str, right: Array, b: str, later: set[str]) -> tuple[str, Array]:
    """One product of two arrays: letters of both that are not needed later are summed."""
    both = "".join(letter for letter in a if letter in b and letter in later)
    inner = "".join(letter for letter in a if letter in b and letter not in later)
    rows = "".join(letter for letter in a if letter not in b)
    columns = "".join(letter for letter in b if letter not in a)
    size = dict(zip(a, left.shape)) | dict(zip(b, right.shape))

    def shaped(array: Array, have: str, *parts: str) -> Array:
        moved = array.transpose([have.index(letter) for letter in both + "".join(parts)])
        counts = (int(np.prod([size[letter] for letter in part], dtype=np.int64)) for part in parts)
        return moved.reshape(*(size[letter] for letter in both), *counts)

    found = _matmul(shaped(left, a, rows, inner), shaped(right, b, inner, columns))
    return both + rows + columns, found.reshape([size[letter] for letter in both + rows + columns])
