/* The two number types of the parser, with the same operations: fast_ on double, which raises a flag when a number
 * leaves the range where doubles keep their precision, and wide_ on wide_t, which has no such range. */
#ifndef ZL_EARLEY_NUMBER_H
#define ZL_EARLEY_NUMBER_H

#include <math.h>
#include <stdint.h>

#include "../numerics/elementary.h"
#include "earley_grammar.h"

static inline double
minus_log(double mantissa, int64_t exponent)
{
    /* the sum with 0.0 turns -0.0 into 0.0 */
    return 0.0 - (zl_log(mantissa) + (double) exponent * 0.6931471805599453094);
}

static inline double
fast_of(double a)
{
    return a;
}

static inline double
fast_number(double a)
{
    return a;
}

static inline int
fast_is_zero(double a)
{
    return a == 0;
}

static inline double
fast_sum(double a, double b)
{
    return a + b;
}

static inline int
fast_outside(double a, double least, double most)
{
    return !(a >= least && a <= most);
}

static inline double
fast_product(double a, double b, int *risk)
{
    const double product = a * b;

    /* a zero factor is exact: what is not predicted */
    /* far enough from the ends of the range that sums and one more product are safe: see SMALL */
    if (fast_outside(product, SMALL, LARGE) && a != 0 && b != 0) {
        *risk = 1;
    }
    return product;
}

/* sum += weights[r] * matrix[r], for the listed rows r in their order */
static inline void
fast_add_rows(double *restrict sum, const double *weights, const double *matrix, const int32_t *rows, int64_t n_rows,
              int64_t n)
{
    int64_t r = 0;

    /* four rows at a time: the sum is then read and written a quarter as often, with the same roundings */
    for (; r + 4 <= n_rows; r += 4) {
        const double w0 = weights[rows[r]], w1 = weights[rows[r + 1]], w2 = weights[rows[r + 2]];
        const double w3 = weights[rows[r + 3]];
        const double *row0 = matrix + rows[r] * n, *row1 = matrix + rows[r + 1] * n;
        const double *row2 = matrix + rows[r + 2] * n, *row3 = matrix + rows[r + 3] * n;

        for (int64_t j = 0; j < n; j++) {
            sum[j] = (((sum[j] + w0 * row0[j]) + w1 * row1[j]) + w2 * row2[j]) + w3 * row3[j];
        }
    }
    for (; r < n_rows; r++) {
        const double w0 = weights[rows[r]], *row0 = matrix + rows[r] * n;

        for (int64_t j = 0; j < n; j++) {
            sum[j] += w0 * row0[j];
        }
    }
}

static inline double
fast_split(double a, int *exponent)
{
    return frexp(a, exponent);
}

static inline double
fast_power(int exponent)
{
    return ldexp(1.0, exponent);
}

/* m * 2^(512 e) with m in [2^-256, 2^256), or m = 0: same roundings as a double, no end of range */
typedef struct {
    double m;
    int64_t e;
} wide_t;

#define WIDE_STEP 512

static inline wide_t
wide_tidy(double m, int64_t e)
{
    if (m >= 0x1p256) {
        m *= 0x1p-512;
        e++;
    } else if (m < 0x1p-256 && m > 0) {
        m *= 0x1p512;
        e--;
    }
    return (wide_t){ m, m > 0 ? e : 0 };
}

static inline wide_t
wide_of(double a)
{
    /* twice: a subnormal double is two steps away */
    const wide_t once = wide_tidy(a, 0);

    return wide_tidy(once.m, once.e);
}

static inline double
wide_number(wide_t a)
{
    return a.e == 0 ? a.m : ldexp(a.m, a.e < -4 ? -2 * 1024 : a.e > 4 ? 2 * 1024 : (int) a.e * WIDE_STEP);
}

static inline int
wide_is_zero(wide_t a)
{
    return a.m == 0;
}

static inline wide_t
wide_sum(wide_t a, wide_t b)
{
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 ? b : a;
    }
    if (a.e != b.e) {
        const wide_t large = a.e > b.e ? a : b, small = a.e > b.e ? b : a;

        /* two steps apart the smaller is less than 2^-512 of the larger: nothing of it is left after rounding */
        return large.e - small.e > 1 ? large : wide_tidy(large.m + small.m * 0x1p-512, large.e);
    }
    return wide_tidy(a.m + b.m, a.e);
}

static inline int
wide_outside(wide_t a, double least, double most)
{
    (void) a;
    (void) least;
    (void) most;
    return 0;
}

static inline wide_t
wide_product(wide_t a, wide_t b, int *risk)
{
    (void) risk;
    return wide_tidy(a.m * b.m, a.e + b.e);
}

static inline void
wide_add_rows(wide_t *restrict sum, const wide_t *weights, const double *matrix, const int32_t *rows, int64_t n_rows,
              int64_t n)
{
    for (int64_t r = 0; r < n_rows; r++) {
        for (int64_t j = 0; j < n; j++) {
            sum[j] = wide_sum(sum[j], wide_product(weights[rows[r]], wide_of(matrix[rows[r] * n + j]), NULL));
        }
    }
}

static inline double
wide_split(wide_t a, int *exponent)
{
    const double mantissa = frexp(a.m, exponent);

    *exponent += (int) a.e * WIDE_STEP;
    return mantissa;
}

static inline wide_t
wide_power(int exponent)
{
    int rest = exponent % WIDE_STEP;

    return wide_tidy(ldexp(1.0, rest), exponent / WIDE_STEP);
}

#endif
