#include <stdlib.h>
#include <string.h>

#include "pcfg.h"
#include "pcfg_alias.h"
#include "rng.h"
#include "status.h"

#define MAX_SILENT_REWRITES 100000000

struct pcfg_paper {
    pcfg_grammar_t g;
    pcfg_alias_t *tables; /* one per nonterminal, the start symbol's last */
    uint64_t *thresholds;
    uint32_t *aliases;
};

int
pcfg_paper_new(pcfg_paper_t **out, const pcfg_grammar_t *grammar)
{
    int ret = ZL_ERR_MEMORY;
    int32_t i, n = grammar->n_nonterminals, count;
    size_t total = 0;
    pcfg_paper_t *self = calloc(1, sizeof(*self));

    if (self == NULL) {
        goto fail;
    }
    self->g = *grammar;
    self->tables = malloc(((size_t) n + 1) * sizeof(*self->tables));
    if (self->tables == NULL) {
        goto fail;
    }
    for (i = 0; i <= n; i++) {
        count = i < n ? grammar->lhs_offsets[i + 1] - grammar->lhs_offsets[i] : n;
        self->tables[i].bits = pcfg_bits((size_t) count);
        self->tables[i].first = (uint32_t) total;
        total += (size_t) 1 << self->tables[i].bits;
        if (total > UINT32_MAX) {
            ret = ZL_ERR_OVERFLOW;
            goto fail;
        }
    }
    self->thresholds = malloc(total * sizeof(*self->thresholds));
    self->aliases = malloc(total * sizeof(*self->aliases));
    if (self->thresholds == NULL || self->aliases == NULL) {
        goto fail;
    }
    for (i = 0; i <= n; i++) {
        const double *weights = i < n ? grammar->probabilities + grammar->lhs_offsets[i] : grammar->start;

        count = i < n ? grammar->lhs_offsets[i + 1] - grammar->lhs_offsets[i] : n;
        ret = pcfg_alias_fill(weights, (size_t) count, self->tables[i].bits, self->thresholds + self->tables[i].first,
            self->aliases + self->tables[i].first);
        if (ret != ZL_OK) {
            goto fail;
        }
    }
    *out = self;
    return ZL_OK;
fail:
    pcfg_paper_free(self);
    return ret;
}

void
pcfg_paper_free(pcfg_paper_t *self)
{
    if (self != NULL) {
        free(self->tables);
        free(self->thresholds);
        free(self->aliases);
        free(self);
    }
}

static int32_t
draw(const pcfg_paper_t *self, int32_t table, zl_rng_t *rng)
{
    const pcfg_alias_t *alias = &self->tables[table];
    const uint64_t word = zl_rng_next(rng);
    const uint32_t j = (uint32_t) (word >> (64 - alias->bits));

    if (word << alias->bits < self->thresholds[alias->first + j]) {
        return (int32_t) j;
    }
    return (int32_t) self->aliases[alias->first + j];
}

typedef struct {
    int32_t at, end;
} frame_t;

/* Derive one sentence, its tokens beyond `room` counted but not kept. *length is -1 when it was too deep. */
static int
derive_sentence(const pcfg_paper_t *self, zl_rng_t *rng, frame_t *frames, int64_t max_depth, int32_t *sentence,
    int64_t room, int64_t *length, int64_t *rewrites)
{
    const pcfg_grammar_t *g = &self->g;
    int32_t symbol = -(draw(self, g->n_nonterminals, rng) + 1);
    /* the start symbol is the first level */
    int64_t depth = 1, n = 0;

    *length = -1;
    for (;;) {
        if (symbol >= 0) {
            if (n < room) {
                sentence[n] = symbol;
            }
            n++;
        } else {
            const int32_t p = g->lhs_offsets[-symbol - 1] + draw(self, -symbol - 1, rng);

            if (++*rewrites > MAX_SILENT_REWRITES) {
                return ZL_ERR_STUCK;
            }
            /* the published code drops a sentence when Python stops its recursion; *length says so */
            if (depth == max_depth) {
                return ZL_OK;
            }
            /* frames[0] would be the start symbol's and is never looked at */
            frames[depth].at = g->prod_offsets[p];
            frames[depth].end = g->prod_offsets[p + 1];
            depth++;
        }
        while (depth > 1 && frames[depth - 1].at == frames[depth - 1].end) {
            depth--;
        }
        if (depth == 1) {
            *length = n;
            return ZL_OK;
        }
        symbol = g->symbols[frames[depth - 1].at++];
    }
}

int
pcfg_paper_sample(const pcfg_paper_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
    int64_t max_depth, uint16_t *out16, uint32_t *out32, int32_t *lengths)
{
    int ret = ZL_ERR_MEMORY;
    int64_t d, j, position, room, length, rewrites;
    zl_rng_t rng;
    frame_t *frames = NULL;
    int32_t *row = NULL;

    if (n < 0 || context < 1 || context > (int64_t) 1 << 30 || max_depth < 1 || max_depth > 1 << 24) {
        return ZL_ERR_VALUE;
    }
    frames = malloc((size_t) max_depth * sizeof(*frames));
    row = malloc((size_t) context * sizeof(*row));
    if (frames == NULL || row == NULL) {
        goto out;
    }
    for (d = 0; d < n; d++) {
        zl_rng_seed(&rng, stream_key, first + (uint64_t) d);
        rewrites = 0;
        lengths[d] = (int32_t) context;
        for (position = 0; position < context;) {
            room = context - position;
            ret = derive_sentence(self, &rng, frames, max_depth, row + position, room, &length, &rewrites);
            if (ret != ZL_OK) {
                goto out;
            }
            if (length < 0) {
                continue;
            }
            rewrites = 0;
            for (j = 0; j < room && j < length; j++) {
                row[position + j]--;
            }
            if (length < room) {
                row[position + length] = 0;
                /* one token is missing where only the separator was left to write */
                lengths[d] -= length + 1 == room;
            }
            position += length + 1;
        }
        for (j = 0; j < context; j++) {
            if (out16 != NULL) {
                out16[d * context + j] = (uint16_t) row[j];
            } else {
                out32[d * context + j] = (uint32_t) row[j];
            }
        }
    }
    ret = ZL_OK;
out:
    free(frames);
    free(row);
    return ret;
}
