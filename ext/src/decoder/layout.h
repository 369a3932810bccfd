/* Where everything lies: parameters, gradients with padded rows, and the scratch space of a group. */
#ifndef ZL_DECODER_LAYOUT_H
#define ZL_DECODER_LAYOUT_H

#include <stddef.h>

#include "decoder.h"

/* Tokens stand in panels of sixteen: a panel (n, 16) holds n features of sixteen consecutive positions of a document,
 * whose last panel may be filled up. Panels are worked on in blocks: what a block needs stays in cache. */
#define ZL_LANES 16
#define ZL_BLOCK 4
/* tokens of a group, at least, where the batch has them */
#define ZL_GROUP_TOKENS 256
/* floats of attention weights that a group may keep for its backward pass; above it they are computed again */
#define ZL_KEPT_WEIGHTS (4 << 20)
#define ZL_RMS_EPSILON 1e-5f

static inline int64_t zl_panels(const zl_decoder_t *s) { return (s->positions + ZL_LANES - 1) / ZL_LANES; }
static inline int64_t zl_round8(int64_t n) { return (n + 7) & ~(int64_t)7; }

/* Queries of a block of panels see keys up to the block's end; their attention weights stand in one rectangle. */
static inline int64_t zl_keys(int64_t block, int64_t panels)
{
    int64_t end = (block + 1) * ZL_BLOCK;
    return (end < panels ? end : panels) * ZL_LANES;
}

/* Attention weights of a block of queries begin here. */
static inline int64_t zl_weights_before(int64_t block)
{
    return block * (block + 1) / 2 * ZL_BLOCK * ZL_BLOCK * ZL_LANES * ZL_LANES;
}

static inline int64_t zl_weights(int64_t panels)
{
    int64_t blocks = (panels + ZL_BLOCK - 1) / ZL_BLOCK;
    return zl_weights_before(blocks);
}

static inline int zl_keeps_weights(const zl_decoder_t *s, int64_t documents)
{
    return documents * s->heads * s->layers * zl_weights(zl_panels(s)) <= ZL_KEPT_WEIGHTS;
}

/* Offsets into a flat buffer, as it is or with rows padded to a multiple of eight floats. */
typedef struct {
    int64_t embedding, norms, layers, head, end;   /* norms: two a layer, then the final one */
    int64_t qkv, out, gate_up, down, layer;        /* within a layer, and its length */
} zl_layout_t;

static inline zl_layout_t zl_layout(const zl_decoder_t *s, int pad)
{
    int64_t h = s->hidden, m = s->intermediate, hp = pad ? zl_round8(h) : h, mp = pad ? zl_round8(m) : m;
    zl_layout_t at = {0};
    at.norms = pad ? 0 : (int64_t)s->vocabulary * h; /* the embedding's gradient needs no padding */
    at.layers = at.norms + (2 * (int64_t)s->layers + 1) * h;
    if (pad)
        at.layers = 0; /* nor do those of norms */
    at.out = 3 * h * hp;
    at.gate_up = at.out + h * hp;
    at.down = at.gate_up + 2 * m * hp;
    at.layer = at.down + h * mp;
    at.head = at.layers + s->layers * at.layer;
    at.end = at.head + (int64_t)s->vocabulary * hp;
    return at;
}

/* What a layer's backward pass reads again, for all panels of a group. */
typedef struct {
    float *unit1, *rstd1, *qkv, *weights, *most, *inverse, *mixed, *unit2, *rstd2, *gate_up, *sigmoid;
} zl_kept_t;

typedef struct {
    int64_t panels; /* of a document */
    int64_t all;    /* of the group */
    int keeps;      /* attention weights */
    float *x, *grad, *side, *wide, *scores, *dscores, *keys, *rows1, *rows2, *rows3, *rows4, *inner, *logits, *norm_sums, *padded;
    float *unit, *rstd; /* of the final norm */
} zl_scratch_t;

static inline float *zl_take(float *base, int64_t *used, int64_t n)
{
    float *here = base == NULL ? NULL : base + *used;
    *used += (n + 15) & ~(int64_t)15;
    return here;
}

/* Lay out scratch space from `base` on (NULL: count only); returns the floats it takes. `kept`, unless NULL,
 * becomes what `layer` keeps. Without a gradient all layers share one place. */
static inline int64_t zl_lay_out(const zl_decoder_t *s, int64_t documents, int gradient, float *base, zl_scratch_t *w,
                                 int32_t layer, zl_kept_t *kept)
{
    int64_t h = s->hidden, m = s->intermediate, d = h / s->heads, used = 0, P = zl_panels(s), T = documents * P;
    int64_t L = ZL_LANES;
    w->panels = P, w->all = T, w->keeps = gradient && zl_keeps_weights(s, documents);
    w->x = zl_take(base, &used, T * h * L);
    w->unit = zl_take(base, &used, T * h * L);
    w->rstd = zl_take(base, &used, T * L);
    w->side = zl_take(base, &used, (T > 2 ? T : 2) * h * L);
    w->wide = zl_take(base, &used, ZL_BLOCK * 2 * m * L);
    w->scores = zl_take(base, &used, ZL_BLOCK * P * L * L);
    w->keys = zl_take(base, &used, 2 * d * (P + 1) * L);
    w->logits = zl_take(base, &used, ((int64_t)s->vocabulary + 3) * L);
    if (gradient) {
        int64_t block = ZL_BLOCK * L, mp = zl_round8(m), hp = zl_round8(h), dp = zl_round8(d);
        w->grad = zl_take(base, &used, T * h * L);
        w->dscores = zl_take(base, &used, ZL_BLOCK * P * L * L);
        w->rows1 = zl_take(base, &used, P * L * dp > block * mp ? P * L * dp : block * mp);
        w->rows2 = zl_take(base, &used, P * L * dp > block * hp ? P * L * dp : block * hp);
        w->rows3 = zl_take(base, &used, P * L * dp);
        w->rows4 = zl_take(base, &used, P * L * dp);
        w->inner = zl_take(base, &used, 2 * m * L);
        w->norm_sums = zl_take(base, &used, (2 * (int64_t)s->layers + 1) * h * L);
        w->padded = zl_take(base, &used, zl_layout(s, 1).end);
    }
    for (int32_t i = 0; i < (gradient ? s->layers : 1); i++) {
        zl_kept_t k;
        k.unit1 = zl_take(base, &used, T * h * L);
        k.rstd1 = zl_take(base, &used, T * L);
        k.qkv = zl_take(base, &used, 3 * T * h * L);
        k.weights = w->keeps ? zl_take(base, &used, documents * s->heads * zl_weights(P)) : NULL;
        k.most = zl_take(base, &used, T * s->heads * L);
        k.inverse = zl_take(base, &used, T * s->heads * L);
        k.mixed = zl_take(base, &used, T * h * L);
        k.unit2 = zl_take(base, &used, T * h * L);
        k.rstd2 = zl_take(base, &used, T * L);
        k.gate_up = zl_take(base, &used, 2 * T * m * L);
        k.sigmoid = zl_take(base, &used, T * m * L);
        if (kept != NULL && (i == layer || !gradient))
            *kept = k;
    }
    return used;
}

#endif
