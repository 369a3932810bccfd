/* Norms, rotations and SwiGLU of one panel: sixteen tokens, a register's lanes side by side. */
#ifndef ZL_DECODER_LAYERS_H
#define ZL_DECODER_LAYERS_H

#include "layout.h"
#include "product.h"

/* unit = x / sqrt(mean(x^2) + epsilon), y = weight * unit. */
static void norm_forward(int64_t h, const float *x, const float *weight, float *y, float *unit, float *rstd)
{
    for (int l = 0; l < 16; l += ZL_WIDTH) {
        vf sum = {0};
        for (int64_t i = 0; i < h; i++) {
            vf v = load(x + i * 16 + l);
            sum = fused(v, v, sum);
        }
        vf scale = ALL(1.0f) / square_root(sum / ALL((float)h) + ALL(ZL_RMS_EPSILON));
        store(rstd + l, scale);
        for (int64_t i = 0; i < h; i++) {
            vf u = load(x + i * 16 + l) * scale;
            store(unit + i * 16 + l, u);
            store(y + i * 16 + l, u * ALL(weight[i]));
        }
    }
}

/* y = weight * unit, as the forward pass had it. */
static void norm_again(int64_t h, const float *unit, const float *weight, float *y)
{
    for (int64_t i = 0; i < h; i++)
        for (int l = 0; l < 16; l += ZL_WIDTH)
            store(y + i * 16 + l, load(unit + i * 16 + l) * ALL(weight[i]));
}

/* grad += rstd (weight dy - unit mean(weight dy unit)); sums (h, 16) += dy unit, whose lanes make the weight's gradient. */
static void norm_backward(int64_t h, const float *dy, const float *weight, const float *unit, const float *rstd,
                          float *grad, float *sums)
{
    for (int l = 0; l < 16; l += ZL_WIDTH) {
        vf inner = {0};
        for (int64_t i = 0; i < h; i++) {
            vf both = load(dy + i * 16 + l) * load(unit + i * 16 + l);
            inner = fused(both, ALL(weight[i]), inner);
            store(sums + i * 16 + l, load(sums + i * 16 + l) + both);
        }
        vf scale = load(rstd + l), mean = inner / ALL((float)h);
        for (int64_t i = 0; i < h; i++) {
            vf d = fused(load(unit + i * 16 + l), -mean, load(dy + i * 16 + l) * ALL(weight[i]));
            store(grad + i * 16 + l, fused(d, scale, load(grad + i * 16 + l)));
        }
    }
}

/* Turn features 2j, 2j + 1 of `heads` heads of width d by their angles; turns (d/2, 2, 16): cos, sin of this panel. */
ZL_INLINE void turn(int64_t heads, int64_t d, const float *turns, float back, float scale, float *x)
{
    for (int64_t head = 0; head < heads; head++)
        for (int64_t j = 0; j < d / 2; j++) {
            float *even = x + (head * d + 2 * j) * 16, *odd = even + 16;
            for (int l = 0; l < 16; l += ZL_WIDTH) {
                vf c = load(turns + j * 32 + l) * ALL(scale), s = load(turns + j * 32 + 16 + l) * ALL(scale * back);
                vf a = load(even + l), b = load(odd + l);
                store(even + l, fused(a, c, -(b * s)));
                store(odd + l, fused(b, c, a * s));
            }
        }
}

/* gate_up (2m, 16): gate, then up. inner = silu(gate) up, sigmoid of the gate kept. */
static void swiglu_forward(int64_t m, const float *gate_up, float *sigmoid, float *inner)
{
    for (int64_t i = 0; i < m * 16; i += ZL_WIDTH) {
        vf gate = load(gate_up + i), up = load(gate_up + m * 16 + i), e = exponential(-magnitude(gate));
        /* 1 / (1 + e^-|gate|) is the sigmoid of |gate| */
        vf positive = ALL(1.0f) / (ALL(1.0f) + e), s = CHOOSE(gate < ALL(0.0f), positive * e, positive);
        store(sigmoid + i, s);
        store(inner + i, gate * s * up);
    }
}

/* From d inner: d gate_up, and inner again. */
static void swiglu_backward(int64_t m, const float *gate_up, const float *sigmoid, const float *dinner, float *dgate_up,
                            float *inner)
{
    for (int64_t i = 0; i < m * 16; i += ZL_WIDTH) {
        vf gate = load(gate_up + i), up = load(gate_up + m * 16 + i), s = load(sigmoid + i), d = load(dinner + i);
        vf silu = gate * s;
        store(inner + i, silu * up);
        store(dgate_up + m * 16 + i, d * silu);
        /* silu' = s + silu (1 - s) */
        store(dgate_up + i, d * up * fused(silu, ALL(1.0f) - s, s));
    }
}

#endif
