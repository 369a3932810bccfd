/* Causal attention of one head of one document: a panel of queries against the keys of all panels up to it.
 *
 * Weights stand transposed, (key, 16 queries), as e^(score - most), not yet divided by their sum: its inverse is kept
 * and goes into what they are multiplied with, a pass less over them. Scores are q.k; queries carry 1/sqrt(d). */
#ifndef ZL_DECODER_ATTENTION_H
#define ZL_DECODER_ATTENTION_H

#include "layers.h"

/* one head's rows in the panels of one document */
typedef struct {
    int64_t d, stride; /* floats from a panel to the next */
    const float *query, *key, *value;
} head_t;

/* (keys, 16) = A^T B: for each key its features times those of the panel b (d, 16) */
ZL_INLINE void against_keys(const head_t *x, const float *keys, int64_t panels, const float *b, float *out)
{
    for (int64_t j = 0; j < panels; j++)
        times_panel(0, 16, (operand){keys + j * x->stride, 1, 16, 0}, x->d, b, out + j * 256);
}

/* (d, 16) = sum over keys of their features times a row (16) of `weights` */
ZL_INLINE void over_keys(const head_t *x, const float *keys, int64_t panels, const float *weights, float *out)
{
    product16(0, x->d, lanes_of(keys, x->stride), weights, 16, 256, panels, 16, out, 16);
}

static void scores_of(const head_t *x, int64_t q, float *scores)
{
    against_keys(x, x->key, q + 1, x->query + q * x->stride, scores);
    float *own = scores + q * 256;
    for (int key = 1; key < 16; key++)
        for (int l = 0; l < key; l++)
            own[key * 16 + l] = -__builtin_inff();
}

/* Weights of panel q, in place of scores: e^(score - most). */
static void weigh(int64_t keys, lanes most, float *scores)
{
    for (int64_t j = 0; j < keys; j++)
        for (int r = 0; r < ZL_REGS; r++) {
            float *here = scores + j * 16 + r * ZL_WIDTH;
            store(here, exponential(load(here) - most.r[r]));
        }
}

/* Fills weights (16 (q + 1), 16), the largest score and the inverse of the weights' sum; mixed (d, 16). */
static void attention_forward(const head_t *x, int64_t q, float *weights, float *most, float *inverse, float *mixed)
{
    int64_t keys = (q + 1) * 16;
    scores_of(x, q, weights);
    lanes top[4], sum;
    for (int i = 0; i < 4; i++)
        top[i] = lanes_load(weights + i * 16);
    for (int64_t j = 4; j < keys; j += 4)
        for (int i = 0; i < 4; i++)
            for (int r = 0; r < ZL_REGS; r++) {
                vf s = load(weights + (j + i) * 16 + r * ZL_WIDTH);
                top[i].r[r] = CHOOSE(s > top[i].r[r], s, top[i].r[r]);
            }
    for (int i = 1; i < 4; i++)
        for (int r = 0; r < ZL_REGS; r++)
            top[0].r[r] = CHOOSE(top[i].r[r] > top[0].r[r], top[i].r[r], top[0].r[r]);
    weigh(keys, top[0], weights);
    for (int r = 0; r < ZL_REGS; r++)
        sum.r[r] = ALL(0.0f);
    for (int64_t j = 0; j < keys; j++)
        for (int r = 0; r < ZL_REGS; r++)
            sum.r[r] += load(weights + j * 16 + r * ZL_WIDTH);
    for (int r = 0; r < ZL_REGS; r++)
        sum.r[r] = ALL(1.0f) / sum.r[r];
    lanes_store(most, top[0]);
    lanes_store(inverse, sum);
    over_keys(x, x->value, q + 1, weights, mixed);
    for (int64_t i = 0; i < x->d; i++)
        for (int r = 0; r < ZL_REGS; r++)
            store(mixed + i * 16 + r * ZL_WIDTH, load(mixed + i * 16 + r * ZL_WIDTH) * sum.r[r]);
}

/* From the gradient of `mixed`, all panels of a document: those of query, key and value, written over it where their
 * rows lie in dquery, dkey, dvalue. `weights` of all panels, or NULL: they are computed again in `again`. */
typedef struct {
    const float *weights, *most, *inverse; /* a head's, panel after panel */
    float *again, *dscores;
    float *query_rows, *dmixed_rows, *dkey_rows, *dvalue_rows; /* (16 panels, padded(d)) each */
} attention_t;

static void attention_backward(const head_t *x, int64_t panels, const attention_t *a, const float *mixed,
                               float *dmixed, int64_t step, float *dquery, float *dkey, float *dvalue)
{
    int64_t d = x->d, dp = padded(d);
    for (int64_t q = 0; q < panels; q++) {
        float *g = dmixed + q * step;
        for (int64_t i = 0; i < d * 16; i += ZL_WIDTH)
            store(g + i, load(g + i) * load(a->inverse + q * 16 + i % 16));
        panel_to_rows(x->query + q * x->stride, d, a->query_rows + q * 16 * dp);
        panel_to_rows(g, d, a->dmixed_rows + q * 16 * dp);
    }
    for (int64_t i = 0; i < panels * 16 * dp; i++)
        a->dkey_rows[i] = a->dvalue_rows[i] = 0.0f;
    for (int64_t q = 0; q < panels; q++) {
        const float *weights = a->weights == NULL ? a->again : a->weights + zl_weights_before(q), *g = dmixed + q * step;
        if (a->weights == NULL) {
            scores_of(x, q, a->again);
            weigh((q + 1) * 16, lanes_load(a->most + q * 16), a->again);
        }
        lanes delta;
        for (int r = 0; r < ZL_REGS; r++) {
            delta.r[r] = ALL(0.0f);
            for (int64_t i = r * ZL_WIDTH; i < d * 16; i += 16)
                delta.r[r] = fused(load(g + i), load(mixed + q * step + i), delta.r[r]);
        }
        against_keys(x, x->value, q + 1, g, a->dscores);
        for (int64_t j = 0; j < (q + 1) * 16; j++)
            for (int r = 0; r < ZL_REGS; r++) {
                int64_t at = j * 16 + r * ZL_WIDTH;
                store(a->dscores + at, load(weights + at) * (load(a->dscores + at) - delta.r[r]));
            }
        times_rows(1, (q + 1) * 16, lanes_of(a->dscores, 0), 1, 16, a->query_rows + q * 16 * dp, dp, a->dkey_rows);
        times_rows(1, (q + 1) * 16, lanes_of(weights, 0), 1, 16, a->dmixed_rows + q * 16 * dp, dp, a->dvalue_rows);
        over_keys(x, x->key, q + 1, a->dscores, dquery + q * x->stride);
    }
    for (int64_t q = 0; q < panels; q++) {
        rows_to_panel(a->dkey_rows + q * 16 * dp, d, dkey + q * x->stride);
        rows_to_panel(a->dvalue_rows + q * 16 * dp, d, dvalue + q * x->stride);
    }
}

#endif
