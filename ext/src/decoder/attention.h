/* Causal attention of one head of one document: blocks of queries against the keys up to them.
 *
 * Weights stand transposed, (key, 16 queries) a panel, as e^(score - most), not yet divided by their sum: its inverse is
 * kept and goes into what they are multiplied with, a pass less over them. Scores are q.k; queries carry 1/sqrt(d).
 * The panels of a block follow each other, `zl_keys(block)` keys each; a panel fills those up to its own. */
#ifndef ZL_DECODER_ATTENTION_H
#define ZL_DECODER_ATTENTION_H

#include "layers.h"

/* One head's rows in the panels of one document, and its keys and values again as (d, across), one row a feature. */
typedef struct {
    int64_t d, panels, stride, across; /* stride: floats from a panel to the next */
    float *query, *key, *value;
    float *keys, *values;
} head_t;

static void copy_keys(const head_t *x)
{
    for (int64_t q = 0; q < x->panels; q++)
        for (int64_t i = 0; i < x->d; i++)
            for (int l = 0; l < 16; l += ZL_WIDTH) {
                store(x->keys + i * x->across + q * 16 + l, load(x->key + q * x->stride + i * 16 + l));
                store(x->values + i * x->across + q * 16 + l, load(x->value + q * x->stride + i * 16 + l));
            }
}

/* (keys, 16): for each of the first keys its features times those of the panel b (d, 16) */
ZL_INLINE void against_keys(const head_t *x, const float *features, int64_t keys, const float *b, float *out)
{
    columns_times(0, keys, features, x->across, x->d, b, out);
}

/* (d, 16) = sum over the first keys of their features times a row (16) of `weights` */
ZL_INLINE void over_keys(const head_t *x, const float *features, int64_t keys, const float *weights, float *out)
{
    rows_times(0, x->d, features, x->across, keys, weights, out);
}

static void scores_of(const head_t *x, int64_t q, float *scores)
{
    against_keys(x, x->keys, (q + 1) * 16, x->query + q * x->stride, scores);
    float *own = scores + q * 256;
    for (int key = 1; key < 16; key++)
        for (int l = 0; l < key; l++)
            own[key * 16 + l] = -__builtin_inff();
}

/* Weights in place of scores, e^(score - most); returns their sum, of every other key first. */
ZL_INLINE lanes weigh(int64_t keys, lanes most, float *scores)
{
    lanes sum;
    for (int r = 0; r < ZL_REGS; r++) {
        sum.r[r] = ALL(0.0f);
        for (int64_t first = 0; first < keys; first += ZL_SUMMED) {
            vf part[ZL_TOGETHER] = {{0}};
            for (int64_t j = first; j < first + ZL_SUMMED; j += ZL_TOGETHER) {
                float *here = scores + j * 16 + r * ZL_WIDTH;
                vf e[ZL_TOGETHER];
                EACH(i) e[i] = load(here + i * 16) - most.r[r];
                exponentials(e);
                EACH(i) store(here + i * 16, e[i]);
                EACH(i) part[i] += e[i];
            }
            sum.r[r] += part[0] + part[1];
        }
    }
    return sum;
}

/* Fills weights (16 (q + 1), 16), the largest score and the inverse of the weights' sum; mixed (d, 16). */
static void attention_forward(const head_t *x, int64_t q, float *weights, float *most, float *inverse, float *mixed)
{
    int64_t keys = (q + 1) * 16;
    scores_of(x, q, weights);
    lanes top, sum;
    for (int r = 0; r < ZL_REGS; r++) {
        vf four[4];
        for (int i = 0; i < 4; i++)
            four[i] = load(weights + i * 16 + r * ZL_WIDTH);
        for (int64_t j = 4; j < keys; j += 4)
            for (int i = 0; i < 4; i++)
                four[i] = larger(load(weights + (j + i) * 16 + r * ZL_WIDTH), four[i]);
        top.r[r] = larger(larger(four[3], four[2]), larger(four[1], four[0]));
    }
    sum = weigh(keys, top, weights);
    for (int r = 0; r < ZL_REGS; r++)
        sum.r[r] = ALL(1.0f) / sum.r[r];
    lanes_store(most, top);
    lanes_store(inverse, sum);
    over_keys(x, x->values, keys, weights, mixed);
    for (int64_t i = 0; i < x->d; i++)
        for (int r = 0; r < ZL_REGS; r++)
            store(mixed + i * 16 + r * ZL_WIDTH, load(mixed + i * 16 + r * ZL_WIDTH) * sum.r[r]);
}

