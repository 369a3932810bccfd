/* Elementary functions of doubles in additions, multiplications, divisions and integer operations alone, which every
 * machine rounds alike. A machine's own library picks other code, with other last bits, for another processor.
 *
 * exp and log are within 0.52 of a unit in the last place, the others within 1 (tests/numerics/test_functions.py).
 * Comparisons that NaN may reach are the quiet ones: numpy warns of every flag that the processor raises.
 * Contraction has to be off (-ffp-contract=off): a fused multiply-add rounds once where two operations round twice.
 */
#ifndef ZL_ELEMENTARY_H
#define ZL_ELEMENTARY_H

#include "elementary_tables.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t zl_bits(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double zl_of_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^exponent e^(x + low) less what is taken, 0 or 1; |x| < 708 and |low| far below a step of the table. */
static inline double zl_exp_sum(double x, double low, int exponent, double taken)
{
    /* adding and taking away 1.5 * 2^52 rounds to the nearest whole number */
    double steps = (x * ZL_STEPS + 0x1.8p52) - 0x1.8p52;
    int64_t k = (int64_t) steps;
    const double *entry = zl_exp_table[k & 127];
    double scale = zl_of_bits(zl_bits(entry[0]) + ((uint64_t) ((k >> 7) + exponent) << 52));
    double r = (x - steps * ZL_STEP_HIGH) - steps * ZL_STEP_LOW + low, r2 = r * r;
    double p = r2 * (0.5 + r * (1.0 / 6.0)) + (r2 * r2) * (1.0 / 24.0 + r * (1.0 / 120.0));

    p = (entry[1] + p) + r;
    return (scale - taken) + scale * p;
}

/* exp(x + low) anywhere: x not NaN. */
static inline double zl_exp_far(double x, double low)
{
    if (x > 710.0)
        return x * 0x1p1023;
    if (x < -746.0)
        return 0.0;
    return x > 0.0 ? zl_exp_sum(x, low, -4, 0.0) * 0x1p4 : zl_exp_sum(x, low, 64, 0.0) * 0x1p-64;
}

static inline double zl_exp(double x)
{
    if (isless(fabs(x), 708.0))
        return zl_exp_sum(x, 0.0, 0, 0.0);
    return x != x ? x : zl_exp_far(x, 0.0);
}

static inline double zl_expm1(double x)
{
    double x2 = x * x;

    /* the series itself where 1 would be taken from what is hardly more */
    if (isless(fabs(x), 0x1p-5))
        return x + x2 * ((0.5 + x * (1.0 / 6.0)) + x2 * ((1.0 / 24.0 + x * (1.0 / 120.0)) +
                                                         x2 * (1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40320.0)))));
    if (isless(fabs(x), 708.0))
        return zl_exp_sum(x, 0.0, 0, 1.0);
    return x != x ? x : x > 0.0 ? zl_exp_far(x, 0.0) : -1.0;
}

/* ln(x + more) as a sum of two, x positive, normal and finite, more / x at most 2^-53. */
static inline void zl_log_sum(double x, double more, double *high, double *low)
{
    uint64_t bits = zl_bits(x), from = bits - UINT64_C(0x3fe6000000000000);
    int64_t k = (int64_t) from >> 52;
    const double *entry = zl_log_table[(from >> 45) & 127];
    /* x = 2^k z with z in [0.6875, 1.375); z / c - 1 in two pieces, both without rounding */
    double z = zl_of_bits(bits - (from & UINT64_C(0xfff0000000000000)));
    double front = zl_of_bits(zl_bits(z) & UINT64_C(0xffffffffffe00000));
    double lead = front * entry[0] - 1.0, rest = (z - front) * entry[0], r = lead + rest, r2 = r * r;
    double t = (double) k * ZL_LN2_HIGH + entry[1], s = t + lead, back = s - t;
    double lost = (t - (s - back)) + (lead - back);
    double p = (-0.5 + r * (1.0 / 3.0)) + r2 * ((-0.25 + r * 0.2) + r2 * ((-1.0 / 6.0 + r * (1.0 / 7.0)) +
                                                                       r2 * (-0.125 + r * (1.0 / 9.0))));

    more = more != 0.0 ? more / x : 0.0;
    if (t == 0.0) { /* next to 1, where r has no rounding */
        *high = r;
        *low = more + r2 * p;
        return;
    }
    *high = s;
    *low = (lost + ((double) k * ZL_LN2_LOW + entry[2])) + (more + (rest + r2 * p));
}

/* Whether ln x is *high as it stands; else x, made normal, is 2^-*scaled of what it was. */
static inline int zl_log_odd(double *x, double *scaled, double *high)
{
    *scaled = 0.0;
    if (isgreater(*x, 0.0) && isless(*x, INFINITY)) {
        if (*x < 0x1p-1022) {
            *x *= 0x1p54;
            *scaled = 54.0;
        }
        return 0;
    }
    /* with the flags of the machine raised as they should: division by zero, an invalid operation */
    *high = *x == 0.0 ? -1.0 / fabs(*x) : isless(*x, 0.0) ? sqrt(*x) : *x;
    return 1;
}

