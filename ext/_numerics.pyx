"""Binding of arithmetic that rounds alike on every machine: elementary functions and products as ufuncs, small systems."""

from libc.stdint cimport int64_t, intptr_t

cimport numpy as cnp

import numpy as np

cnp.import_array()
cnp.import_ufunc()


cdef extern from "loops.h":
    ctypedef void zl_loop_t(char **arrays, const intptr_t *lengths, const intptr_t *strides, void *unused) noexcept nogil
    zl_loop_t zl_exp_loop, zl_expm1_loop, zl_log_loop, zl_log1p_loop, zl_log10_loop, zl_expit_loop, zl_tanh_loop
    zl_loop_t zl_pow_loop, zl_logaddexp_loop, zl_matmul_loop, zl_normal_cdf_loop

cdef extern from "linear.h":
    int zl_eliminate(double *matrix, double *rhs, int64_t n, int64_t m, double *sign, double *log_size) nogil
    int zl_symmetric(double *matrix, double *vectors, double *values, int64_t n) nogil
    int zl_singular(double *matrix, double *right, double *values, int64_t n, int64_t p) nogil

cdef enum:
    FUNCTIONS = 11

# numpy keeps the addresses of these, not copies
cdef cnp.PyUFuncGenericFunction loops[FUNCTIONS]
cdef char[3] doubles = [cnp.NPY_DOUBLE, cnp.NPY_DOUBLE, cnp.NPY_DOUBLE]
kept = []


cdef function(int place, zl_loop_t *loop, int inputs, bytes name, bytes about, bytes signature=None):
    """A ufunc of doubles; with a signature, of arrays of them."""
    kept.extend([name, about])
    loops[place] = <cnp.PyUFuncGenericFunction> loop
    return cnp.PyUFunc_FromFuncAndDataAndSignature(
        &loops[place], NULL, doubles, 1, inputs, 1, cnp.PyUFunc_None, name, about, 0,
        NULL if signature is None else <char *> signature,
    )


exp = function(0, zl_exp_loop, 1, b"exp", b"e^x.")
expm1 = function(1, zl_expm1_loop, 1, b"expm1", b"e^x - 1.")
log = function(2, zl_log_loop, 1, b"log", b"Natural logarithm.")
log1p = function(3, zl_log1p_loop, 1, b"log1p", b"ln(1 + x).")
log10 = function(4, zl_log10_loop, 1, b"log10", b"Logarithm to the base 10.")
expit = function(5, zl_expit_loop, 1, b"expit", b"1 / (1 + e^-x).")
tanh = function(6, zl_tanh_loop, 1, b"tanh", b"Hyperbolic tangent.")
power = function(7, zl_pow_loop, 2, b"power", b"x^y.")
logaddexp = function(8, zl_logaddexp_loop, 2, b"logaddexp", b"ln(e^x + e^y).")
matmul = function(9, zl_matmul_loop, 2, b"matmul", b"Matrix product, as numpy's.", b"(n?,k),(k,m?)->(n?,m?)")
normal_cdf = function(10, zl_normal_cdf_loop, 1, b"normal_cdf", b"Share of the standard normal distribution up to x.")


def eliminate(double[:, :, ::1] matrix, double[:, :, ::1] rhs):
    """Solve each of a stack of systems (s, n, n) in place of ``rhs`` (s, n, m): signs and logarithms of determinants."""
    cdef int64_t i, n = matrix.shape[1], m = rhs.shape[2]
    signs, sizes = np.ones(matrix.shape[0]), np.zeros(matrix.shape[0])
    cdef double[::1] sign = signs, size = sizes
    if matrix.shape[2] != n or rhs.shape[1] != n or rhs.shape[0] != matrix.shape[0]:
        raise ValueError(f"a stack of {matrix.shape[0]} systems of {n}: matrices and right sides do not fit together")
    if n == 0 or matrix.shape[0] == 0:
        return signs, sizes
    with nogil:
        for i in range(matrix.shape[0]):
            zl_eliminate(&matrix[i, 0, 0], &rhs[i, 0, 0] if m else NULL, n, m, &sign[i], &size[i])
    return signs, sizes


def symmetric(double[:, :, ::1] matrix):
    """Eigenvalues (s, n), rising, and eigenvectors (s, n, n), one a column, of symmetric matrices, which are destroyed."""
    cdef int64_t i, n = matrix.shape[1]
    vectors, values = np.empty((matrix.shape[0], n, n)), np.empty((matrix.shape[0], n))
    cdef double[:, :, ::1] vector = vectors
    cdef double[:, ::1] value = values
    if matrix.shape[2] != n:
        raise ValueError(f"matrices of {n} rows and {matrix.shape[2]} columns: must be square")
    if n:
        for i in range(matrix.shape[0]):
            zl_symmetric(&matrix[i, 0, 0], &vector[i, 0, 0], &value[i, 0], n)
    return values, vectors


def singular(double[:, :, ::1] matrix):
    """Singular values (s, p), falling, and right vectors (s, p, p), one a row, of (s, n >= p, p): it becomes the left."""
    cdef int64_t i, n = matrix.shape[1], p = matrix.shape[2]
    rights, values = np.empty((matrix.shape[0], p, p)), np.empty((matrix.shape[0], p))
    cdef double[:, :, ::1] right = rights
    cdef double[:, ::1] value = values
    if n < p:
        raise ValueError(f"matrices of {n} rows and {p} columns: more columns than rows")
    if p:
        for i in range(matrix.shape[0]):
            zl_singular(&matrix[i, 0, 0], &right[i, 0, 0], &value[i, 0], n, p)
    return values, rights
