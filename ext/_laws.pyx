"""Binding of the C fitter of additive laws: check shapes, release the GIL, call C."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free as release
from libc.stdlib cimport malloc

import numpy as np

from ziplaw.errors import FitError


cdef extern from "lawfit.h":
    ctypedef struct zl_law_t:
        int64_t n
        const double *x
        const double *y
        int64_t nx
        int64_t ny
        const double *ux
        const double *uy
        const int32_t *ix
        const int32_t *iy
        uint8_t[5] free
        uint8_t tie
        double low
        double high
        int32_t max_steps
        uint8_t anneal
    int64_t zl_law_scratch(int64_t n) nogil
    void zl_law_polish(const zl_law_t *law, const double *z, const double *w, double delta, double *theta,
                       double *objective, uint8_t *converged, double *scratch) nogil
    void zl_law_project(const zl_law_t *law, const double *z, const double *w, const double *exponents, int64_t m,
                        double fixed_E, double *linear, double *cost, double *scratch) nogil


cdef extern from "linkfit.h":
    ctypedef struct zl_link_t:
        int link
        int p
        int64_t n
        const double *x
        const double *y
        int64_t nx
        int64_t ny
        const double *ux
        const double *uy
        const int32_t *ix
        const int32_t *iy
        int knots
        const double *knot
        uint8_t excess
        const uint8_t *free
        uint8_t tie
        const double *low
        const double *high
        int32_t max_steps
        uint8_t anneal
    int64_t zl_link_scratch(int64_t n) nogil
    void zl_link_polish(const zl_link_t *law, const double *z, const double *w, double delta, double *theta,
                        double *objective, uint8_t *converged, double *scratch) nogil
    void zl_link_derivatives(const zl_link_t *law, const double *z, const double *w, double delta, const double *theta,
                             double *gradient, double *newton, double *irls, double *scratch) nogil

cdef enum:
    MOST_KNOTS = 8

LINKS = {"power": 0, "bounded": 1, "free": 2}


cdef int describe(zl_law_t *law, const double[::1] x, const double[::1] y, int64_t nz, int64_t nw) except -1:
    """Point ``law`` at the rows, after holding the lengths of z and of the weights against their number."""
    cdef int64_t n = x.shape[0]
    if n == 0 or y.shape[0] != n or nz != n or nw != n:
        raise FitError(f"x, y, z and weights have {n}, {y.shape[0]}, {nz} and {nw} rows: must agree")
    law.n = n
    law.x, law.y = &x[0], &y[0]
    return 0


cdef int check_distinct(int64_t n, const double[::1] ux, const int32_t[::1] ix, const double[::1] uy,
                        const int32_t[::1] iy) except -1:
    """Hold the distinct values of n rows, and which of them each row has, against each other."""
    cdef int64_t i
    if ix.shape[0] != n or iy.shape[0] != n or ux.shape[0] > n or uy.shape[0] > n:
        raise FitError("the distinct values do not belong to x and y: take them from numpy's unique")
    for i in range(n):
        if not (0 <= ix[i] < ux.shape[0] and 0 <= iy[i] < uy.shape[0]):
            raise FitError("an index of a distinct value is out of range: take them from numpy's unique")
    return 0


def polish(const double[::1] x, const double[::1] y, const double[:, ::1] z, const double[:, ::1] w,
           const double[::1] delta, double[:, ::1] theta, double[::1] objective, uint8_t[::1] converged, *,
           distinct, free, bint tie, bounds, int max_steps, bint anneal):
    """Minimise each row of ``theta`` in place; ``z`` and ``w`` have one row, or one for each problem; no GIL.

    ``distinct``: distinct x, each row's index among them, and the same of y, as numpy's unique gives them, int32.
    ``x``, ``y``: float64 (n,); ``delta``, ``objective``, ``converged``: (problems,); ``theta``: (problems, 5).
    """
    cdef zl_law_t law
    cdef int64_t k = theta.shape[0], i, z_step, w_step
    cdef double *scratch
    cdef const double *z0
    cdef const double *w0
    cdef const double *delta0
    cdef double *theta0
    cdef double *objective0
    cdef uint8_t *converged0
    cdef const double[::1] ux = distinct[0], uy = distinct[2]
    cdef const int32_t[::1] ix = distinct[1], iy = distinct[3]
    describe(&law, x, y, z.shape[1], w.shape[1])
    if k == 0:
        return
    check_distinct(law.n, ux, ix, uy, iy)
    law.nx, law.ny = ux.shape[0], uy.shape[0]
    law.ux, law.uy, law.ix, law.iy = &ux[0], &uy[0], &ix[0], &iy[0]
    if theta.shape[1] != 5 or delta.shape[0] != k or objective.shape[0] != k or converged.shape[0] != k:
        raise FitError(
            f"theta is ({k}, {theta.shape[1]}): delta, objective and converged need one entry a row, 5 columns"
        )
    if z.shape[0] not in (1, k) or w.shape[0] not in (1, k):
        raise FitError(f"z and weights have {z.shape[0]} and {w.shape[0]} rows, must have 1 or {k}")
    for i in range(5):
        law.free[i] = bool(free[i])  # numpy truth values too
    law.tie, law.max_steps, law.anneal = tie, max_steps, anneal
    law.low, law.high = bounds
    z_step, w_step = law.n * (z.shape[0] > 1), law.n * (w.shape[0] > 1)  # 0: one row for all problems
    z0, w0, delta0 = &z[0, 0], &w[0, 0], &delta[0]
    theta0, objective0, converged0 = &theta[0, 0], &objective[0], &converged[0]
    scratch = <double *> malloc(zl_law_scratch(law.n) * sizeof(double))
    if scratch == NULL:
        raise MemoryError("not enough memory for the fitter's scratch")
    with nogil:
        for i in range(k):
            zl_law_polish(&law, z0 + i * z_step, w0 + i * w_step, delta0[i], theta0 + 5 * i, objective0 + i,
                          converged0 + i, scratch)
        release(scratch)


cdef int describe_link(zl_link_t *law, str link, const double[::1] x, const double[::1] y, int64_t nz, int64_t nw,
                       int64_t p, const double[::1] ux, const int32_t[::1] ix, const double[::1] uy,
                       const int32_t[::1] iy, const double[::1] knots) except -1:
    """Point ``law`` at the rows and the link, after holding their lengths against each other."""
    cdef int64_t n = x.shape[0], m = knots.shape[0]
    if n == 0 or y.shape[0] != n or nz != n or nw != n:
        raise FitError(f"x, y, z and weights have {n}, {y.shape[0]}, {nz} and {nw} rows: must agree")
    check_distinct(n, ux, ix, uy, iy)
    if link not in LINKS or m > MOST_KNOTS or (link == "free") != (m > 0):
        raise FitError(f"link {link!r} with {m} knots: must be one of {', '.join(LINKS)}, 1 to {MOST_KNOTS} knots for free")
    if p != {"power": 6, "bounded": 7}.get(link, 6 + m):
        raise FitError(f"theta has {p} columns: not what the link {link} has")
    law.link, law.p, law.n, law.x, law.y = LINKS[link], p, n, &x[0], &y[0]
    law.nx, law.ny = ux.shape[0], uy.shape[0]
    law.ux, law.uy, law.ix, law.iy = &ux[0], &uy[0], &ix[0], &iy[0]
    law.knots = m
    law.knot = &knots[0] if m else NULL
    return 0


def link_derivatives(str link, const double[::1] x, const double[::1] y, const double[::1] z, const double[::1] w,
                     double delta, const double[::1] theta, *, distinct, const double[::1] knots, bint excess):
    """Gradient (p,), Newton and IRLS matrices (p, p) of the sum at ``theta`` (p,): what ``polish_link`` steps by."""
    cdef zl_link_t law
    cdef int64_t p = theta.shape[0]
    cdef double *scratch
    describe_link(&law, link, x, y, z.shape[0], w.shape[0], p, distinct[0], distinct[1], distinct[2], distinct[3], knots)
    law.excess = excess
    gradient, newton, irls = np.empty(p), np.empty((p, p)), np.empty((p, p))
    cdef double[::1] g = gradient
    cdef double[:, ::1] second = newton, metric = irls
    scratch = <double *> malloc(zl_link_scratch(law.n) * sizeof(double))
    if scratch == NULL:
        raise MemoryError("not enough memory for the fitter's scratch")
    zl_link_derivatives(&law, &z[0], &w[0], delta, &theta[0], &g[0], &second[0, 0], &metric[0, 0], scratch)
    release(scratch)
    return gradient, newton, irls


def polish_link(str link, const double[::1] x, const double[::1] y, const double[:, ::1] z, const double[:, ::1] w,
                const double[::1] delta, double[:, ::1] theta, double[::1] objective, uint8_t[::1] converged, *,
                distinct, const double[::1] knots, bint excess, free, bint tie, const double[::1] low,
                const double[::1] high, int max_steps, bint anneal):
    """Minimise each row of ``theta`` in place under a link of ``LINKS``; as ``polish`` otherwise.

    ``theta``: float64 (problems, p), logarithms as ``linkfit.h`` lists them; ``low``, ``high``, ``free``: (p,);
    ``knots``: (m,), of the free link.
    """
    cdef zl_link_t law
    cdef int64_t k = theta.shape[0], p = theta.shape[1], n = x.shape[0], i, z_step, w_step
    cdef double *scratch
    cdef const double *z0
    cdef const double *w0
    cdef const double *delta0
    cdef double *theta0
    cdef double *objective0
    cdef uint8_t *converged0
    cdef uint8_t[16] moving
    describe_link(&law, link, x, y, z.shape[1], w.shape[1], p, distinct[0], distinct[1], distinct[2], distinct[3], knots)
    if k == 0:
        return
    if p != low.shape[0] or p != high.shape[0] or p != len(free):
        raise FitError(f"theta is ({k}, {p}): the bounds and what is free need {p} entries")
    if delta.shape[0] != k or objective.shape[0] != k or converged.shape[0] != k:
        raise FitError(f"theta has {k} rows: delta, objective and converged need one entry a row")
    if z.shape[0] not in (1, k) or w.shape[0] not in (1, k):
        raise FitError(f"z and weights have {z.shape[0]} and {w.shape[0]} rows, must have 1 or {k}")
    for i in range(p):
        moving[i] = bool(free[i])
    law.excess, law.free, law.tie = excess, moving, tie
    law.low, law.high, law.max_steps, law.anneal = &low[0], &high[0], max_steps, anneal
    z_step, w_step = n * (z.shape[0] > 1), n * (w.shape[0] > 1)  # 0: one row for all problems
    z0, w0, delta0 = &z[0, 0], &w[0, 0], &delta[0]
    theta0, objective0, converged0 = &theta[0, 0], &objective[0], &converged[0]
    scratch = <double *> malloc(zl_link_scratch(n) * sizeof(double))
    if scratch == NULL:
        raise MemoryError("not enough memory for the fitter's scratch")
    with nogil:
        for i in range(k):
            zl_link_polish(&law, z0 + i * z_step, w0 + i * w_step, delta0[i], theta0 + p * i, objective0 + i,
                           converged0 + i, scratch)
        release(scratch)


def project(const double[::1] x, const double[::1] y, const double[::1] z, const double[::1] w,
            const double[::1] exponents, double fixed_E):
    """Best E, A, B for every pair of exponents: returns linear (m, m, 3) and cost (m, m); fixed_E < 0 frees E."""
    cdef zl_law_t law
    cdef int64_t m = exponents.shape[0]
    cdef double *scratch
    if m == 0:
        raise FitError("no exponents: at least one is needed")
    describe(&law, x, y, z.shape[0], w.shape[0])
    linear, cost = np.empty((m, m, 3)), np.empty((m, m))
    cdef double[:, :, ::1] linear_view = linear
    cdef double[:, ::1] cost_view = cost
    cdef double *linear0 = &linear_view[0, 0, 0]
    cdef double *cost0 = &cost_view[0, 0]
    cdef const double *z0 = &z[0]
    cdef const double *w0 = &w[0]
    cdef const double *exponents0 = &exponents[0]
    scratch = <double *> malloc((2 * m + 2) * law.n * sizeof(double))
    if scratch == NULL:
        raise MemoryError("not enough memory for the grid of exponents")
    with nogil:
        zl_law_project(&law, z0, w0, exponents0, m, fixed_E, linear0, cost0, scratch)
        release(scratch)
    return linear, cost
