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
    rows_times(0, V, head, s->hidden, s->hidden, y, logits);
    for (int t = 0; t < tokens; t++)
        picked[t] = logits[(int64_t)targets[t] * 16 + t];
    for (int r = 0; r < ZL_REGS; r++) {
        float *column = logits + r * ZL_WIDTH;
        vf top = load(column), other = top, part[ZL_TOGETHER] = {{0}}, most, sum;
        int64_t v = 0;
        for (; v + 2 <= V; v += 2) {
            top = larger(load(column + v * 16), top);
            other = larger(load(column + v * 16 + 16), other);
        }
        for (; v < V; v++)
            top = larger(load(column + v * 16), top);
        most = larger(top, other);
        /* the logits' place has room for an even number: what is behind the last becomes 0 */
        for (; v & (ZL_TOGETHER - 1); v++)
            store(column + v * 16, most + ALL(2.0f * ZL_EXP_LEAST));
        sum = ALL(0.0f);
        for (int64_t first = 0; first < V; first += ZL_SUMMED) {
            int64_t stop = V - first < ZL_SUMMED ? V : first + ZL_SUMMED;
            EACH(i) part[i] = ALL(0.0f);
            for (v = first; v < stop; v += ZL_TOGETHER) {
                float *here = column + v * 16;
                vf e[ZL_TOGETHER];
                EACH(i) e[i] = load(here + i * 16) - most;
                exponentials(e);
                EACH(i) store(here + i * 16, e[i]);
                EACH(i) part[i] += e[i];
            }
            sum += part[0] + part[1];
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
    columns_times(0, h, head, h, V, logits, dy);
    for (int64_t i = 0; i < h * 16; i += ZL_WIDTH) {
        vf f = load(factor + i % 16);
        store(dy + i, load(dy + i) * f);
        store(y + i, load(y + i) * f);
    }
    panel_to_rows(y, h, rows);
    times_rows(1, V, lanes_of(logits, 0), 1, 16, rows, padded(h), padded_head);
}

#endif
