#include "pcfg_leaves.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"

static int32_t
n_options(const pcfg_leaves_t *b, int32_t nonterminal)
{
    if (nonterminal == b->n) {
        return b->n_start;
    }
    return b->g->lhs_offsets[nonterminal + 1] - b->g->lhs_offsets[nonterminal];
}

static int
before(const pcfg_leaves_t *b, size_t x, size_t y)
{
    double a = b->leaves[x].priority, c = b->leaves[y].priority;

    /* a tie goes to the older leaf: the order, and with it the bytes, depends on no other thing */
    return a > c || (a == c && x < y);
}

static void
heap_push(pcfg_leaves_t *b, size_t x)
{
    size_t i = b->n_heap++;

    while (i > 0 && before(b, x, b->heap[(i - 1) / 2])) {
        b->heap[i] = b->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    b->heap[i] = x;
}

static size_t
heap_pop(pcfg_leaves_t *b)
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
add_leaf(pcfg_leaves_t *b, int32_t state, double p, size_t run, int32_t n_run, const int32_t *middle, int32_t n_middle,
    size_t tail, int32_t n_tail)
{
    size_t total = (size_t) n_run + (size_t) n_middle + (size_t) n_tail;
    pcfg_leaf_t *leaf;
    int32_t *symbols;

    if (b->n_leaves == b->max_leaves) {
        size_t larger = 2 * b->max_leaves + 1024;
        pcfg_leaf_t *grown = realloc(b->leaves, larger * sizeof(*grown));

        if (grown == NULL) {
            return ZL_ERR_MEMORY;
        }
        b->leaves = grown;
        b->max_leaves = larger;
    }
    /* run and tail are offsets, not pointers, since growing moves the arena; middle never points into it */
    if (b->n_arena + total > b->max_arena) {
        size_t larger = 2 * (b->max_arena + total) + 1024;
        int32_t *grown;

        if (larger > 4 * PCFG_MAX_SYMBOLS) {
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
expand(pcfg_leaves_t *b, size_t index)
{
    const pcfg_grammar_t *g = b->g;
    /* a copy: adding children may move the leaves */
    const pcfg_leaf_t parent = b->leaves[index];
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
grows_too_long(const pcfg_leaves_t *b, const pcfg_leaf_t *leaf)
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

int32_t
pcfg_state_of(const pcfg_leaves_t *b, const int32_t *rest, int32_t n_rest, int32_t *covered)
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
count_visits(pcfg_leaves_t *b)
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
            /* a quarter stays where it is: states that visit each other in turn would swing for ever */
            next[i] = 0.25 * b->visits[i];
        }
        for (i = 0; i < b->n_leaves; i++) {
            const pcfg_leaf_t *leaf = &b->leaves[i];
            const int32_t *rest = b->arena + leaf->symbols + leaf->n_run;
            const double flow = 0.75 * b->visits[leaf->state] * leaf->p;
            int32_t at = 0, covered = 0;

            /* every state in the rest is drawn from later, not the first one only */
            while (!leaf->dead && at < leaf->n_rest) {
                if (rest[at] >= 0) {
                    at++;
                } else {
                    next[pcfg_state_of(b, rest + at, leaf->n_rest - at, &covered)] += flow;
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
stack_traffic(const pcfg_leaves_t *b)
{
    double traffic = 0.0;
    size_t i;
    int32_t covered;

    for (i = 0; i < b->n_leaves; i++) {
        const pcfg_leaf_t *leaf = &b->leaves[i];

        if (!leaf->dead) {
            covered = -1;
            if (leaf->n_rest > 0) {
                pcfg_state_of(b, b->arena + leaf->symbols + leaf->n_run, leaf->n_rest, &covered);
            }
            traffic += covered == leaf->n_rest ? 0.0 : b->visits[leaf->state] * leaf->p;
        }
    }
    return traffic;
}

static void
offer(pcfg_leaves_t *b, size_t index)
{
    pcfg_leaf_t *leaf = &b->leaves[index];
    int32_t nonterminal;

    if (leaf->n_rest > 0 && leaf->n_rest <= PCFG_MAX_REST && leaf->n_run < PCFG_MAX_RUN) {
        nonterminal = -b->arena[leaf->symbols + (size_t) leaf->n_run] - 1;
        leaf->priority = b->visits[leaf->state] * leaf->p / (double) n_options(b, nonterminal);
        heap_push(b, index);
    }
}

/* Expand the leaves where that saves most draws for each leaf added, until the tables are full. */
static int
grow(pcfg_leaves_t *b)
{
    int ret = ZL_OK;
    size_t i, first, n_expanded = 0;

    /* an expansion adds its children less one to the live leaves, which stay at PCFG_LEAVES or fewer, and there are at
     * most PCFG_LEAVES expansions: so no more than twice as many leaves are ever added */
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

static int
normalise(pcfg_leaves_t *b)
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
plant(pcfg_leaves_t *b)
{
    int ret = ZL_OK;
    int32_t s, state[3] = {0, 0, -(b->n + 1)};

    for (s = 0; s < b->n_states && ret == ZL_OK; s++) {
        /* in this order: N_0 to N_n-1, then D_0 to D_n-1 where they exist, S' last */
        state[0] = s == b->n_states - 1 ? -(b->n + 1) : -(s % b->n + 1);
        ret = add_leaf(b, s, 1.0, 0, 0, state, s >= b->n && s < b->n_states - 1 ? 3 : 1, 0, 0);
        if (ret == ZL_OK) {
            ret = expand(b, b->n_leaves - 1);
        }
    }
    return ret;
}

int
pcfg_leaves_make(pcfg_leaves_t *b, const pcfg_grammar_t *grammar, double *traffic)
{
    int ret;
    size_t n_rules;

    memset(b, 0, sizeof(*b));
    *traffic = 1.0;
    b->g = grammar;
    b->n = grammar->n_nonterminals;
    ret = normalise(b);
    if (ret != ZL_OK) {
        return ret;
    }
    n_rules = (size_t) grammar->n_productions + (size_t) b->n_start;
    b->with_sentences = n_rules + (size_t) grammar->n_productions <= PCFG_LEAVES;
    if (b->n > INT32_MAX / 2 - 1 || n_rules > PCFG_MAX_SYMBOLS) {
        return ZL_ERR_OVERFLOW;
    }
    b->n_states = (b->with_sentences ? 2 * b->n : b->n) + 1;
    /* so that the arena is never NULL */
    b->max_arena = 1024;
    b->arena = malloc(b->max_arena * sizeof(*b->arena));
    b->visits = malloc((size_t) b->n_states * sizeof(*b->visits));
    if (b->arena == NULL || b->visits == NULL) {
        return ZL_ERR_MEMORY;
    }
    ret = plant(b);
    if (ret == ZL_OK && n_rules < PCFG_LEAVES) {
        ret = count_visits(b);
        if (ret == ZL_OK) {
            ret = grow(b);
        }
        if (ret == ZL_OK) {
            /* again: the leaves are others now */
            ret = count_visits(b);
            *traffic = stack_traffic(b);
        }
    }
    return ret;
}

void
pcfg_leaves_free(pcfg_leaves_t *b)
{
    free(b->q);
    free(b->start);
    free(b->leaves);
    free(b->arena);
    free(b->heap);
    free(b->visits);
}
