#include "earley.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

#define ANY UINT32_MAX       /* the next token is unknown and every one is wanted */
#define CUT (UINT32_MAX - 1) /* the next token is unknown and does not matter */
#define REDO 1               /* parse again with wide exponents */
#define SMALL 1e-280
#define LARGE 1e280

struct zl_earley {
    int64_t n, n_terminals, n_units;
    int64_t n_words, n_bits;                  /* 64-bit words of a set of nonterminals, of token ids */
    int32_t *sym, *lhs;                       /* by state: next symbol (0 at the end), nonterminal rewritten */
    double *start, *begin;                    /* (n) start probabilities, and start times corner */
    double *corner;                           /* (n, n) reflexive closure of the left-corner matrix, R_L */
    double least_weight, most_weight;         /* weights outside may leave the range of doubles when times R_L */
    int64_t *unit_offset;                     /* (n + 1) columns of the unit closure R_U: */
    int32_t *unit_symbol;                     /*   unit_symbol derives the column's nonterminal */
    double *unit_weight;
    int64_t *token_offset;                    /* (n_terminals + 2) productions by their first terminal: */
    int32_t *token_state;                     /*   state after it */
    double *token_weight;
    int64_t *corner_offset;                   /* (n + 1) productions longer than one symbol by their first nonterminal */
    int32_t *corner_state;
    double *corner_weight;
    uint64_t *first;                          /* (n, n_bits) tokens that can begin a nonterminal */
};

static inline int
lowest_bit(uint64_t bits)
{
    int j = 0;

#if defined(__GNUC__)
    j = __builtin_ctzll(bits);
#else
    while ((bits >> j & 1) == 0) {
        j++;
    }
#endif
    return j;
}

static inline int
highest_bit(uint64_t bits)
{
    int j = 63;

#if defined(__GNUC__)
    j -= __builtin_clzll(bits);
#else
    while ((bits >> j & 1) == 0) {
        j--;
    }
#endif
    return j;
}

static inline int
can_begin(const zl_earley_t *g, int64_t z, uint32_t token)
{
    return (int) (g->first[z * g->n_bits + token / 64] >> (token % 64) & 1);
}

static inline double
minus_log(double mantissa, int64_t exponent)
{
    /* the sum with 0.0 turns -0.0 into 0.0 */
    return 0.0 - (log(mantissa) + (double) exponent * 0.6931471805599453094);
}

/* Room for one more element, or return from the function. */
#define GROW(array, used, room)                                                                                        \
    do {                                                                                                               \
        if ((used) == (room)) {                                                                                        \
            const int64_t more_ = (room) < 64 ? 128 : 2 * (room);                                                      \
            void *grown_ = more_ > INT32_MAX ? NULL : realloc((array), (size_t) more_ * sizeof(*(array)));             \
            if (grown_ == NULL) {                                                                                      \
                return ZL_ERR_MEMORY;                                                                                  \
            }                                                                                                          \
            (array) = grown_;                                                                                          \
            (room) = more_;                                                                                            \
        }                                                                                                              \
    } while (0)

/* Open addressing; an entry counts only in the epoch that made it, so clearing is free. */
typedef struct {
    uint64_t key;
    uint32_t epoch;
    int32_t value;
} zl_slot_t;

typedef struct {
    zl_slot_t *slots;
    uint64_t size, used;
    uint32_t epoch;
} zl_table_t;

static inline void
table_clear(zl_table_t *t)
{
    t->used = 0;
    if (++t->epoch == 0) {
        if (t->slots != NULL) {
            memset(t->slots, 0, (size_t) t->size * sizeof(*t->slots));
        }
        t->epoch = 1;
    }
}

static inline zl_slot_t *
table_find(zl_slot_t *slots, uint64_t size, uint32_t epoch, uint64_t key)
{
    uint64_t j = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (size - 1);

    while (slots[j].epoch == epoch && slots[j].key != key) {
        j = (j + 1) & (size - 1);
    }
    return &slots[j];
}

