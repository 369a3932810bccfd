#include "pcfg_tables.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"

#define MAX_SYMBOLS ((size_t) 1 << 30)
/* room to copy whole blocks past the end of the last run */
#define POOL_SLACK 64

typedef struct {
    double p, priority;
    size_t symbols; /* where its symbols start in the arena: the run, then the rest */
    int32_t n_run, n_rest;
    int32_t state;
    int dead;
} leaf_t;

typedef struct {
    const pcfg_grammar_t *g;
    int32_t n, n_states;
    int with_sentences; /* whether the states D_i exist */
    double *q;          /* normalised probabilities of the productions */
    double *start;
    int32_t n_start;    /* nonterminals with a positive start probability */
    leaf_t *leaves;
    size_t n_leaves, max_leaves, n_live;
    int32_t *arena;
    size_t n_arena, max_arena;
    size_t *heap;
    size_t n_heap;
    double *visits;
} builder_t;

unsigned
pcfg_bits(size_t n)
{
    unsigned bits = 1;

    while (bits < 63 && ((size_t) 1 << bits) < n) {
        bits++;
    }
    return bits;
}

int
pcfg_alias_fill(const double *weights, size_t n, unsigned bits, uint64_t *thresholds, uint32_t *aliases)
{
    int ret = ZL_ERR_MEMORY;
    size_t size = (size_t) 1 << bits, j, n_small = 0, n_large = 0;
    double total = 0.0;
    double *share = calloc(size, sizeof(*share));
    size_t *small = malloc(size * sizeof(*small));
    size_t *large = malloc(size * sizeof(*large));

    if (share == NULL || small == NULL || large == NULL) {
        goto out;
    }
    for (j = 0; j < n; j++) {
        total += weights[j];
    }
    for (j = 0; j < size; j++) {
        share[j] = j < n && total > 0.0 ? weights[j] / total * (double) size : 0.0;
        if (share[j] < 1.0) {
            small[n_small++] = j;
        } else {
            large[n_large++] = j;
        }
    }
    while (n_small > 0 && n_large > 0) {
        size_t s = small[--n_small], l = large[n_large - 1];

        thresholds[s] = (uint64_t) (share[s] * 9007199254740992.0) << 11;
        aliases[s] = (uint32_t) l;
        share[l] -= 1.0 - share[s];
        if (share[l] < 1.0) {
            n_large--;
            small[n_small++] = l;
        }
    }
    /* what is left has a share of 1 but for rounding */
    while (n_small + n_large > 0) {
        size_t k = n_small > 0 ? small[--n_small] : large[--n_large];

        thresholds[k] = 0;
        aliases[k] = (uint32_t) k;
    }
    ret = ZL_OK;
out:
    free(share);
    free(small);
    free(large);
    return ret;
}

/* growing the leaves ------------------------------------------------------------------------------------------- */

static int32_t
n_options(const builder_t *b, int32_t nonterminal)
{
    if (nonterminal == b->n) {
        return b->n_start;
    }
    return b->g->lhs_offsets[nonterminal + 1] - b->g->lhs_offsets[nonterminal];
}

static int
before(const builder_t *b, size_t x, size_t y)
{
    double a = b->leaves[x].priority, c = b->leaves[y].priority;

    return a > c || (a == c && x < y);
}

