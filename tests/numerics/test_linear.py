"""Small linear algebra against numpy's, and the cases where a choice has to be made."""

import numpy as np
import pytest

from ziplaw.numerics import linear as own

RNG = np.random.default_rng(3)
close = np.testing.assert_allclose


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_square_systems(n):
    a, b = RNG.normal(size=(7, n, n)), RNG.normal(size=(7, n, 3))
    close(own.solve(a, b), np.linalg.solve(a, b), rtol=1e-8)
    close(own.solve(a[0], b[0, :, 0]), np.linalg.solve(a[0], b[0, :, 0]), rtol=1e-8)
    close(own.solve(a, b[:1]), np.linalg.solve(a, b[:1]), rtol=1e-8)
    close(own.inv(a), np.linalg.inv(a), rtol=1e-8)
    signs, sizes = own.slogdet(a)
    wanted = np.linalg.slogdet(a)
    assert (signs == wanted[0]).all()
    close(sizes, wanted[1], atol=1e-12)


def test_rows_change_places_where_a_pivot_is_zero():
    a = np.array([[0.0, 2.0], [3.0, 1.0]])
    close(own.solve(a, [2.0, 5.0]), [4 / 3, 1.0])
    assert own.slogdet(a)[0] == -1.0


def test_singular_systems_are_refused():
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        own.solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0])
    assert own.slogdet(np.zeros((2, 2))) == (0.0, -np.inf)
    with pytest.raises(np.linalg.LinAlgError, match="not finite"):
        own.svd([[np.nan, 1.0]])


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_symmetric_matrices(n):
    half = RNG.normal(size=(5, n, n))
    a = half + half.swapaxes(1, 2)
    values, vectors = own.eigh(a)
    close(values, np.linalg.eigh(a)[0], atol=1e-12)
    close(vectors * values[:, None] @ vectors.swapaxes(1, 2), a, atol=1e-12)
    close(vectors.swapaxes(1, 2) @ vectors, np.broadcast_to(np.eye(n), a.shape), atol=1e-13)


def test_eigenvalues_of_very_different_size_are_told_apart():
    scale = 10.0 ** np.array([0, -6, -12])
    a = scale[:, None] * np.array([[2.0, 1, 0.5], [1, 3, 1], [0.5, 1, 4]]) * scale
    values = own.eigh(a)[0]
    assert (values > 0).all()
    close(values.prod(), np.prod(scale) ** 2 * np.linalg.det([[2.0, 1, 0.5], [1, 3, 1], [0.5, 1, 4]]), rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (60, 4), (4, 60), (3, 50, 6)])
def test_singular_values(shape):
    a = RNG.normal(size=shape)
    u, s, vt = own.svd(a)
    close(s, np.linalg.svd(a, compute_uv=False), rtol=1e-12)
    close((u * s[..., None, :]) @ vt, a, atol=1e-12)
    close(u.swapaxes(-1, -2) @ u, np.broadcast_to(np.eye(s.shape[-1]), (*shape[:-2], *2 * s.shape[-1:])), atol=1e-13)
    close(own.pinv(a), np.linalg.pinv(a), atol=1e-12)


def test_columns_that_follow_from_others():
    a = RNG.normal(size=(50, 3))
    a, y = np.column_stack([a, a[:, 0], np.zeros(50)]), RNG.normal(size=(50, 2))
    found, rank = own.lstsq(a, y)
    assert rank == 3
    close(found, np.linalg.lstsq(a, y, rcond=None)[0], atol=1e-12)
    close(own.lstsq(a, y[:, 0])[0], found[:, 0])
    close(own.pinv(a.T @ a, 1e-12, hermitian=True), np.linalg.pinv(a.T @ a, 1e-12, hermitian=True), atol=1e-12)
    assert own.svd(a)[1][-1] == 0.0


def test_polynomials_and_lengths():
    x = np.linspace(900, 1000, 30)
    y = 3 - 2 * x + 0.5 * x * x
    close(own.polyfit(x, y, 2), [0.5, -2, 3], rtol=1e-3)
    close(np.polyval(own.polyfit(x, y, 2), x), y, rtol=1e-9)
    values = RNG.normal(size=(4, 5))
    close(own.norm(values), np.linalg.norm(values))
    close(own.norm(values, axis=0), np.linalg.norm(values, axis=0))