static int
table_grow(zl_table_t *t)
{
    const uint64_t size = t->size == 0 ? 256 : 2 * t->size;
    zl_slot_t *slots = size > UINT32_MAX / sizeof(*slots) ? NULL : calloc((size_t) size, sizeof(*slots));

    if (slots == NULL) {
        return ZL_ERR_MEMORY;
    }
    for (uint64_t j = 0; j < t->size; j++) {
        if (t->slots[j].epoch == t->epoch) {
            *table_find(slots, size, t->epoch, t->slots[j].key) = t->slots[j];
        }
    }
    free(t->slots);
    t->slots = slots;
    t->size = size;
    return ZL_OK;
}

/* The value filed under (state, origin), -1 and writable when there was none; NULL without memory. */
static inline int32_t *
table_slot(zl_table_t *t, int32_t state, int32_t origin)
{
    const uint64_t key = (uint64_t) (uint32_t) state << 32 | (uint32_t) origin;
    zl_slot_t *slot;

    if (2 * t->used >= t->size && table_grow(t) != ZL_OK) {
        return NULL;
    }
    slot = table_find(t->slots, t->size, t->epoch, key);
    if (slot->epoch != t->epoch) {
        *slot = (zl_slot_t){ key, t->epoch, -1 };
        t->used++;
    }
    return &slot->value;
}

#define NUM double
#define FN(name) fast_##name

static inline double
fast_of(double a)
{
    return a;
}

static inline double
fast_number(double a)
{
    return a;
}

static inline int
fast_is_zero(double a)
{
    return a == 0;
}

static inline double
fast_sum(double a, double b)
{
    return a + b;
}

static inline int
fast_outside(double a, double least, double most)
{
    return !(a >= least && a <= most);
}

static inline double
fast_product(double a, double b, int *risk)
{
    const double product = a * b;

    /* a true zero comes only from a pred that is not predicted; it was tested for before, or does no harm */
    *risk |= fast_outside(product, SMALL, LARGE) && a != 0 && b != 0;
    return product;
}

static inline void
fast_add_row(double *restrict sum, double weight, const double *restrict row, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        sum[j] += weight * row[j];
    }
}

static inline double
fast_split(double a, int *exponent)
{
    return frexp(a, exponent);
}

static inline double
fast_power(int exponent)
{
    return ldexp(1.0, exponent);
}

#include "earley_parse.h"

#undef NUM
#undef FN

/* m * 2^(512 e) with m in [2^-256, 2^256), or m = 0: same roundings as a double, no end of range */
typedef struct {
    double m;
    int64_t e;
} wide_t;

#define NUM wide_t
#define FN(name) wide_##name
#define WIDE_STEP 512

static inline wide_t
wide_tidy(double m, int64_t e)
{
    if (m >= 0x1p256) {
        m *= 0x1p-512;
        e++;
    } else if (m < 0x1p-256 && m > 0) {
        m *= 0x1p512;
        e--;
    }
    return (wide_t){ m, m > 0 ? e : 0 };
}

static inline wide_t
wide_of(double a)
{
    /* twice: a subnormal double is two steps away */
    const wide_t once = wide_tidy(a, 0);

    return wide_tidy(once.m, once.e);
}

static inline double
wide_number(wide_t a)
{
    return a.e == 0 ? a.m : ldexp(a.m, a.e < -4 ? -2 * 1024 : a.e > 4 ? 2 * 1024 : (int) a.e * WIDE_STEP);
}

static inline int
wide_is_zero(wide_t a)
{
    return a.m == 0;
}

static inline wide_t
wide_sum(wide_t a, wide_t b)
{
    if (a.m == 0 || b.m == 0) {
        return a.m == 0 ? b : a;
    }
    if (a.e != b.e) {
        const wide_t large = a.e > b.e ? a : b, small = a.e > b.e ? b : a;

        return large.e - small.e > 1 ? large : wide_tidy(large.m + small.m * 0x1p-512, large.e);
    }
    return wide_tidy(a.m + b.m, a.e);
}

