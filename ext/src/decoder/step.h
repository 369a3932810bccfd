/* A group of documents forward and backward; what a build of the core is made of. */
#ifndef ZL_DECODER_STEP_H
#define ZL_DECODER_STEP_H

#include <string.h>

#include "adamw.h"
#include "attention.h"
#include "build.h"
#include "head.h"

/* A group at work: its shape, where all lies, what it reads. */
typedef struct {
    const zl_decoder_t *s;
    int64_t h, m, d, documents;
    zl_layout_t at, padded_at;
    zl_scratch_t w;
    const float *turns, *p;
    const uint32_t *tokens;
    float *base;
    int gradient;
} group_t;

static zl_kept_t kept_of(const group_t *g, int32_t layer)
{
    zl_scratch_t same;
    zl_kept_t k;
    zl_lay_out(g->s, g->documents, g->gradient, g->base, &same, layer, &k);
    return k;
}

static head_t head_of(const group_t *g, const zl_kept_t *k, int64_t document, int64_t head)
{
    int64_t h = g->h, across = (g->w.panels + 1) * 16; /* a panel more, so that rows do not meet in one cache set */
    float *query = k->qkv + document * g->w.panels * 3 * h * 16 + head * g->d * 16;
    head_t x = {g->d, g->w.panels, 3 * h * 16, across, query, query + h * 16, query + 2 * h * 16, g->w.keys,
                g->w.keys + g->d * across};
    copy_keys(&x);
    return x;
}

/* tokens of a panel: fewer than 16 at the end of a document */
static int tokens_of(const group_t *g, int64_t panel)
{
    int64_t left = g->s->positions - panel % g->w.panels * 16;
    return left < 16 ? (int)left : 16;
}

static const uint32_t *targets_of(const group_t *g, int64_t panel)
{
    return g->tokens + panel / g->w.panels * g->s->positions + panel % g->w.panels * 16;
}

/* The token before each of a panel: a separator, 0, before a document's first. */
static uint32_t input_of(const group_t *g, int64_t panel, int t)
{
    return panel % g->w.panels == 0 && t == 0 ? 0 : targets_of(g, panel)[t - 1];
}

static void embed(const group_t *g)
{
    for (int64_t q = 0; q < g->w.all; q++) {
        float *x = g->w.x + q * g->h * 16;
        memset(x, 0, (size_t)g->h * 16 * sizeof(float));
        for (int t = 0; t < tokens_of(g, q); t++) {
            const float *row = g->p + (int64_t)input_of(g, q, t) * g->h;
            for (int64_t i = 0; i < g->h; i++)
                x[i * 16 + t] = row[i];
        }
    }
}

static void layer_forward(const group_t *g, int32_t i)
{
    int64_t h = g->h, m = g->m, d = g->d, heads = g->s->heads, P = g->w.panels;
    const float *norms = g->p + g->at.norms + 2 * i * h, *weights = g->p + g->at.layers + i * g->at.layer;
    zl_kept_t k = kept_of(g, i);
    float scale = 1.0f / __builtin_sqrtf((float)d);
    for (int64_t q = 0; q < g->w.all; q++) {
        float *y = g->w.side, *qkv = k.qkv + q * 3 * h * 16;
        const float *turns = g->turns + q % P * d * 16;
        norm_forward(h, g->w.x + q * h * 16, norms, y, k.unit1 + q * h * 16, k.rstd1 + q * 16);
        rows_times(0, 3 * h, weights, h, h, y, qkv);
        turn(heads, d, turns, 1.0f, scale, qkv);
        turn(heads, d, turns, 1.0f, 1.0f, qkv + h * 16);
    }
    for (int64_t document = 0; document < g->documents; document++)
        for (int64_t head = 0; head < heads; head++) {
            head_t x = head_of(g, &k, document, head);
            int64_t one = document * heads + head;
            for (int64_t q = 0; q < P; q++) {
                int64_t block = q / ZL_BLOCK, place = q % ZL_BLOCK * zl_keys(block, P) * 16;
                float *e = k.weights == NULL ? g->w.scores
                                             : k.weights + one * zl_weights(P) + zl_weights_before(block) + place;
                attention_forward(&x, q, e, k.most + (one * P + q) * 16, k.inverse + (one * P + q) * 16,
                                  k.mixed + ((document * P + q) * h + head * d) * 16);
            }
        }
    for (int64_t q = 0; q < g->w.all; q++) {
        float *x = g->w.x + q * h * 16, *y = g->w.side, *gate_up = k.gate_up + q * 2 * m * 16, *inner = g->w.wide;
        rows_times(1, h, weights + g->at.out, h, h, k.mixed + q * h * 16, x);
        norm_forward(h, x, norms + h, y, k.unit2 + q * h * 16, k.rstd2 + q * 16);
        rows_times(0, 2 * m, weights + g->at.gate_up, h, h, y, gate_up);
        swiglu_forward(m, gate_up, k.sigmoid + q * m * 16, inner);
        rows_times(1, h, weights + g->at.down, m, m, inner, x);
    }
}

