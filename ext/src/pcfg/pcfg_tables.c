#include "pcfg_tables.h"

#include <stdlib.h>
#include <string.h>

#include "pcfg_alias.h"
#include "status.h"

/* room to copy whole blocks past the end of the last run */
#define POOL_SLACK 64

/* A table of a state's leaves, or of a group of them, or of the groups. */
typedef struct {
    uint32_t code;
    uint32_t bits, first; /* of its entries */
} table_t;

typedef struct {
    size_t n_leaves, n_tables; /* n_tables counts the groups; 1 for a state that is not split */
    unsigned group_bits;       /* each group has 2^group_bits leaves, the last one fewer */
    size_t added;
    table_t table; /* what a draw in this state looks at first */
    uint32_t first_group; /* entry where the groups' tables begin */
} layout_t;

static void
put_token(pcfg_sampler_t *self, int32_t token)
{
    if (self->wide) {
        ((uint32_t *) self->pool)[self->n_pool++] = (uint32_t) token;
    } else {
        ((uint16_t *) self->pool)[self->n_pool++] = (uint16_t) token;
    }
}

static void
put_leaf(pcfg_sampler_t *self, const pcfg_leaves_t *b, const pcfg_leaf_t *leaf, layout_t *layouts, double *weights)
{
    layout_t *layout = &layouts[leaf->state];
    const int32_t *symbols = b->arena + leaf->symbols, *rest = symbols + leaf->n_run;
    /* groups are whole tables one after the other, so this is the leaf's entry in either case */
    const size_t entry = layout->first_group + layout->added++;
    uint32_t flags = 0;
    pcfg_rec_t *rec = &self->recs[entry];
    int32_t at, covered = 0, state;

    weights[entry] = leaf->p;
    rec->offset = (uint32_t) self->n_pool;
    for (at = 0; at < leaf->n_run; at++) {
        put_token(self, symbols[at]);
    }
    rec->next = 0;
    rec->item = 0;
    at = 0;
    if (leaf->n_rest > 0) {
        state = pcfg_state_of(b, rest, leaf->n_rest, &covered);
        rec->next = layouts[state].table.code;
        at = covered;
    } else {
        flags |= PCFG_POP;
    }
    if (at < leaf->n_rest) {
        rec->item = (uint32_t) self->n_items;
        flags |= PCFG_PUSH;
    }
    while (at < leaf->n_rest) {
        pcfg_item_t *item = &self->items[self->n_items++];

        item->offset = (uint32_t) self->n_pool;
        for (; at < leaf->n_rest && rest[at] >= 0; at++) {
            put_token(self, rest[at]);
        }
        item->length = (uint32_t) self->n_pool - item->offset;
        item->next = self->pop_again;
        if (at < leaf->n_rest) {
            state = pcfg_state_of(b, rest + at, leaf->n_rest - at, &covered);
            item->next = layouts[state].table.code;
            at += covered;
        }
        item->link = at < leaf->n_rest ? (uint32_t) self->n_items : 0;
    }
    if (leaf->n_run > PCFG_MAX_RUN) {
        flags |= PCFG_LONG;
    }
    rec->length_flags = (uint32_t) leaf->n_run << PCFG_FLAG_BITS | flags;
}

static int
place_table(table_t *table, unsigned bits, size_t *entries)
{
    if (*entries + ((size_t) 1 << bits) + 2 >= (size_t) 1 << (32 - PCFG_CODE_SHIFT)) {
        return ZL_ERR_OVERFLOW;
    }
    table->bits = bits;
    table->first = (uint32_t) *entries;
    table->code = table->first << PCFG_CODE_SHIFT | (16 - bits);
    *entries += (size_t) 1 << bits;
    return ZL_OK;
}

static int
lay_out(const pcfg_leaves_t *b, layout_t *layouts, pcfg_sampler_t *self)
{
    /* entry 0 is left out, so that code 0 is no state */
    size_t s, i, entries = 1, n_states = (size_t) b->n_states;
    table_t last;
    int ret;

    for (i = 0; i < b->n_leaves; i++) {
        layouts[b->leaves[i].state].n_leaves += !b->leaves[i].dead;
    }
    for (s = 0; s < n_states; s++) {
        layout_t *layout = &layouts[s];
        unsigned bits = pcfg_bits(layout->n_leaves);

        layout->group_bits = bits > PCFG_TABLE_BITS ? (bits + 1) / 2 : bits;
        layout->n_tables = ((layout->n_leaves - 1) >> layout->group_bits) + 1;
        if (layout->n_tables > 1) {
            ret = place_table(&layout->table, pcfg_bits(layout->n_tables), &entries);
            if (ret != ZL_OK) {
                return ret;
            }
        }
        layout->first_group = (uint32_t) entries;
        for (i = 0; i < layout->n_tables; i++) {
            ret = place_table(layout->n_tables > 1 ? &last : &layout->table, layout->group_bits, &entries);
            if (ret != ZL_OK) {
                return ret;
            }
        }
    }
    /* its one entry whatever is drawn */
    self->pop_again = (uint32_t) entries << PCFG_CODE_SHIFT | 16;
    self->n_entries = entries + 1;
    return ZL_OK;
}

