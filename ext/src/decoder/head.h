/* The output head and its cross-entropy, a panel at a time: only 16 rows of logits exist at once. */
#ifndef ZL_DECODER_HEAD_H
#define ZL_DECODER_HEAD_H

#include "layers.h"

/* Losses of the first `tokens` lanes of a panel y (h, 16), and the weights e^(logit - most) in `logits` (V, 16),
 * with their sums. */
static void head_losses(const zl_decoder_t *s, const float *head, const float *y, const uint32_t *targets, int tokens,
                         float *logits, float *losses,
                         float *sums)
{
    int64_t V = s->vocabulary;
    float picked[16] = {0}, lost[16];
    times_panel(0, V, rows_of(head, s->hidden), s->hidden, y, logits);
    for (int t = 0; t < tokens; t++)
        picked[t] = logits[(int64_t)targets[t] * 16 + t];
    lanes top[2];
    top[0] = top[1] = lanes_load(logits);
    for (int64_t v = 0; v < V; v++)
        for (int r = 0; r < ZL_REGS; r++) {
            vf x = load(logits + v * 16 + r * ZL_WIDTH), *most = &top[v & 1].r[r];
            *most = CHOOSE(x > *most, x, *most);
        }
    for (int r = 0; r < ZL_REGS; r++) {
        vf most = CHOOSE(top[1].r[r] > top[0].r[r], top[1].r[r], top[0].r[r]), sum = {0};
        for (int64_t v = 0; v < V; v++) {
            vf e = exponential(load(logits + v * 16 + r * ZL_WIDTH) - most);
            store(logits + v * 16 + r * ZL_WIDTH, e);
            sum += e;
        }
        store(lost + r * ZL_WIDTH, (most - load(picked + r * ZL_WIDTH)) + logarithm(sum));
        store(sums + r * ZL_WIDTH, sum);
    }
    for (int t = 0; t < tokens; t++)
        losses[t] = lost[t];
}

/* The same, with the gradient of `share` times their sum: dy (h, 16), and padded_head (V, padded(h)) += . `y` is
 * spoiled; `rows` (16, padded(h)) is scratch. */
static void head_gradient(const zl_decoder_t *s, const float *head, float *y, const uint32_t *targets, int tokens,
                          float share, float *logits, float *losses, float *dy, float *padded_head, float *rows)
{
    int64_t V = s->vocabulary, h = s->hidden;
    float factor[16], sum[16];
    head_losses(s, head, y, targets, tokens, logits, losses, sum);
    for (int l = 0; l < 16; l += ZL_WIDTH)
        store(factor + l, ALL(share) / load(sum + l));
    /* d logits = share (weight / sum - onehot): the target's weight minus the sum, all times share / sum */
    for (int t = 0; t < 16; t++)
        if (t < tokens)
            logits[(int64_t)targets[t] * 16 + t] -= sum[t];
        else
            factor[t] = 0.0f;
    times_panel(0, h, columns_of(head, h), V, logits, dy);
    for (int64_t i = 0; i < h * 16; i += ZL_WIDTH) {
        vf f = load(factor + i % 16);
        store(dy + i, load(dy + i) * f);
        store(y + i, load(y + i) * f);
    }
    panel_to_rows(y, h, rows);
    times_rows(1, V, lanes_of(logits, 0), 1, 16, rows, padded(h), padded_head);
}

#endif