/* grad: of the residual stream after the layer on entry, before it at the end */
static void layer_backward(const group_t *g, int32_t i)
{
    int64_t h = g->h, m = g->m, d = g->d, heads = g->s->heads, P = g->w.panels, hp = padded(h), mp = padded(m);
    const float *norms = g->p + g->at.norms + 2 * i * h, *weights = g->p + g->at.layers + i * g->at.layer;
    float *padded_to = g->w.padded + g->padded_at.layers + i * g->padded_at.layer, *sums = g->w.norm_sums + 2 * i * h * 16;
    zl_kept_t k = kept_of(g, i);
    float scale = 1.0f / __builtin_sqrtf((float)d);
    for (int64_t first = 0; first < g->w.all; first += ZL_BLOCK) {
        int64_t here = g->w.all - first < ZL_BLOCK ? g->w.all - first : ZL_BLOCK;
        float *grad = g->w.grad + first * h * 16, *wide = g->w.wide, *inner_rows = g->w.rows1, *y_rows = g->w.rows2;
        for (int64_t b = 0; b < here; b++) {
            int64_t q = first + b;
            float *dinner = g->w.inner, *inner = dinner + m * 16, *y = g->w.side + q * h * 16;
            columns_times(0, m, weights + g->at.down, m, h, grad + b * h * 16, dinner);
            swiglu_backward(m, k.gate_up + q * 2 * m * 16, k.sigmoid + q * m * 16, dinner, wide + b * 2 * m * 16, inner);
            panel_to_rows(inner, m, inner_rows + b * 16 * mp);
            norm_again(h, k.unit2 + q * h * 16, norms + h, y);
            panel_to_rows(y, h, y_rows + b * 16 * hp);
        }
        times_rows(1, h, lanes_of(grad, h * 16), here, 16, inner_rows, mp, padded_to + g->padded_at.down);
        times_rows(1, 2 * m, lanes_of(wide, 2 * m * 16), here, 16, y_rows, hp, padded_to + g->padded_at.gate_up);
        for (int64_t b = 0; b < here; b++) {
            int64_t q = first + b;
            float *y = g->w.side + q * h * 16;
            columns_times(0, h, weights + g->at.gate_up, h, 2 * m, wide + b * 2 * m * 16, y);
            norm_backward(h, y, norms + h, k.unit2 + q * h * 16, k.rstd2 + q * 16, grad + b * h * 16, sums + h * 16);
            panel_to_rows(k.mixed + q * h * 16, h, y_rows + b * 16 * hp);
            columns_times(0, h, weights + g->at.out, h, h, grad + b * h * 16, y);
        }
        times_rows(1, h, lanes_of(grad, h * 16), here, 16, y_rows, hp, padded_to + g->padded_at.out);
    }
    for (int64_t document = 0; document < g->documents; document++)
        for (int64_t head = 0; head < heads; head++) {
            head_t x = head_of(g, &k, document, head);
            int64_t one = document * heads + head, rows = (document * P * h + head * d) * 16;
            attention_t a = {
                .weights = k.weights == NULL ? NULL : k.weights + one * zl_weights(P),
                .most = k.most + one * P * 16,
                .inverse = k.inverse + one * P * 16,
                .again = g->w.scores,
                .dscores = g->w.dscores,
                .query_rows = g->w.rows1,
                .dmixed_rows = g->w.rows2,
                .dkey_rows = g->w.rows3,
                .dvalue_rows = g->w.rows4,
            };
            attention_backward(&x, &a, k.mixed + rows, g->w.side + rows, h * 16);
        }
    for (int64_t first = 0; first < g->w.all; first += ZL_BLOCK) {
        int64_t here = g->w.all - first < ZL_BLOCK ? g->w.all - first : ZL_BLOCK;
        float *dqkv = k.qkv + first * 3 * h * 16, *y_rows = g->w.rows2;
        for (int64_t b = 0; b < here; b++) {
            int64_t q = first + b;
            float *y = g->w.side + q * h * 16, *mine = dqkv + b * 3 * h * 16;
            const float *turns = g->turns + q % P * d * 16;
            turn(heads, d, turns, -1.0f, scale, mine);
            turn(heads, d, turns, -1.0f, 1.0f, mine + h * 16);
            norm_again(h, k.unit1 + q * h * 16, norms, y);
            panel_to_rows(y, h, y_rows + b * 16 * hp);
            columns_times(0, h, weights, h, 3 * h, mine, y);
            norm_backward(h, y, norms, k.unit1 + q * h * 16, k.rstd1 + q * 16, g->w.grad + q * h * 16, sums);
        }
        times_rows(1, 3 * h, lanes_of(dqkv, 3 * h * 16), here, 16, y_rows, hp, padded_to);
    }
}

