/* Sixteen lanes of fp32 as vectors of whatever width the processor has, by compiler vector types alone.
 *
 * A variant defines ZL_WIDTH (floats in a vector: 4, 8 or 16) and ZL_FMA (1: the processor fuses a multiply and an add).
 * Lanes never meet but in sum16(), whose order is fixed; so the width changes no bit. What is not the same everywhere
 * by IEEE 754 (exp, log) is computed here. Nothing is left to contraction: fma is called where it is meant. */
#ifndef ZL_DECODER_VECTOR_H
#define ZL_DECODER_VECTOR_H

#include <stdint.h>

#if defined(__FAST_MATH__) || __FLT_EVAL_METHOD__ != 0
#error "the same bits on every machine need IEEE 754 arithmetic in float: no -ffast-math, no x87"
#endif

/* a loop over registers: it must be unrolled whole, and before variables are given registers */
#ifdef __clang__
#define ZL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ZL_UNROLL _Pragma("GCC unroll 16")
#endif
#define ZL_INLINE static inline __attribute__((always_inline))
#define ZL_REGS (16 / ZL_WIDTH)

/* vf_N, vi_N: N floats, N unsigned integers; vf_u_N the same floats anywhere in memory. fma_N(a, b, c) = ab + c, rounded
 * once. */
#define ZL_VECTOR(N)                                                                                                   \
    typedef float vf_##N __attribute__((vector_size(4 * N)));                                                           \
    typedef uint32_t vi_##N __attribute__((vector_size(4 * N)));                                                        \
    typedef float vf_u_##N __attribute__((vector_size(4 * N), aligned(4), may_alias));                                  \
    ZL_INLINE vf_##N load_##N(const float *p) { return *(const vf_u_##N *)p; }                                            \
    ZL_INLINE void store_##N(float *p, vf_##N v) { *(vf_u_##N *)p = v; }                                                  \
    ZL_FMA_OF(N)

#if ZL_FMA
/* compilers make one instruction of this loop */
#define ZL_FMA_OF(N)                                                                                                   \
    ZL_INLINE vf_##N fma_##N(vf_##N a, vf_##N b, vf_##N c)                                                                  \
    {                                                                                                                  \
        vf_##N r;                                                                                                       \
        for (int l = 0; l < N; l++)                                                                                    \
            r[l] = __builtin_fmaf(a[l], b[l], c[l]);                                                                   \
        return r;                                                                                                      \
    }
#else
/* Without the instruction: the product is exact in double; the sum is rounded to odd there (Boldo and Melquiond 2008),
 * so that rounding it once more, to float, gives what rounding once would. Two lanes at a time, which is what registers
 * of that age hold of doubles: compilers take wider ones apart. */
typedef double vd_2 __attribute__((vector_size(16)));
typedef int64_t vl_2 __attribute__((vector_size(16)));
typedef float vf_2 __attribute__((vector_size(8)));

ZL_INLINE vf_2 fma_2(vf_2 a, vf_2 b, vf_2 c)
{
    vd_2 p = __builtin_convertvector(a, vd_2) * __builtin_convertvector(b, vd_2), z = __builtin_convertvector(c, vd_2);
    vd_2 s = p + z, q = s - p, error = (p - (s - q)) + (z - q);
    /* a unit of the last place towards what was lost, where something was and s is even; masks are -1 and 0 */
    vl_2 bits = (vl_2)s, away = (vl_2)(error < 0.0) - (vl_2)(error > 0.0), negative = (vl_2)(s < 0.0);
    bits += ((away ^ negative) - negative) & ((bits & 1) - 1);
    return __builtin_convertvector((vd_2)bits, vf_2);
}

#define ZL_FMA_OF(N)                                                                                                   \
    ZL_INLINE vf_##N fma_##N(vf_##N a, vf_##N b, vf_##N c)                                                             \
    {                                                                                                                  \
        vf_##N r;                                                                                                      \
        for (int l = 0; l < N; l += 2) {                                                                               \
            vf_2 two = fma_2((vf_2){a[l], a[l + 1]}, (vf_2){b[l], b[l + 1]}, (vf_2){c[l], c[l + 1]});                  \
            r[l] = two[0], r[l + 1] = two[1];                                                                          \
        }                                                                                                              \
        return r;                                                                                                      \
    }
#endif

ZL_VECTOR(4)
#if ZL_WIDTH > 4
ZL_VECTOR(8)
#endif
#if ZL_WIDTH > 8
ZL_VECTOR(16)
#endif

#define ZL_PASTE_(a, b) a##b
#define ZL_PASTE(a, b) ZL_PASTE_(a, b)
#define vf ZL_PASTE(vf_, ZL_WIDTH)
#define vi ZL_PASTE(vi_, ZL_WIDTH)
#define load ZL_PASTE(load_, ZL_WIDTH)
#define store ZL_PASTE(store_, ZL_WIDTH)
#define fused ZL_PASTE(fma_, ZL_WIDTH)

/* one number in all lanes */
#define ALL(x) ((x) - (vf){0})
#define CHOOSE(mask, a, b) ((vf)(((vi)(mask) & (vi)(a)) | (~(vi)(mask) & (vi)(b))))

