#include "pcfg.h"

#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "status.h"

#define MAX_SILENT_REWRITES 10000000

typedef struct {
    uint64_t threshold;
    uint32_t alias;
} slot_t;

struct pcfg_sampler {
    int32_t n_nonterminals;
    int32_t *lhs_offsets; /* n + 2: the start symbol last */
    int32_t *prod_offsets;
    int32_t *symbols;
    slot_t *slots; /* one per production, then one per nonterminal for the start symbol */
};

static int
build_alias(slot_t *slots, const double *weights, int32_t n)
{
    int ret = ZL_ERR_MEMORY;
    double total = 0.0;
    int32_t j, n_small = 0, n_large = 0;
    double *scaled = malloc((size_t) n * sizeof(*scaled));
    int32_t *small = malloc((size_t) n * sizeof(*small));
    int32_t *large = malloc((size_t) n * sizeof(*large));

    if (scaled == NULL || small == NULL || large == NULL) {
        goto out;
    }
    for (j = 0; j < n; j++) {
        total += weights[j];
    }
    for (j = 0; j < n; j++) {
        scaled[j] = weights[j] / total * n;
        if (scaled[j] < 1.0) {
            small[n_small++] = j;
        } else {
            large[n_large++] = j;
        }
    }
    while (n_small > 0 && n_large > 0) {
        int32_t s = small[--n_small], l = large[n_large - 1];
        slots[s].threshold = (uint64_t) (scaled[s] * 9007199254740992.0);
        slots[s].alias = (uint32_t) l;
        scaled[l] -= 1.0 - scaled[s];
        if (scaled[l] < 1.0) {
            n_large--;
            small[n_small++] = l;
        }
    }
    while (n_small + n_large > 0) {
        int32_t k = n_small > 0 ? small[--n_small] : large[--n_large];
        slots[k].threshold = UINT64_C(1) << 53;
        slots[k].alias = (uint32_t) k;
    }
    ret = ZL_OK;
out:
    free(scaled);
    free(small);
    free(large);
    return ret;
}

int
pcfg_sampler_new(pcfg_sampler_t **out, const pcfg_grammar_t *g)
{
    int ret = ZL_ERR_MEMORY;
    int32_t n = g->n_nonterminals, j;
    size_t n_symbols = (size_t) g->prod_offsets[g->n_productions];
    pcfg_sampler_t *self = calloc(1, sizeof(*self));

    if (self == NULL) {
        goto fail;
    }
    self->n_nonterminals = n;
    self->lhs_offsets = malloc(((size_t) n + 1) * sizeof(int32_t));
    self->prod_offsets = malloc(((size_t) g->n_productions + 1) * sizeof(int32_t));
    self->symbols = malloc(n_symbols * sizeof(int32_t));
    self->slots = malloc(((size_t) g->n_productions + (size_t) n) * sizeof(slot_t));
    if (self->lhs_offsets == NULL || self->prod_offsets == NULL || self->symbols == NULL || self->slots == NULL) {
        goto fail;
    }
    memcpy(self->lhs_offsets, g->lhs_offsets, ((size_t) n + 1) * sizeof(int32_t));
    memcpy(self->prod_offsets, g->prod_offsets, ((size_t) g->n_productions + 1) * sizeof(int32_t));
    memcpy(self->symbols, g->symbols, n_symbols * sizeof(int32_t));
    for (j = 0; j < n; j++) {
        int32_t a = g->lhs_offsets[j];
        ret = build_alias(self->slots + a, g->probabilities + a, g->lhs_offsets[j + 1] - a);
        if (ret != ZL_OK) {
            goto fail;
        }
    }
    ret = build_alias(self->slots + g->n_productions, g->start, n);
    if (ret != ZL_OK) {
        goto fail;
    }
    *out = self;
    return ZL_OK;
fail:
    pcfg_sampler_free(self);
    return ret;
}

void
pcfg_sampler_free(pcfg_sampler_t *self)
{
    if (self != NULL) {
        free(self->lhs_offsets);
        free(self->prod_offsets);
        free(self->symbols);
        free(self->slots);
        free(self);
    }
}

static int32_t
draw(const slot_t *slots, int32_t n, zl_rng_t *rng)
{
    uint64_t r = zl_rng_next(rng) >> 11;
    int32_t j = (int32_t) ((zl_rng_next(rng) >> 32) * (uint64_t) n >> 32);

    return r < slots[j].threshold ? j : (int32_t) slots[j].alias;
}

int
pcfg_sample(const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
    uint16_t *out16, uint32_t *out32)
{
    int ret = ZL_OK;
    size_t capacity = 2, top, size;
    int64_t d, position, silent;
    int32_t *stack;

    /* a ring: pending symbols deeper than the document is long can never be reached, so they may be overwritten */
    while (capacity < (size_t) context + 2) {
        capacity *= 2;
    }
    stack = malloc(capacity * sizeof(*stack));
    if (stack == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (d = 0; d < n; d++) {
        zl_rng_t rng;
        zl_rng_seed(&rng, stream_key, first + (uint64_t) d);
        top = 0;
        size = 0;
        silent = 0;
        for (position = 0; position < context;) {
            int32_t symbol, a, b, p, j;
            int64_t k;
            if (size == 0) {
                if (position > 0 && silent == 0) {
                    if (out16 != NULL) {
                        out16[d * context + position] = 0;
                    } else {
                        out32[d * context + position] = 0;
                    }
                    position++;
                }
                symbol = -1 - draw(self->slots + self->prod_offsets[0] + self->lhs_offsets[self->n_nonterminals],
                                  self->n_nonterminals, &rng);
            } else {
                symbol = stack[--top & (capacity - 1)];
                size--;
            }
            if (symbol > 0) {
                if (out16 != NULL) {
                    out16[d * context + position] = (uint16_t) symbol;
                } else {
                    out32[d * context + position] = (uint32_t) symbol;
                }
                position++;
                silent = 0;
                continue;
            }
            if (++silent > MAX_SILENT_REWRITES) {
                ret = ZL_ERR_STUCK;
                goto out;
            }
            a = self->lhs_offsets[-symbol - 1];
            b = self->lhs_offsets[-symbol];
            p = a + draw(self->slots + a, b - a, &rng);
            k = self->prod_offsets[p + 1];
            if (k - self->prod_offsets[p] > context) {
                k = self->prod_offsets[p] + context;
            }
            for (j = (int32_t) k - 1; j >= self->prod_offsets[p]; j--) {
                stack[top++ & (capacity - 1)] = self->symbols[j];
                size++;
            }
        }
    }
out:
    free(stack);
    return ret;
}