/* Fill the entries of a table from the weights of its rows; thresholds and aliases are room for as many rows. */
static int
fill_table(pcfg_sampler_t *self, uint32_t first, unsigned bits, size_t n, const double *weights, uint64_t *thresholds,
    uint32_t *aliases)
{
    const unsigned fraction = 16 - bits;
    size_t j;
    int ret = pcfg_alias_fill(weights + first, n, bits, thresholds, aliases);

    for (j = 0; ret == ZL_OK && j < (size_t) 1 << bits; j++) {
        /* the upper bits of a piece are its row, the lower ones the fraction to compare: with the row in front of the
         * threshold one comparison of 16 bits does. Tables have at most 2^14 rows: the distance of an alias fits */
        self->entries[first + j].threshold = (uint16_t) (j << fraction | thresholds[j] >> (64 - fraction));
        self->entries[first + j].alias = (int16_t) ((int32_t) aliases[j] - (int32_t) j);
        self->remainders[first + j] = thresholds[j] << fraction;
    }
    return ret;
}

static int
fill_tables(pcfg_sampler_t *self, const layout_t *layout, double *weights, uint64_t *thresholds, uint32_t *aliases)
{
    const size_t size = (size_t) 1 << layout->group_bits;
    size_t i, j, n, first, left = layout->n_leaves;
    int ret = ZL_OK;

    for (i = 0; i < layout->n_tables && ret == ZL_OK; i++, left -= n) {
        n = left < size ? left : size;
        first = layout->first_group + i * size;
        ret = fill_table(self, (uint32_t) first, layout->group_bits, n, weights, thresholds, aliases);
        if (layout->n_tables > 1) {
            self->recs[layout->table.first + i].next = (uint32_t) first << PCFG_CODE_SHIFT | (16 - layout->group_bits);
            for (j = 0; j < n; j++) {
                weights[layout->table.first + i] += weights[first + j];
            }
        }
    }
    if (ret == ZL_OK && layout->n_tables > 1) {
        ret = fill_table(
            self, layout->table.first, layout->table.bits, layout->n_tables, weights, thresholds, aliases);
    }
    return ret;
}

static int
finish(const pcfg_leaves_t *b, pcfg_sampler_t *self)
{
    int ret = ZL_ERR_MEMORY;
    size_t i, s, n_states = (size_t) b->n_states, tokens = POOL_SLACK, items = 1, rows = 2;
    layout_t *layouts = calloc(n_states, sizeof(*layouts));
    double *weights = NULL;
    uint64_t *thresholds = NULL;
    uint32_t *aliases = NULL;

    if (layouts == NULL) {
        goto out;
    }
    ret = lay_out(b, layouts, self);
    if (ret != ZL_OK) {
        goto out;
    }
    for (i = 0; i < b->n_leaves; i++) {
        if (!b->leaves[i].dead) {
            if ((uint32_t) b->leaves[i].n_run > PCFG_MAX_LENGTH) {
                ret = ZL_ERR_OVERFLOW;
                goto out;
            }
            tokens += (size_t) b->leaves[i].n_run + (size_t) b->leaves[i].n_rest;
            items += (size_t) b->leaves[i].n_rest;
        }
    }
    ret = ZL_ERR_OVERFLOW;
    if (tokens > PCFG_MAX_SYMBOLS) {
        goto out;
    }
    for (s = 0; s < n_states; s++) {
        rows = rows < (size_t) 1 << layouts[s].group_bits ? (size_t) 1 << layouts[s].group_bits : rows;
        rows = rows < (size_t) 1 << layouts[s].table.bits ? (size_t) 1 << layouts[s].table.bits : rows;
    }
    ret = ZL_ERR_MEMORY;
    self->entries = calloc(self->n_entries, sizeof(*self->entries));
    self->remainders = calloc(self->n_entries, sizeof(*self->remainders));
    self->recs = calloc(self->n_entries, sizeof(*self->recs));
    self->items = calloc(items, sizeof(*self->items));
    self->pool = calloc(tokens, self->wide ? sizeof(uint32_t) : sizeof(uint16_t));
    weights = calloc(self->n_entries, sizeof(*weights));
    thresholds = malloc(rows * sizeof(*thresholds));
    aliases = malloc(rows * sizeof(*aliases));
    if (self->entries == NULL || self->remainders == NULL || self->recs == NULL || self->items == NULL
        || self->pool == NULL || weights == NULL || thresholds == NULL || aliases == NULL) {
        goto out;
    }
    self->n_items = 1;
    for (i = 0; i < b->n_leaves; i++) {
        if (!b->leaves[i].dead) {
            put_leaf(self, b, &b->leaves[i], layouts, weights);
        }
    }
    ret = ZL_OK;
    for (s = 0; s < n_states && ret == ZL_OK; s++) {
        ret = fill_tables(self, &layouts[s], weights, thresholds, aliases);
    }
    self->document = layouts[n_states - 1].table.code;
    /* the record behind pop_again: its entry is all zeros */
    self->recs[self->n_entries - 1].length_flags = PCFG_POP;
out:
    free(layouts);
    free(weights);
    free(thresholds);
    free(aliases);
    return ret;
}

int
pcfg_sampler_new(pcfg_sampler_t **out, const pcfg_grammar_t *grammar, int wide)
{
    int ret;
    double traffic;
    pcfg_leaves_t b;
    pcfg_sampler_t *self = calloc(1, sizeof(*self));

    if (self == NULL) {
        return ZL_ERR_MEMORY;
    }
    self->wide = wide;
    ret = pcfg_leaves_make(&b, grammar, &traffic);
    if (ret == ZL_OK) {
        ret = finish(&b, self);
    }
    self->open = traffic > 0.2;
    pcfg_leaves_free(&b);
    if (ret == ZL_OK) {
        *out = self;
    } else {
        pcfg_sampler_free(self);
    }
    return ret;
}

void
pcfg_sampler_free(pcfg_sampler_t *self)
{
    if (self != NULL) {
        free(self->entries);
        free(self->remainders);
        free(self->recs);
        free(self->items);
        free(self->pool);
        free(self);
    }
}
