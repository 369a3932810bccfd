/* The optimiser over flat buffers, and sums of gradients. */
#ifndef ZL_DECODER_ADAMW_H
#define ZL_DECODER_ADAMW_H

#include "decoder.h"
#include "lanes/vector.h"

/* Moments nearer to zero than this are set to zero: far below epsilon, and denormals cost a hundred times as much. */
#define ZL_LEAST_MOMENT 0x1p-100f
/* floats whose squares are summed in fp32, lane by lane, before they go on in double */
#define ZL_SQUARES 1024

static void add(int64_t n, const float *part, float *total)
{
    for (int64_t i = 0; i < n; i++)
        total[i] += part[i];
}

static double norm_of(int64_t n, const float *x)
{
    double total = 0.0;
    for (int64_t start = 0; start < n; start += ZL_SQUARES) {
        int64_t stop = n - start < ZL_SQUARES ? n : start + ZL_SQUARES, i = start;
        float sums[16] = {0};
        for (; stop - i >= 16; i += 16)
            for (int l = 0; l < 16; l += ZL_WIDTH)
                store(sums + l, fused(load(x + i + l), load(x + i + l), load(sums + l)));
        for (int l = 0; i < stop; i++, l++)
            sums[l] = __builtin_fmaf(x[i], x[i], sums[l]);
        total += (double)sum16(sums);
    }
    return __builtin_sqrt(total);
}

static double power(double base, int64_t n)
{
    double result = 1.0;
    for (; n > 0; n >>= 1, base *= base)
        if (n & 1)
            result *= base;
    return result;
}

typedef struct {
    float shrink, keep1, take1, keep2, take2, correct1, correct2, epsilon, rate, decay;
} update_t;

/* m = keep1 m + take1 g, v = keep2 v + take2 g^2, p -= rate (m correct1 / (sqrt(v) correct2 + epsilon) + decay p) */
ZL_INLINE void update(const update_t *u, const float *gradient, float *parameter, float *first, float *second)
{
    vf g = load(gradient) * ALL(u->shrink), p = load(parameter);
    vf m = fused(g, ALL(u->take1), load(first) * ALL(u->keep1));
    vf v = fused(g * g, ALL(u->take2), load(second) * ALL(u->keep2));
    m = (vf)((vi)m & ~(vi)(magnitude(m) < ALL(ZL_LEAST_MOMENT)));
    v = (vf)((vi)v & ~(vi)(v < ALL(ZL_LEAST_MOMENT)));
    store(first, m);
    store(second, v);
    vf step = m * ALL(u->correct1) / fused(square_root(v), ALL(u->correct2), ALL(u->epsilon));
    step = fused(p, ALL(u->decay), step);
    store(parameter, fused(step, ALL(-u->rate), p));
}

static double adamw(const zl_adamw_t *c, const zl_stretch_t *stretches, int64_t n_stretches, const float *gradient,
                    float *parameters, float *first, float *second)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_stretches; i++)
        n += stretches[i].length;
    double norm = norm_of(n, gradient), shrink = c->clip / (norm + 1e-6);
    update_t u = {
        .shrink = c->clip > 0.0 && !(shrink >= 1.0) ? (float)shrink : 1.0f, /* a norm that is no number is not hidden */
        .keep1 = (float)c->beta1,
        .take1 = (float)(1.0 - c->beta1),
        .keep2 = (float)c->beta2,
        .take2 = (float)(1.0 - c->beta2),
        .correct1 = (float)(1.0 / (1.0 - power(c->beta1, c->step))),
        .correct2 = (float)(1.0 / __builtin_sqrt(1.0 - power(c->beta2, c->step))),
        .epsilon = (float)c->epsilon,
    };
    for (int64_t k = 0; k < n_stretches; k++) {
        u.rate = (float)(c->rate * (double)stretches[k].rate);
        u.decay = (float)(c->weight_decay * (double)stretches[k].decay);
        int64_t length = stretches[k].length, i = 0;
        for (; length - i >= ZL_WIDTH; i += ZL_WIDTH)
            update(&u, gradient + i, parameters + i, first + i, second + i);
        if (i < length) { /* what is left, filled up to a register */
            float rest[4][ZL_WIDTH] = {{0}};
            for (int l = 0; i + l < length; l++)
                rest[0][l] = gradient[i + l], rest[1][l] = parameters[i + l], rest[2][l] = first[i + l],
                rest[3][l] = second[i + l];
            update(&u, rest[0], rest[1], rest[2], rest[3]);
            for (int l = 0; i + l < length; l++)
                parameters[i + l] = rest[1][l], first[i + l] = rest[2][l], second[i + l] = rest[3][l];
        }
        gradient += length, parameters += length, first += length, second += length;
    }
    return norm;
}

#endif