typedef struct {
    const float *most, *inverse; /* of a head, panel after panel */
    float *weights;              /* of all its blocks, or NULL: they are computed again, in `again` */
    float *again, *dscores;
    float *query_rows, *dmixed_rows, *dkey_rows, *dvalue_rows; /* (16 panels, padded(d)) each */
} attention_t;

/* Gradients of the scores of panel q: d score = weight (d weight - delta). */
static void dscores_of(const head_t *x, int64_t q, const float *weights, const float *mixed, const float *dmixed,
                       float *dscores)
{
    int64_t keys = (q + 1) * 16;
    lanes delta;
    for (int r = 0; r < ZL_REGS; r++) {
        delta.r[r] = ALL(0.0f);
        for (int64_t i = r * ZL_WIDTH; i < x->d * 16; i += 16)
            delta.r[r] = fused(load(dmixed + i), load(mixed + i), delta.r[r]);
    }
    against_keys(x, x->values, keys, dmixed, dscores);
    for (int64_t j = 0; j < keys; j++)
        for (int r = 0; r < ZL_REGS; r++) {
            int64_t at = j * 16 + r * ZL_WIDTH;
            store(dscores + at, load(weights + at) * (load(dscores + at) - delta.r[r]));
        }
}

/* From the gradient of `mixed` those of query, key and value, in their place; panels of mixed and dmixed `step` apart. */
static void attention_backward(const head_t *x, const attention_t *a, const float *mixed, float *dmixed, int64_t step)
{
    int64_t d = x->d, dp = padded(d), P = x->panels;
    for (int64_t q = 0; q < P; q++) {
        float *g = dmixed + q * step;
        for (int64_t i = 0; i < d * 16; i += ZL_WIDTH)
            store(g + i, load(g + i) * load(a->inverse + q * 16 + i % 16));
        panel_to_rows(x->query + q * x->stride, d, a->query_rows + q * 16 * dp);
        panel_to_rows(g, d, a->dmixed_rows + q * 16 * dp);
    }
    for (int64_t i = 0; i < P * 16 * dp; i++)
        a->dkey_rows[i] = a->dvalue_rows[i] = 0.0f;
    for (int64_t first = 0; first < P; first += ZL_BLOCK) {
        int64_t block = first / ZL_BLOCK, keys = zl_keys(block, P), last = P - first < ZL_BLOCK ? P : first + ZL_BLOCK;
        float *weights = a->weights == NULL ? a->again : a->weights + zl_weights_before(block);
        for (int64_t q = first; q < last; q++) {
            float *mine = weights + (q - first) * keys * 16, *dscores = a->dscores + (q - first) * keys * 16;
            if (a->weights == NULL) {
                scores_of(x, q, mine);
                weigh((q + 1) * 16, lanes_load(a->most + q * 16), mine);
            }
            dscores_of(x, q, mine, mixed + q * step, dmixed + q * step, dscores);
            over_keys(x, x->keys, (q + 1) * 16, dscores, x->query + q * x->stride);
        }
        /* keys of earlier blocks are seen by all panels, those of panel q by it and the ones behind it */
        for (int64_t q = first; q < last; q++) {
            int64_t from = q == first ? 0 : q * 16, rows = (q + 1) * 16 - from;
            int64_t at = (q - first) * keys * 16 + from * 16, row = q * 16 * dp;
            operand w = lanes_of(weights + at, keys * 16), ds = lanes_of(a->dscores + at, keys * 16);
            times_rows(1, rows, ds, last - q, 16, a->query_rows + row, dp, a->dkey_rows + from * dp);
            times_rows(1, rows, w, last - q, 16, a->dmixed_rows + row, dp, a->dvalue_rows + from * dp);
        }
    }
    for (int64_t q = 0; q < P; q++) {
        rows_to_panel(a->dkey_rows + q * 16 * dp, d, x->key + q * x->stride);
        rows_to_panel(a->dvalue_rows + q * 16 * dp, d, x->value + q * x->stride);
    }
}

#endif
