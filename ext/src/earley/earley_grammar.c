/* Compiling a grammar for the parser: states, indices by first symbol, and the two closures. */
#include "earley_grammar.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"

void
zl_earley_free(zl_earley_t *g)
{
    if (g != NULL) {
        free(g->sym);
        free(g->lhs);
        free(g->start);
        free(g->begin);
        free(g->corner);
        free(g->unit_offset);
        free(g->unit_symbol);
        free(g->unit_weight);
        free(g->token_offset);
        free(g->token_state);
        free(g->token_weight);
        free(g->corner_offset);
        free(g->corner_state);
        free(g->corner_weight);
        free(g->first);
        free(g);
    }
}

/* a, (n, n) -> a + a^2 + a^3 + ..., by Kleene's elimination: nothing is subtracted but the pivots, so entries that are
 * zero stay zero and the others keep their relative accuracy. */
static int
closure(double *a, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        const double *row_k = a + k * n;
        double again;

        /* the sum over all ways from k back to k diverges: rho >= 1 */
        if (!(row_k[k] < 1 - 1e-12)) {
            return ZL_ERR_STUCK;
        }
        again = 1 / (1 - row_k[k]);
        for (int64_t i = 0; i < n; i++) {
            double *restrict row = a + i * n;
            const double weight = row[k] * again;

            if (i == k || weight == 0) {
                continue;
            }
            for (int64_t j = 0; j < n; j++) {
                row[j] += weight * row_k[j];
            }
            row[k] = weight;
        }
        for (int64_t j = 0; j < n; j++) {
            a[k * n + j] *= again;
        }
    }
    return ZL_OK;
}

typedef struct {
    int64_t n_productions;
    const int32_t *lhs, *offsets, *symbols;
    double *weight; /* probabilities, normalised */
} rules_t;

static int
rules_check(const rules_t *r, const double *probabilities, int64_t n, int64_t n_terminals)
{
    if (r->n_productions < 1 || r->offsets[0] != 0) {
        return ZL_ERR_GRAMMAR;
    }
    for (int64_t p = 0; p < r->n_productions; p++) {
        if (r->lhs[p] < 0 || r->lhs[p] >= n || r->offsets[p + 1] <= r->offsets[p]
            || !(probabilities[p] >= 0 && probabilities[p] < LARGE)) {
            return ZL_ERR_GRAMMAR;
        }
    }
    for (int64_t j = 0; j < r->offsets[r->n_productions]; j++) {
        if (r->symbols[j] == 0 || r->symbols[j] > n_terminals || r->symbols[j] < -n) {
            return ZL_ERR_GRAMMAR;
        }
    }
    /* a state, a place in a production or behind it, is an int32 */
    return r->offsets[r->n_productions] + r->n_productions > INT32_MAX ? ZL_ERR_OVERFLOW : ZL_OK;
}