static inline int
wide_outside(wide_t a, double least, double most)
{
    (void) a;
    (void) least;
    (void) most;
    return 0;
}

static inline wide_t
wide_product(wide_t a, wide_t b, int *risk)
{
    (void) risk;
    return wide_tidy(a.m * b.m, a.e + b.e);
}

static inline void
wide_add_row(wide_t *restrict sum, wide_t weight, const double *restrict row, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        sum[j] = wide_sum(sum[j], wide_product(weight, wide_of(row[j]), NULL));
    }
}

static inline double
wide_split(wide_t a, int *exponent)
{
    const double mantissa = frexp(a.m, exponent);

    *exponent += (int) a.e * WIDE_STEP;
    return mantissa;
}

static inline wide_t
wide_power(int exponent)
{
    int rest = exponent % WIDE_STEP;

    return wide_tidy(ldexp(1.0, rest), exponent / WIDE_STEP);
}

#include "earley_parse.h"

#undef NUM
#undef FN

struct zl_earley_space {
    fast_chart_t fast;
    wide_chart_t wide;
};

int
zl_earley_space_new(zl_earley_space_t **space)
{
    *space = calloc(1, sizeof(**space));
    return *space == NULL ? ZL_ERR_MEMORY : ZL_OK;
}

void
zl_earley_space_free(zl_earley_space_t *space)
{
    if (space != NULL) {
        fast_chart_free(&space->fast);
        wide_chart_free(&space->wide);
        free(space);
    }
}

static int
sentence(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *x, int64_t length, uint32_t last, int wide,
         double *nll, double *positions, double *next, int64_t *where)
{
    int ret = REDO;

    if (!wide) {
        ret = fast_sentence(&space->fast, g, x, length, last, nll, positions, next, where);
    }
    if (ret == REDO) {
        ret = wide_sentence(&space->wide, g, x, length, last, nll, positions, next, where);
    }
    return ret;
}

/* One document; when `next` is given, the next token's probabilities instead of the cut sentence's. */
static int
document(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *x, int64_t n, int wide, double *nll,
         double *positions, double *next, int64_t *where)
{
    int64_t begin = 0;
    int ret = ZL_OK;

    *nll = 0;
    for (int64_t i = 0; i < n; i++) {
        if (x[i] > (uint32_t) g->n_terminals) {
            *where = i;
            return ZL_ERR_TOKEN;
        }
    }
    for (int64_t i = 0; i <= n && ret == ZL_OK; i++) {
        if (i < n && x[i] != 0) {
            continue;
        }
        ret = sentence(g, space, x + begin, i - begin, i < n ? 0 : next != NULL ? ANY : CUT, wide, nll,
                       positions == NULL ? NULL : positions + begin, i < n ? NULL : next, where);
        if (ret == ZL_OK) {
            begin = i + 1;
        }
    }
    *where += begin;
    return ret;
}

int
zl_earley_documents(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *tokens, int64_t n_documents,
                    int64_t context, int wide, double *nll, double *positions, int64_t *where)
{
    for (int64_t d = 0; d < n_documents; d++) {
        int ret;

        where[0] = d;
        where[1] = 0;
        ret = document(g, space, tokens + d * context, context, wide, nll + d,
                       positions == NULL ? NULL : positions + d * context, NULL, where + 1);
        if (ret != ZL_OK) {
            return ret;
        }
    }
    return ZL_OK;
}

int
zl_earley_next(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *tokens, int64_t n_tokens, int wide,
               double *next, int64_t *where)
{
    double nll;

    where[0] = 0;
    where[1] = 0;
    return document(g, space, tokens, n_tokens, wide, &nll, NULL, next, where + 1);
}

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
        for (int64_t j = r->offsets[p]; j < r->offsets[p + 1]; j++) {
            if (r->symbols[j] == 0 || r->symbols[j] > n_terminals || r->symbols[j] < -n) {
                return ZL_ERR_GRAMMAR;
            }
        }
    }
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