static void
heap_push(builder_t *b, size_t x)
{
    size_t i = b->n_heap++;

    while (i > 0 && before(b, x, b->heap[(i - 1) / 2])) {
        b->heap[i] = b->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    b->heap[i] = x;
}

static size_t
heap_pop(builder_t *b)
{
    size_t top = b->heap[0], x = b->heap[--b->n_heap], i = 0, child;

    while ((child = 2 * i + 1) < b->n_heap) {
        if (child + 1 < b->n_heap && before(b, b->heap[child + 1], b->heap[child])) {
            child++;
        }
        if (!before(b, b->heap[child], x)) {
            break;
        }
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = x;
    return top;
}

/* Add the leaf run + middle + tail; the run may go on into middle and tail. */
static int
add_leaf(builder_t *b, int32_t state, double p, size_t run, int32_t n_run, const int32_t *middle, int32_t n_middle,
    size_t tail, int32_t n_tail)
{
    size_t total = (size_t) n_run + (size_t) n_middle + (size_t) n_tail;
    leaf_t *leaf;
    int32_t *symbols;

    if (b->n_leaves == b->max_leaves) {
        size_t larger = 2 * b->max_leaves + 1024;
        leaf_t *grown = realloc(b->leaves, larger * sizeof(*grown));

        if (grown == NULL) {
            return ZL_ERR_MEMORY;
        }
        b->leaves = grown;
        b->max_leaves = larger;
    }
    if (b->n_arena + total > b->max_arena) {
        size_t larger = 2 * (b->max_arena + total) + 1024;
        int32_t *grown;

        if (larger > 4 * MAX_SYMBOLS) {
            return ZL_ERR_OVERFLOW;
        }
        grown = realloc(b->arena, larger * sizeof(*grown));
        if (grown == NULL) {
            return ZL_ERR_MEMORY;
        }
        b->arena = grown;
        b->max_arena = larger;
    }
    symbols = b->arena + b->n_arena;
    memcpy(symbols, b->arena + run, (size_t) n_run * sizeof(*symbols));
    memcpy(symbols + n_run, middle, (size_t) n_middle * sizeof(*symbols));
    memcpy(symbols + n_run + n_middle, b->arena + tail, (size_t) n_tail * sizeof(*symbols));
    leaf = &b->leaves[b->n_leaves++];
    memset(leaf, 0, sizeof(*leaf));
    leaf->p = p;
    leaf->state = state;
    leaf->symbols = b->n_arena;
    leaf->n_run = n_run;
    while ((size_t) leaf->n_run < total && symbols[leaf->n_run] >= 0) {
        leaf->n_run++;
    }
    leaf->n_rest = (int32_t) (total - (size_t) leaf->n_run);
    b->n_arena += total;
    b->n_live++;
    return ZL_OK;
}

/* Replace a leaf by one child for every way to rewrite its leftmost nonterminal. */
static int
expand(builder_t *b, size_t index)
{
    const pcfg_grammar_t *g = b->g;
    const leaf_t parent = b->leaves[index];
    const int32_t nonterminal = -b->arena[parent.symbols + (size_t) parent.n_run] - 1;
    const size_t tail = parent.symbols + (size_t) parent.n_run + 1;
    int ret = ZL_OK;
    int32_t j;

    b->leaves[index].dead = 1;
    b->n_live--;
    if (nonterminal == b->n) {
        int32_t begun[3] = {0, 0, -(b->n + 1)};

        for (j = 0; j < b->n && ret == ZL_OK; j++) {
            if (b->start[j] > 0.0) {
                begun[0] = -(j + 1);
                ret = add_leaf(b, parent.state, parent.p * b->start[j], parent.symbols, parent.n_run, begun, 3, tail,
                    parent.n_rest - 1);
            }
        }
        return ret;
    }
    for (j = g->lhs_offsets[nonterminal]; j < g->lhs_offsets[nonterminal + 1] && ret == ZL_OK; j++) {
        ret = add_leaf(b, parent.state, parent.p * b->q[j], parent.symbols, parent.n_run,
            g->symbols + g->prod_offsets[j], g->prod_offsets[j + 1] - g->prod_offsets[j], tail, parent.n_rest - 1);
    }
    return ret;
}

/* Whether some child of a leaf would have a run longer than PCFG_MAX_RUN. */
static int
grows_too_long(const builder_t *b, const leaf_t *leaf)
{
    const pcfg_grammar_t *g = b->g;
    const int32_t *rest = b->arena + leaf->symbols + leaf->n_run;
    const int32_t nonterminal = -rest[0] - 1;
    int32_t j, k, run, after = 0;

    if (nonterminal == b->n) {
        return 0;
    }
    while (after + 1 < leaf->n_rest && rest[after + 1] >= 0) {
        after++;
    }
    for (j = g->lhs_offsets[nonterminal]; j < g->lhs_offsets[nonterminal + 1]; j++) {
        for (k = g->prod_offsets[j]; k < g->prod_offsets[j + 1] && g->symbols[k] >= 0; k++) {
        }
        run = k - g->prod_offsets[j];
        if (run > PCFG_MAX_RUN || leaf->n_run + run + (k == g->prod_offsets[j + 1] ? after : 0) > PCFG_MAX_RUN) {
            return 1;
        }
    }
    return 0;
}

/* The state in which a rest starts, and how many of its symbols that state covers. */
static int32_t
state_of(const builder_t *b, const int32_t *rest, int32_t n_rest, int32_t *covered)
{
    int32_t nonterminal = -rest[0] - 1;

    *covered = 1;
    if (nonterminal == b->n) {
        return b->n_states - 1;
    }
    if (b->with_sentences && n_rest == 3 && rest[1] == 0 && rest[2] == -(b->n + 1)) {
        *covered = 3;
        return b->n + nonterminal;
    }
    return nonterminal;
}

/* How often each state is drawn from in endless text, relative to all states. */
static int
count_visits(builder_t *b)
{
    const size_t n_states = (size_t) b->n_states;
    size_t i;
    int sweep;
    double total;
    double *next = malloc(n_states * sizeof(*next));

    if (next == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (i = 0; i < n_states; i++) {
        b->visits[i] = 0.0;
    }
    b->visits[n_states - 1] = 1.0;
    for (sweep = 0; sweep < PCFG_SWEEPS; sweep++) {
        for (i = 0; i < n_states; i++) {
            next[i] = 0.25 * b->visits[i];
        }
        for (i = 0; i < b->n_leaves; i++) {
            const leaf_t *leaf = &b->leaves[i];
            const int32_t *rest = b->arena + leaf->symbols + leaf->n_run;
            const double flow = 0.75 * b->visits[leaf->state] * leaf->p;
            int32_t at = 0, covered = 0;

            while (!leaf->dead && at < leaf->n_rest) {
                if (rest[at] >= 0) {
                    at++;
                } else {
                    next[state_of(b, rest + at, leaf->n_rest - at, &covered)] += flow;
                    at += covered;
                }
            }
        }
        total = 0.0;
        for (i = 0; i < n_states; i++) {
            total += next[i];
        }
        for (i = 0; i < n_states; i++) {
            b->visits[i] = next[i] / total;
        }
    }
    free(next);
    return ZL_OK;
}

/* The share of draws that push or pop. */
static double
stack_traffic(const builder_t *b)
{
    double traffic = 0.0;
    size_t i;
    int32_t covered;

    for (i = 0; i < b->n_leaves; i++) {
        const leaf_t *leaf = &b->leaves[i];

        if (!leaf->dead) {
            covered = -1;
            if (leaf->n_rest > 0) {
                state_of(b, b->arena + leaf->symbols + leaf->n_run, leaf->n_rest, &covered);
            }
            traffic += covered == leaf->n_rest ? 0.0 : b->visits[leaf->state] * leaf->p;
        }
    }
    return traffic;
}

static void
offer(builder_t *b, size_t index)
{
    leaf_t *leaf = &b->leaves[index];
    int32_t nonterminal;

    if (leaf->n_rest > 0 && leaf->n_rest <= PCFG_MAX_REST && leaf->n_run < PCFG_MAX_RUN) {
        nonterminal = -b->arena[leaf->symbols + (size_t) leaf->n_run] - 1;
        leaf->priority = b->visits[leaf->state] * leaf->p / (double) n_options(b, nonterminal);
        heap_push(b, index);
    }
}

/* Expand the leaves where that saves most draws for each leaf added, until the tables are full. */
static int
grow(builder_t *b)
{
    int ret = ZL_OK;
    size_t i, first, n_expanded = 0;

    b->heap = malloc((b->n_leaves + 2 * PCFG_LEAVES + 2) * sizeof(*b->heap));
    if (b->heap == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (i = 0; i < b->n_leaves; i++) {
        if (!b->leaves[i].dead) {
            offer(b, i);
        }
    }
    while (b->n_heap > 0 && n_expanded < PCFG_LEAVES) {
        i = heap_pop(b);
        first = b->n_leaves;
        if (b->n_live - 1 + (size_t) n_options(b, -b->arena[b->leaves[i].symbols + (size_t) b->leaves[i].n_run] - 1)
                > PCFG_LEAVES
            || grows_too_long(b, &b->leaves[i])) {
            continue;
        }
        ret = expand(b, i);
        if (ret != ZL_OK) {
            return ret;
        }
        for (i = first; i < b->n_leaves; i++) {
            offer(b, i);
        }
        n_expanded++;
    }
    return ZL_OK;
}

/* from leaves to tables ---------------------------------------------------------------------------------------- */

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
put_leaf(pcfg_sampler_t *self, const builder_t *b, const leaf_t *leaf, layout_t *layouts, double *weights)
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
        state = state_of(b, rest, leaf->n_rest, &covered);
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
            state = state_of(b, rest + at, leaf->n_rest - at, &covered);
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
lay_out(const builder_t *b, layout_t *layouts, pcfg_sampler_t *self)
{
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
finish(const builder_t *b, pcfg_sampler_t *self)
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
    if (tokens > MAX_SYMBOLS) {
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
    self->recs[self->n_entries - 1].length_flags = PCFG_POP;
out:
    free(layouts);
    free(weights);
    free(thresholds);
    free(aliases);
    return ret;
}

static int
normalise(builder_t *b)
{
    const pcfg_grammar_t *g = b->g;
    int32_t i, j;
    double total;

    b->q = malloc((size_t) g->n_productions * sizeof(*b->q));
    b->start = malloc((size_t) b->n * sizeof(*b->start));
    if (b->q == NULL || b->start == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (i = 0; i < b->n; i++) {
        total = 0.0;
        for (j = g->lhs_offsets[i]; j < g->lhs_offsets[i + 1]; j++) {
            total += g->probabilities[j];
        }
        for (j = g->lhs_offsets[i]; j < g->lhs_offsets[i + 1]; j++) {
            b->q[j] = g->probabilities[j] / total;
        }
    }
    total = 0.0;
    for (i = 0; i < b->n; i++) {
        total += g->start[i];
    }
    for (i = 0; i < b->n; i++) {
        b->start[i] = g->start[i] / total;
        b->n_start += b->start[i] > 0.0;
    }
    return ZL_OK;
}

/* One leaf for every state, expanded once. */
static int
plant(builder_t *b)
{
    int ret = ZL_OK;
    int32_t s, state[3] = {0, 0, -(b->n + 1)};

    for (s = 0; s < b->n_states && ret == ZL_OK; s++) {
        state[0] = s == b->n_states - 1 ? -(b->n + 1) : -(s % b->n + 1);
        ret = add_leaf(b, s, 1.0, 0, 0, state, s >= b->n && s < b->n_states - 1 ? 3 : 1, 0, 0);
        if (ret == ZL_OK) {
            ret = expand(b, b->n_leaves - 1);
        }
    }
    return ret;
}

int
pcfg_sampler_new(pcfg_sampler_t **out, const pcfg_grammar_t *grammar, int wide)
{
    int ret = ZL_ERR_MEMORY;
    double traffic = 1.0;
    size_t n_rules;
    builder_t b;
    pcfg_sampler_t *self = calloc(1, sizeof(*self));

    memset(&b, 0, sizeof(b));
    if (self == NULL) {
        goto out;
    }
    self->wide = wide;
    b.g = grammar;
    b.n = grammar->n_nonterminals;
    ret = normalise(&b);
    if (ret != ZL_OK) {
        goto out;
    }
    n_rules = (size_t) grammar->n_productions + (size_t) b.n_start;
    b.with_sentences = n_rules + (size_t) grammar->n_productions <= PCFG_LEAVES;
    ret = ZL_ERR_OVERFLOW;
    if (b.n > INT32_MAX / 2 - 1 || n_rules > MAX_SYMBOLS) {
        goto out;
    }
    b.n_states = (b.with_sentences ? 2 * b.n : b.n) + 1;
    /* so that the arena is never NULL */
    ret = ZL_ERR_MEMORY;
    b.max_arena = 1024;
    b.arena = malloc(b.max_arena * sizeof(*b.arena));
    b.visits = malloc((size_t) b.n_states * sizeof(*b.visits));
    if (b.arena == NULL || b.visits == NULL) {
        goto out;
    }
    ret = plant(&b);
    if (ret == ZL_OK && n_rules < PCFG_LEAVES) {
        ret = count_visits(&b);
        if (ret == ZL_OK) {
            ret = grow(&b);
        }
        if (ret == ZL_OK) {
            ret = count_visits(&b);
            traffic = stack_traffic(&b);
        }
    }
    if (ret == ZL_OK) {
        ret = finish(&b, self);
    }
    self->open = traffic > 0.2;
out:
    free(b.q);
    free(b.start);
    free(b.leaves);
    free(b.arena);
    free(b.heap);
    free(b.visits);
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