/* Divide by each nonterminal's sum, which is 1 but for rounding: the sampler's tables do the same. */
static int
rules_normalise(rules_t *r, const double *probabilities, const double *start, zl_earley_t *g)
{
    double *total = calloc((size_t) g->n, sizeof(*total)), begin = 0;

    if (total == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (int64_t p = 0; p < r->n_productions; p++) {
        total[r->lhs[p]] += probabilities[p];
    }
    for (int64_t p = 0; p < r->n_productions; p++) {
        r->weight[p] = probabilities[p] > 0 ? probabilities[p] / total[r->lhs[p]] : 0;
    }
    free(total);
    for (int64_t i = 0; i < g->n; i++) {
        if (!(start[i] >= 0 && start[i] < LARGE)) {
            return ZL_ERR_GRAMMAR;
        }
        begin += start[i];
    }
    for (int64_t i = 0; begin > 0 && i < g->n; i++) {
        g->start[i] = start[i] / begin;
    }
    return begin > 0 ? ZL_OK : ZL_ERR_GRAMMAR;
}

/* Fill `offset` (n_keys + 1 counts, made zero-based starts) for productions keyed by their first symbol times sign;
 * skip drops productions of at most that many symbols. */
static int64_t
index_offsets(const rules_t *r, int32_t sign, int32_t skip, int64_t base, int64_t n_keys, int64_t *offset)
{
    memset(offset, 0, (size_t) (n_keys + 1) * sizeof(*offset));
    for (int64_t p = 0; p < r->n_productions; p++) {
        const int32_t first = r->symbols[r->offsets[p]];

        if (r->weight[p] > 0 && (first > 0) == (sign > 0) && r->offsets[p + 1] - r->offsets[p] > skip) {
            offset[first * sign - base + 1]++;
        }
    }
    for (int64_t j = 0; j < n_keys; j++) {
        offset[j + 1] += offset[j];
    }
    return offset[n_keys];
}

static void
index_fill(const rules_t *r, int32_t sign, int32_t skip, int64_t base, int64_t n_keys, int64_t *offset,
           int32_t *state, double *weight)
{
    for (int64_t p = 0; p < r->n_productions; p++) {
        const int32_t first = r->symbols[r->offsets[p]];

        if (r->weight[p] > 0 && (first > 0) == (sign > 0) && r->offsets[p + 1] - r->offsets[p] > skip) {
            const int64_t slot = offset[first * sign - base]++;

            /* one end marker stands behind each earlier production */
            state[slot] = (int32_t) (r->offsets[p] + p + 1);
            weight[slot] = r->weight[p];
        }
    }
    for (int64_t j = n_keys; j > 0; j--) {
        offset[j] = offset[j - 1];
    }
    offset[0] = 0;
}

static int
compile_index(zl_earley_t *g, const rules_t *r)
{
    const size_t n_states = (size_t) (r->offsets[r->n_productions] + r->n_productions);
    int64_t n_tokens, n_corners;

    g->sym = malloc(n_states * sizeof(*g->sym));
    g->lhs = malloc(n_states * sizeof(*g->lhs));
    g->token_offset = malloc((size_t) (g->n_terminals + 2) * sizeof(*g->token_offset));
    g->corner_offset = malloc((size_t) (g->n + 1) * sizeof(*g->corner_offset));
    if (g->sym == NULL || g->lhs == NULL || g->token_offset == NULL || g->corner_offset == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (int64_t p = 0, state = 0; p < r->n_productions; p++) {
        for (int64_t j = r->offsets[p]; j <= r->offsets[p + 1]; j++) {
            g->sym[state] = j < r->offsets[p + 1] ? r->symbols[j] : 0;
            g->lhs[state++] = r->lhs[p];
        }
    }
    n_tokens = index_offsets(r, 1, 0, 0, g->n_terminals + 1, g->token_offset);
    n_corners = index_offsets(r, -1, 1, 1, g->n, g->corner_offset);
    g->token_state = malloc((size_t) (n_tokens + 1) * sizeof(*g->token_state));
    g->token_weight = malloc((size_t) (n_tokens + 1) * sizeof(*g->token_weight));
    g->corner_state = malloc((size_t) (n_corners + 1) * sizeof(*g->corner_state));
    g->corner_weight = malloc((size_t) (n_corners + 1) * sizeof(*g->corner_weight));
    if (g->token_state == NULL || g->token_weight == NULL || g->corner_state == NULL || g->corner_weight == NULL) {
        return ZL_ERR_MEMORY;
    }
    index_fill(r, 1, 0, 0, g->n_terminals + 1, g->token_offset, g->token_state, g->token_weight);
    index_fill(r, -1, 1, 1, g->n, g->corner_offset, g->corner_state, g->corner_weight);
    return ZL_OK;
}

/* R_U = (I - P_U)^-1 over productions X -> Y, kept by column: completing Y completes all X with R_U[X, Y] > 0. */
static int
compile_units(zl_earley_t *g, const rules_t *r, double *matrix)
{
    const int64_t n = g->n;
    int ret;

    memset(matrix, 0, (size_t) (n * n) * sizeof(*matrix));
    for (int64_t p = 0; p < r->n_productions; p++) {
        const int32_t first = r->symbols[r->offsets[p]];

        if (first < 0 && r->offsets[p + 1] - r->offsets[p] == 1) {
            matrix[r->lhs[p] * n - first - 1] += r->weight[p];
        }
    }
    ret = closure(matrix, n);
    if (ret != ZL_OK) {
        return ret;
    }
    for (int64_t i = 0; i < n; i++) {
        matrix[i * n + i] += 1;
    }
    for (int64_t j = 0; j < n * n; j++) {
        g->n_units += matrix[j] > 0;
    }
    g->unit_offset = calloc((size_t) (n + 1), sizeof(*g->unit_offset));
    g->unit_symbol = malloc((size_t) g->n_units * sizeof(*g->unit_symbol));
    g->unit_weight = malloc((size_t) g->n_units * sizeof(*g->unit_weight));
    if (g->unit_offset == NULL || g->unit_symbol == NULL || g->unit_weight == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (int64_t y = 0, u = 0; y < n; y++) {
        for (int64_t z = 0; z < n; z++) {
            if (matrix[z * n + y] > 0) {
                g->unit_symbol[u] = (int32_t) z;
                g->unit_weight[u++] = matrix[z * n + y];
            }
        }
        g->unit_offset[y + 1] = u;
    }
    return ZL_OK;
}

/* R_L = (I - P_L)^-1 over first symbols, the tokens that can begin each nonterminal, and column 0's predictions. */
static int
compile_corners(zl_earley_t *g, const rules_t *r)
{
    const int64_t n = g->n;
    double least = 1, most = 1;
    uint64_t *own = NULL;
    int ret;

    memset(g->corner, 0, (size_t) (n * n) * sizeof(*g->corner));
    for (int64_t p = 0; p < r->n_productions; p++) {
        const int32_t first = r->symbols[r->offsets[p]];

        if (first < 0) {
            g->corner[r->lhs[p] * n - first - 1] += r->weight[p];
        }
    }
    ret = closure(g->corner, n);
    if (ret != ZL_OK) {
        return ret;
    }
    g->first = calloc((size_t) (n * g->n_bits), sizeof(*g->first));
    own = calloc((size_t) (n * g->n_bits), sizeof(*own));
    if (g->first == NULL || own == NULL) {
        free(own);
        return ZL_ERR_MEMORY;
    }
    for (int64_t p = 0; p < r->n_productions; p++) {
        const int32_t first = r->symbols[r->offsets[p]];

        if (first > 0 && r->weight[p] > 0) {
            own[r->lhs[p] * g->n_bits + first / 64] |= UINT64_C(1) << (first % 64);
        }
    }
    for (int64_t z = 0; z < n; z++) {
        double *row = g->corner + z * n;

        row[z] += 1;
        for (int64_t x = 0; x < n; x++) {
            if (row[x] == 0) {
                continue;
            }
            g->begin[x] += g->start[z] * row[x];
            least = row[x] < least ? row[x] : least;
            most = row[x] > most ? row[x] : most;
            for (int64_t word = 0; word < g->n_bits; word++) {
                g->first[z * g->n_bits + word] |= own[x * g->n_bits + word];
            }
        }
    }
    free(own);
    g->least_weight = SMALL / least;
    g->most_weight = LARGE / most;
    return ZL_OK;
}

static int
compile(zl_earley_t *g, rules_t *r, const double *probabilities, const double *start)
{
    const size_t n = (size_t) g->n;
    int ret = rules_check(r, probabilities, g->n, g->n_terminals);

    if (ret != ZL_OK) {
        return ret;
    }
    r->weight = malloc((size_t) r->n_productions * sizeof(*r->weight));
    g->start = calloc(n, sizeof(*g->start));
    g->begin = calloc(n, sizeof(*g->begin));
    g->corner = n > SIZE_MAX / n / sizeof(double) ? NULL : malloc(n * n * sizeof(*g->corner));
    if (r->weight == NULL || g->start == NULL || g->begin == NULL || g->corner == NULL) {
        return ZL_ERR_MEMORY;
    }
    ret = rules_normalise(r, probabilities, start, g);
    if (ret == ZL_OK) {
        ret = compile_index(g, r);
    }
    if (ret == ZL_OK) {
        /* g->corner is room for the other closure first */
        ret = compile_units(g, r, g->corner);
    }
    return ret == ZL_OK ? compile_corners(g, r) : ret;
}

int
zl_earley_new(int32_t n_nonterminals, int32_t n_terminals, int64_t n_productions, const int32_t *lhs,
              const int32_t *offsets, const int32_t *symbols, const double *probabilities, const double *start,
              zl_earley_t **grammar)
{
    rules_t rules = { n_productions, lhs, offsets, symbols, NULL };
    zl_earley_t *g;
    int ret;

    *grammar = NULL;
    if (n_nonterminals < 1 || n_terminals < 1 || n_terminals > INT32_MAX - 2) {
        return ZL_ERR_GRAMMAR;
    }
    g = calloc(1, sizeof(*g));
    if (g == NULL) {
        return ZL_ERR_MEMORY;
    }
    g->n = n_nonterminals;
    g->n_terminals = n_terminals;
    g->n_words = g->n / 64 + 1;
    g->n_bits = g->n_terminals / 64 + 1;
    ret = compile(g, &rules, probabilities, start);
    free(rules.weight);
    if (ret != ZL_OK) {
        zl_earley_free(g);
        return ret;
    }
    *grammar = g;
    return ZL_OK;
}