/* Rows of the padded gradients to where they belong. */
static void unpad(int64_t rows, int64_t n, const float *from, float *to)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * n, from + i * padded(n), (size_t)n * sizeof(float));
}

static void backward(const group_t *g, float *gradient)
{
    int64_t h = g->h, m = g->m, n_norms = 2 * (int64_t)g->s->layers + 1;
    for (int32_t i = g->s->layers - 1; i >= 0; i--)
        layer_backward(g, i);
    memset(gradient, 0, (size_t)(g->s->vocabulary * h) * sizeof(float));
    for (int64_t q = 0; q < g->w.all; q++)
        for (int t = 0; t < tokens_of(g, q); t++) {
            float *row = gradient + (int64_t)input_of(g, q, t) * h;
            for (int64_t i = 0; i < h; i++)
                row[i] += g->w.grad[(q * h + i) * 16 + t];
        }
    for (int64_t i = 0; i < n_norms * h; i++)
        gradient[g->at.norms + i] = sum16(g->w.norm_sums + i * 16);
    for (int32_t i = 0; i < g->s->layers; i++) {
        const float *from = g->w.padded + g->padded_at.layers + i * g->padded_at.layer;
        float *to = gradient + g->at.layers + i * g->at.layer;
        unpad(3 * h, h, from, to);
        unpad(h, h, from + g->padded_at.out, to + g->at.out);
        unpad(2 * m, h, from + g->padded_at.gate_up, to + g->at.gate_up);
        unpad(h, m, from + g->padded_at.down, to + g->at.down);
    }
    unpad(g->s->vocabulary, h, g->w.padded + g->padded_at.head, gradient + g->at.head);
}

static void group_losses(const zl_decoder_t *s, const float *turns, const float *parameters, const uint32_t *tokens,
                         int32_t documents, float share, float *losses, float *gradient, float *scratch)
{
    int64_t h = s->hidden, last = 2 * (int64_t)s->layers;
    group_t g = {
        .s = s,
        .h = h,
        .m = s->intermediate,
        .d = h / s->heads,
        .documents = documents,
        .at = zl_layout(s, 0),
        .padded_at = zl_layout(s, 1),
        .turns = turns,
        .p = parameters,
        .tokens = tokens,
        .base = scratch,
        .gradient = gradient != NULL,
    };
    zl_lay_out(s, documents, g.gradient, scratch, &g.w, 0, NULL);
    embed(&g);
    for (int32_t i = 0; i < s->layers; i++)
        layer_forward(&g, i);
    if (g.gradient) {
        memset(g.w.norm_sums, 0, (size_t)((last + 1) * h * 16) * sizeof(float));
        memset(g.w.padded, 0, (size_t)g.padded_at.end * sizeof(float));
        memset(g.w.grad, 0, (size_t)(g.w.all * h * 16) * sizeof(float));
    }
    const float *weight = parameters + g.at.norms + last * h, *head = parameters + g.at.head;
    for (int64_t q = 0; q < g.w.all; q++) {
        float *y = g.w.side, *dy = y + h * 16, *unit = g.w.unit + q * h * 16, *rstd = g.w.rstd + q * 16;
        float *lost = losses + (targets_of(&g, q) - tokens), sums[16];
        norm_forward(h, g.w.x + q * h * 16, weight, y, unit, rstd);
        if (!g.gradient) {
            head_losses(s, head, y, targets_of(&g, q), tokens_of(&g, q), g.w.logits, lost, sums);
            continue;
        }
        head_gradient(s, head, y, targets_of(&g, q), tokens_of(&g, q), share, g.w.logits, lost, dy,
                      g.w.padded + g.padded_at.head, g.w.rows2);
        norm_backward(h, dy, weight, unit, rstd, g.w.grad + q * h * 16, g.w.norm_sums + last * h * 16);
    }
    if (g.gradient)
        backward(&g, gradient);
}

#endif
