/* Norms, rotations and SwiGLU of one panel: sixteen tokens, a register's lanes side by side. */
#ifndef ZL_DECODER_LAYERS_H
#define ZL_DECODER_LAYERS_H

#include "layout.h"
#include "lanes/product.h"

/* unit = x / sqrt(mean(x^2) + epsilon), y = weight * unit. */
static void norm_forward(int64_t h, const float *x, const float *weight, float *y, float *unit, float *rstd)
{
    lanes even = {0}, odd = {0}; /* h is even */
    for (int64_t i = 0; i < h; i += 2)
        for (int r = 0; r < ZL_REGS; r++) {
            vf a = load(x + i * 16 + r * ZL_WIDTH), b = load(x + i * 16 + 16 + r * ZL_WIDTH);
            even.r[r] = fused(a, a, even.r[r]);
            odd.r[r] = fused(b, b, odd.r[r]);
        }
    for (int r = 0; r < ZL_REGS; r++)
        even.r[r] = ALL(1.0f) / square_root((even.r[r] + odd.r[r]) / ALL((float)h) + ALL(ZL_RMS_EPSILON));
    lanes_store(rstd, even);
    for (int64_t i = 0; i < h; i++)
        for (int r = 0; r < ZL_REGS; r++) {
            vf u = load(x + i * 16 + r * ZL_WIDTH) * even.r[r];
            store(unit + i * 16 + r * ZL_WIDTH, u);
            store(y + i * 16 + r * ZL_WIDTH, u * ALL(weight[i]));
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
    lanes even = {0}, odd = {0}, scale = lanes_load(rstd);
    for (int64_t i = 0; i < h; i += 2)
        for (int r = 0; r < ZL_REGS; r++) {
            int64_t at = i * 16 + r * ZL_WIDTH;
            vf a = load(dy + at) * load(unit + at), b = load(dy + at + 16) * load(unit + at + 16);
            even.r[r] = fused(a, ALL(weight[i]), even.r[r]);
            odd.r[r] = fused(b, ALL(weight[i + 1]), odd.r[r]);
            store(sums + at, load(sums + at) + a);
            store(sums + at + 16, load(sums + at + 16) + b);
        }
    for (int r = 0; r < ZL_REGS; r++)
        even.r[r] = -((even.r[r] + odd.r[r]) / ALL((float)h));
    for (int64_t i = 0; i < h; i++)
        for (int r = 0; r < ZL_REGS; r++) {
            int64_t at = i * 16 + r * ZL_WIDTH;
            vf d = fused(load(unit + at), even.r[r], load(dy + at) * ALL(weight[i]));
            store(grad + at, fused(d, scale.r[r], load(grad + at)));
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
    for (int64_t i = 0; i < m * 16; i += 2 * ZL_WIDTH) {
        /* a last vector without a neighbour is its own */
        int64_t at[2] = {i, i + ZL_WIDTH < m * 16 ? i + ZL_WIDTH : i};
        vf e[ZL_TOGETHER];
        EACH(k) e[k] = -magnitude(load(gate_up + at[k]));
        exponentials(e);
        EACH(k)
        {
            vf gate = load(gate_up + at[k]), up = load(gate_up + m * 16 + at[k]);
            /* 1 / (1 + e^-|gate|) is the sigmoid of |gate| */
            vf positive = ALL(1.0f) / (ALL(1.0f) + e[k]), s = CHOOSE(gate < ALL(0.0f), positive * e[k], positive);
            store(sigmoid + at[k], s);
            store(inner + at[k], gate * s * up);
        }
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