static inline double zl_log(double x)
{
    double high, low, scaled;

    if (!(isgreaterequal(x, 0x1p-1022) && isless(x, INFINITY))) {
        if (zl_log_odd(&x, &scaled, &high))
            return high;
        zl_log_sum(x, 0.0, &high, &low);
        return (high - scaled * ZL_LN2_HIGH) + (low - scaled * ZL_LN2_LOW);
    }
    zl_log_sum(x, 0.0, &high, &low);
    return high + low;
}

static inline double zl_log1p(double x)
{
    double high, low, u = 1.0 + x;

    if (isless(fabs(x), 0x1p-30)) /* where 1 + x would leave little of x */
        return x - 0.5 * x * x;
    if (!(isgreater(u, 0.0) && isless(u, INFINITY)))
        return zl_log(u);
    /* what the sum 1 + x lost */
    zl_log_sum(u, x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x), &high, &low);
    return high + low;
}

/* a b as a sum of two, neither so large that splitting it overflows. */
static inline double zl_product(double a, double b, double *lost)
{
    double p = a * b, a1 = zl_of_bits(zl_bits(a) & UINT64_C(0xfffffffff8000000)), a2 = a - a1;
    double b1 = zl_of_bits(zl_bits(b) & UINT64_C(0xfffffffff8000000)), b2 = b - b1;

    *lost = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
    return p;
}

static inline double zl_log10(double x)
{
    double high, low, scaled, lost, p;

    if (zl_log_odd(&x, &scaled, &high))
        return high;
    zl_log_sum(x, 0.0, &high, &low);
    high -= scaled * ZL_LN2_HIGH;
    low -= scaled * ZL_LN2_LOW;
    p = zl_product(high, ZL_PER_LN10, &lost);
    return p + (lost + (high * ZL_PER_LN10_LOW + low * ZL_PER_LN10));
}

/* x^y of x > 0; anything else as the C library has it: 0, infinity and NaN, and whole y of x < 0. */
static inline double zl_pow(double x, double y)
{
    double size = fabs(x), high, low, scaled, lost, p, value;

    if (y == 2.0)
        return x * x;
    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (x != x || y != y)
        return x + y;
    if (y == INFINITY || y == -INFINITY)
        return size == 1.0 ? 1.0 : (size > 1.0) == (y > 0.0) ? INFINITY : 0.0;
    if (x < 0.0 && y != floor(y))
        return size == INFINITY ? (y > 0.0 ? INFINITY : 0.0) : sqrt(-1.0 * size);
    if (size == 0.0 || size == INFINITY) {
        value = (size == 0.0) == (y > 0.0) ? 0.0 : size == 0.0 ? 1.0 / size : INFINITY;
    } else {
        zl_log_odd(&size, &scaled, &high);
        zl_log_sum(size, 0.0, &high, &low);
        high -= scaled * ZL_LN2_HIGH;
        low -= scaled * ZL_LN2_LOW;
        /* past these bounds the answer is out of range whatever the last bits */
        if (fabs(y) > 0x1p64) {
            value = zl_exp((high + low) * y);
        } else {
            value = high + low;
            low -= value - high;
            p = zl_product(value, y, &lost);
            lost += low * y;
            value = fabs(p) < 708.0 ? zl_exp_sum(p, lost, 0, 0.0) : zl_exp_far(p, lost);
        }
    }
    /* an odd power keeps the sign */
    return signbit(x) && y == floor(y) && fabs(y) < 0x1p53 && fmod(fabs(y), 2.0) == 1.0 ? -value : value;
}

/* ln(e^a + e^b). */
static inline double zl_logaddexp(double a, double b)
{
    double apart = fabs(a - b);

    if (a == b)
        return a + 0x1.62e42fefa39efp-1;
    if (apart != apart)
        return a + b;
    return (a > b ? a : b) + zl_log1p(zl_exp(-apart));
}

/* 1 / (1 + e^-x), without a difference of near equals on either side. */
static inline double zl_expit(double x)
{
    double e = zl_exp(-fabs(x));

    return isgreaterequal(x, 0.0) ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

static inline double zl_tanh(double x)
{
    double size = fabs(x), e, value;

    if (!isless(size, 22.0))
        return x != x ? x : copysign(1.0, x);
    e = zl_expm1(2.0 * size);
    value = e / (e + 2.0);
    return copysign(value, x);
}

/* Share of the standard normal distribution up to x: to 13 digits, its density's argument losing the rest far out. */
static inline double zl_normal_cdf(double x)
{
    const double per_sqrt_2pi = 0x1.9884533d43651p-2;
    double size = fabs(x), squared = size * size, density, value;
    int i;

    if (x != x)
        return x;
    if (size > 40.0)
        return x < 0.0 ? 0.0 : 1.0;
    density = zl_exp(-0.5 * squared);
    if (size < 3.0) {
        double term = size, sum = size;

        for (i = 1; term > 0x1p-60 * sum; i++) {
            term = term * squared / (2 * i + 1);
            sum += term;
        }
        value = 0.5 - sum * density * per_sqrt_2pi;
    } else {
        double fraction = size;

        for (i = 60; i > 0; i--)
            fraction = size + i / fraction;
        value = density / fraction * per_sqrt_2pi;
    }
    return x > 0.0 ? 1.0 - value : value;
}

#endif