ZL_INLINE vf square_root(vf x)
{
    vf r = x;
    for (int l = 0; l < ZL_WIDTH; l++)
        r[l] = __builtin_sqrtf(x[l]);
    return r;
}

/* a where it is larger, else b, so b where one is not a number */
ZL_INLINE vf larger(vf a, vf b) { return CHOOSE(a > b, a, b); }

ZL_INLINE vf magnitude(vf x) { return (vf)((vi)x & 0x7fffffffu); }

/* Below this exp() is 0: e^-64 beside 1 is nothing in fp32, and products of what is left stay clear of denormals. */
#define ZL_EXP_LEAST (-64.0f)

/* vectors that exponentials() works on together: alone each would wait for its own last result */
#define ZL_TOGETHER 2
/* of which as many are summed before their sum goes to the others': errors of rounding grow with the length of a sum */
#define ZL_SUMMED 16
#define EACH(i) ZL_UNROLL for (int i = 0; i < ZL_TOGETHER; i++)

/* e^x for x <= 0 in place: x = n ln 2 + r, a polynomial in r, times 2^n. Relative error below 7.2e-8, and 2.8e-9 |x|
 * more for what n ln 2 lacks in fp32. What is no number stays none: it would not, were n added to the exponent. */
ZL_INLINE void exponentials(vf x[ZL_TOGETHER])
{
    /* 1.5 * 2^23 + 127: adding it rounds to a whole number and leaves n + 127 in the low bits, the exponent of 2^n */
    const float shift = 12583039.0f;
    vf t[ZL_TOGETHER], r[ZL_TOGETHER], r2[ZL_TOGETHER], p[ZL_TOGETHER], middle[ZL_TOGETHER];
    EACH(i) t[i] = fused(x[i], ALL(1.44269504f), ALL(shift));
    EACH(i) p[i] = t[i] - ALL(shift);
    EACH(i) r[i] = fused(p[i], ALL(-0.693147182f), x[i]);
    /* r + c2 r^2 + ... + c6 r^6, by halves: a shorter chain than one term after another */
    EACH(i) p[i] = fused(ALL(8.368745e-3f), r[i], ALL(4.166839e-2f));
    EACH(i) r2[i] = r[i] * r[i];
    EACH(i) middle[i] = fused(ALL(0.16666521f), r[i], ALL(0.49999994f));
    EACH(i) p[i] = fused(ALL(1.381454e-3f), r2[i], p[i]);
    EACH(i) p[i] = fused(p[i], r2[i], middle[i]);
    EACH(i) p[i] = fused(p[i], r2[i], r[i]);
    /* 2^n + 2^n p, rounded once */
    EACH(i) r2[i] = (vf)((vi)t[i] << 23);
    EACH(i) t[i] = fused(p[i], r2[i], r2[i]);
    EACH(i) x[i] = (vf)((vi)t[i] & ~(vi)(x[i] < ALL(ZL_EXP_LEAST)));
}

/* ln x for normal x > 0, error below 1 unit in the last place: x = m 2^e with m in [.7071, 1.4143),
 * ln m = 2 artanh((m - 1) / (m + 1)). Infinity and what is no number stay themselves. */
ZL_INLINE vf logarithm(vf x)
{
    vi bits = (vi)x, e = (bits - 0x3f3504f3u) & 0xff800000u;
    vf m = (vf)(bits - e), whole;
    for (int l = 0; l < ZL_WIDTH; l++)
        whole[l] = (float)((int32_t)e[l] / (1 << 23));
    vf f = m - ALL(1.0f), s = f / (f + ALL(2.0f)), z = s * s, half = ALL(0.5f) * f * f;
    vf p = fused(z, ALL(0.222222222f), ALL(0.285714286f));
    p = fused(z, p, ALL(0.4f));
    p = fused(z, p, ALL(0.666666667f));
    /* 2 s = f - (f^2 / 2 - s f^2 / 2), where f is exact: the quotient's error counts for less */
    vf rest = fused(s, fused(z, p, half), whole * ALL(1.42860677e-6f));
    return CHOOSE(x < ALL(__builtin_inff()), fused(whole, ALL(0.693145752f), f - (half - rest)), x);
}

/* sixteen lanes as registers */
typedef struct {
    vf r[ZL_REGS];
} lanes;

ZL_INLINE lanes lanes_load(const float *p)
{
    lanes x;
    for (int i = 0; i < ZL_REGS; i++)
        x.r[i] = load(p + i * ZL_WIDTH);
    return x;
}

ZL_INLINE void lanes_store(float *p, lanes x)
{
    for (int i = 0; i < ZL_REGS; i++)
        store(p + i * ZL_WIDTH, x.r[i]);
}

/* Sum of sixteen numbers: lane l and l + 8, then l and l + 4, l + 2, l + 1. */
ZL_INLINE float sum16(const float *x)
{
    float y[8];
    for (int l = 0; l < 8; l++)
        y[l] = x[l] + x[l + 8];
    for (int l = 0; l < 4; l++)
        y[l] += y[l + 4];
    return (y[0] + y[2]) + (y[1] + y[3]);
}

#endif
