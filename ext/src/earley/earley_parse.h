/* The parser, included by earley.c once per number type: NUM is double (fast_) or wide_t (wide_, any exponent).
 *
 * A state is a position in g->sym: what is left of a production, ended by a 0. An item (state, origin, inner) says
 * that the production's symbols before the state yield tokens origin .. i with probability `inner`. Its forward
 * probability is pred[origin][lhs] * inner, where pred[k][X] sums all leftmost derivations that yield tokens 0 .. k
 * and rewrite X next. Column i holds every number times one power of two that keeps the prefix probability in
 * [0.5, 1): scaling is exact, so both number types give the same bits wherever doubles suffice.
 *
 * Where the next token b is known only items that can go on with b are kept: the rest adds to no later prefix.
 */

typedef struct {
    int32_t state, origin;
    NUM inner;
} FN(scan_t);

typedef struct {
    int32_t state, origin; /* the state after the awaited nonterminal */
    int32_t chain;         /* next item of this list, or -1 */
    NUM inner;
} FN(wait_t);

typedef struct {
    int64_t cell; /* in done */
    NUM inner;
} FN(tail_t);

typedef struct {
    int64_t n_columns; /* the first five arrays have room for this many columns of the chart */
    NUM *pred;         /* (n_columns, n) */
    NUM *done;         /* (n_columns, n) completed in the current column, by origin; zero at rest */
    zl_lists_t *lists; /* (n_columns, n) items by the nonterminal they await */
    uint64_t *mask;    /* (n_columns, n_words) entries of done in use */
    uint64_t *origins; /* (n_columns / 64 + 1) origins with entries in done */
    char *predicted;   /* (n_columns) whether the column predicts anything */
    NUM *full;         /* (n) closed under unit productions; zero at rest */
    int32_t *touched;  /* (n) entries of full in use */
    FN(wait_t) *waits; /* of all columns, in order */
    FN(tail_t) *tails; /* of all columns, those that await their production's last symbol */
    FN(scan_t) *scans, *scanned;
    int64_t n_waits, n_tails, n_scans, n_scanned, max_waits, max_tails, max_scans, max_scanned;
    zl_table_t table; /* (state, origin) -> index in scans or waits, for the current column */
    int dirty;        /* the last sentence was abandoned half-way */
    int risk;         /* a number left the range in which doubles are safe */
} FN(chart_t);

static void
FN(chart_free)(FN(chart_t) *s)
{
    free(s->pred);
    free(s->done);
    free(s->lists);
    free(s->mask);
    free(s->origins);
    free(s->predicted);
    free(s->full);
    free(s->touched);
    free(s->waits);
    free(s->tails);
    free(s->scans);
    free(s->scanned);
    free(s->table.slots);
    memset(s, 0, sizeof(*s));
}

static int
FN(chart_fit)(FN(chart_t) *s, const zl_earley_t *g, int64_t n_columns)
{
    size_t cells, columns;

    if (s->n_columns >= n_columns && !s->dirty) {
        return ZL_OK;
    }
    n_columns = n_columns <= s->n_columns ? s->n_columns : n_columns + n_columns / 2 + 16;
    FN(chart_free)(s);
    if (n_columns > INT32_MAX / g->n || (uint64_t) n_columns > SIZE_MAX / 64 / (uint64_t) g->n) {
        return ZL_ERR_OVERFLOW;
    }
    columns = (size_t) n_columns;
    cells = columns * (size_t) g->n;
    /* all-zero bytes are the number zero in both types */
    s->pred = malloc(cells * sizeof(NUM));
    s->done = calloc(cells, sizeof(NUM));
    s->lists = malloc(cells * sizeof(*s->lists));
    s->mask = calloc(columns * (size_t) g->n_words, sizeof(uint64_t));
    s->origins = calloc(columns / 64 + 1, sizeof(uint64_t));
    s->predicted = malloc(columns);
    s->full = calloc((size_t) g->n, sizeof(NUM));
    s->touched = malloc((size_t) g->n * sizeof(*s->touched));
    if (s->pred == NULL || s->done == NULL || s->lists == NULL || s->mask == NULL || s->origins == NULL
        || s->predicted == NULL || s->full == NULL || s->touched == NULL) {
        FN(chart_free)(s);
        return ZL_ERR_MEMORY;
    }
    s->n_columns = n_columns;
    return ZL_OK;
}

static inline NUM
FN(mul)(FN(chart_t) *s, NUM a, NUM b)
{
    return FN(product)(a, b, &s->risk);
}

static inline void
FN(gather)(FN(chart_t) *s, const zl_earley_t *g, int64_t *n_touched, int32_t z, NUM weight)
{
    /* a sum that underflows to zero would be listed twice: the risk flag then discards the sentence */
    if (FN(is_zero)(s->full[z]) && *n_touched < g->n) {
        s->touched[(*n_touched)++] = z;
    }
    s->full[z] = FN(sum)(s->full[z], weight);
}

/* An item at the end of its production completes its nonterminal. */
static inline void
FN(finish)(FN(chart_t) *s, const zl_earley_t *g, int64_t cell, NUM inner)
{
    const NUM before = s->done[cell];

    if (FN(is_zero)(before)) {
        const int64_t origin = cell / g->n, lhs = cell % g->n;

        s->mask[origin * g->n_words + lhs / 64] |= UINT64_C(1) << (lhs % 64);
        s->origins[origin / 64] |= UINT64_C(1) << (origin % 64);
    }
    s->done[cell] = FN(sum)(before, inner);
}

/* File an item of column i under what it needs next: b is the next token, 0 the end of the sentence, or ANY.
 * A `fresh` item was just scanned, so no other item of the column has its state and origin. */
static inline int
FN(file)(FN(chart_t) *s, const zl_earley_t *g, int64_t i, uint32_t b, int32_t state, int32_t origin, NUM inner,
         int fresh)
{
    const int32_t symbol = g->sym[state];
    int32_t *slot = NULL;

    if (symbol == 0) {
        FN(finish)(s, g, origin * g->n + g->lhs[state], inner);
        return ZL_OK;
    }
    if (b != ANY && (symbol > 0 ? (uint32_t) symbol != b : !can_begin(g, -symbol - 1, b))) {
        return ZL_OK;
    }
    if (!fresh) {
        slot = table_slot(&s->table, state, origin);
        if (slot == NULL) {
            return ZL_ERR_MEMORY;
        }
        if (*slot >= 0) {
            NUM *cell = symbol > 0 ? &s->scans[*slot].inner : &s->waits[*slot].inner;

            *cell = FN(sum)(*cell, inner);
            return ZL_OK;
        }
    }
    if (symbol > 0) {
        GROW(s->scans, s->n_scans, s->max_scans);
        if (slot != NULL) {
            *slot = (int32_t) s->n_scans;
        }
        s->scans[s->n_scans++] = (FN(scan_t)){ state, origin, inner };
    } else {
        zl_lists_t *lists = s->lists + i * g->n + (-symbol - 1);
        int32_t *head = g->sym[state + 1] == 0 ? &lists->tail : &lists->more;

        GROW(s->waits, s->n_waits, s->max_waits);
        if (slot != NULL) {
            *slot = (int32_t) s->n_waits;
        }
        s->waits[s->n_waits] = (FN(wait_t)){ state + 1, origin, *head, inner };
        *head = (int32_t) s->n_waits++;
    }
    return ZL_OK;
}

/* Advance every item that awaits what began at origin k and is complete in column i. */
static int
FN(advance)(FN(chart_t) *s, const zl_earley_t *g, int64_t i, uint32_t b, int64_t k, NUM *sentence)
{
    NUM *done = s->done + k * g->n;
    const NUM *pred = s->pred + k * g->n;
    int64_t n_touched = 0;
    int ret;

    for (int64_t word = 0; word < g->n_words; word++) {
        uint64_t bits = s->mask[k * g->n_words + word];

        /* zero again as it is read: the next column, and the next sentence, find it at rest */
        s->mask[k * g->n_words + word] = 0;
        for (; bits != 0; bits &= bits - 1) {
            const int64_t y = word * 64 + lowest_bit(bits);

            for (int64_t u = g->unit_offset[y]; u < g->unit_offset[y + 1]; u++) {
                const int32_t z = g->unit_symbol[u];

                FN(gather)(s, g, &n_touched, z, FN(mul)(s, done[y], FN(of)(g->unit_weight[u])));
            }
            done[y] = FN(of)(0);
        }
    }
    for (int64_t t = 0; t < n_touched; t++) {
        const int32_t z = s->touched[t];
        const NUM full = s->full[z];
        zl_lists_t lists;

        s->full[z] = FN(of)(0);
        /* what began at origin 0 and ends here may be a whole sentence */
        if (k == 0 && (b == 0 || b == ANY) && g->start[z] > 0) {
            *sentence = FN(sum)(*sentence, FN(mul)(s, full, FN(of)(g->start[z])));
        }
        lists = s->lists[k * g->n + z];
        for (int32_t w = lists.tail; w < lists.tail_end; w++) {
            FN(finish)(s, g, s->tails[w].cell, FN(mul)(s, s->tails[w].inner, full));
        }
        /* at the end of a sentence only what completes matters, and tails do nothing else */
        if (b == 0) {
            continue;
        }
        for (int32_t w = lists.more; w >= 0; w = s->waits[w].chain) {
            const FN(wait_t) *item = &s->waits[w];

            ret = FN(file)(s, g, i, b, item->state, item->origin, FN(mul)(s, item->inner, full), 0);
            if (ret != ZL_OK) {
                return ret;
            }
        }
        if (!s->predicted[k]) {
            continue;
        }
        /* productions X -> z ... that column k predicted; X -> z alone belongs to the unit closure */
        for (int64_t c = g->corner_offset[z]; c < g->corner_offset[z + 1]; c++) {
            const int32_t state = g->corner_state[c];

            if (!FN(is_zero)(pred[g->lhs[state]])) {
                ret = FN(file)(s, g, i, b, state, (int32_t) k, FN(mul)(s, full, FN(of)(g->corner_weight[c])), 0);
                if (ret != ZL_OK) {
                    return ret;
                }
            }
        }
    }
    return ZL_OK;
}

/* Column i has all its items, its waiting ones from `first` on: put those that await their production's last symbol
 * side by side, for they are what ambiguity multiplies, and predict. */
static int
FN(settle)(FN(chart_t) *s, const zl_earley_t *g, int64_t i, int64_t first)
{
    NUM *pred = s->pred + i * g->n;
    int64_t n_touched = 0;

    s->predicted[i] = first < s->n_waits;
    if (!s->predicted[i]) {
        return ZL_OK;
    }
    for (int64_t w = first; w < s->n_waits; w++) {
        const FN(wait_t) *item = &s->waits[w];
        const int32_t z = -g->sym[item->state - 1] - 1;

        FN(gather)(s, g, &n_touched, z,
                   FN(mul)(s, s->pred[(int64_t) item->origin * g->n + g->lhs[item->state]], item->inner));
    }
    memset(pred, 0, (size_t) g->n * sizeof(NUM));
    for (int64_t t = 0; t < n_touched; t++) {
        s->risk |= FN(outside)(s->full[s->touched[t]], g->least_weight, g->most_weight);
    }
    /* all left corners of what is awaited, at once: the loop over predictions that left recursion would never end */
    FN(add_rows)(pred, s->full, g->corner, s->touched, n_touched, g->n);
    for (int64_t t = 0; t < n_touched; t++) {
        const int64_t z = s->touched[t];
        zl_lists_t *lists = &s->lists[i * g->n + z];
        int32_t begin;

        s->full[z] = FN(of)(0);
        begin = (int32_t) s->n_tails;
        for (int32_t w = lists->tail; w >= 0; w = s->waits[w].chain) {
            const FN(wait_t) *item = &s->waits[w];

            GROW(s->tails, s->n_tails, s->max_tails);
            s->tails[s->n_tails++] = (FN(tail_t)){ item->origin * g->n + g->lhs[item->state], item->inner };
        }
        lists->tail = begin;
        lists->tail_end = (int32_t) s->n_tails;
    }
    return ZL_OK;
}

/* Scan token a from column i into column i + 1; returns the prefix probability, still in column i's scale. */
static int
FN(scan)(FN(chart_t) *s, const zl_earley_t *g, int64_t i, uint32_t a, NUM *mass)
{
    FN(scan_t) *swap = s->scanned;
    const int64_t max_swap = s->max_scanned;
    const NUM *pred = s->pred + i * g->n;

    s->scanned = s->scans;
    s->n_scanned = s->n_scans;
    s->max_scanned = s->max_scans;
    s->scans = swap;
    s->n_scans = 0;
    s->max_scans = max_swap;
    *mass = FN(of)(0);
    for (int64_t j = 0; j < s->n_scanned; j++) {
        FN(scan_t) *item = &s->scanned[j];

        *mass = FN(sum)(*mass, FN(mul)(s, s->pred[(int64_t) item->origin * g->n + g->lhs[item->state]], item->inner));
        item->state++;
    }
    for (int64_t t = g->token_offset[a]; s->predicted[i] && t < g->token_offset[a + 1]; t++) {
        const int32_t state = g->token_state[t];
        const NUM weight = FN(of)(g->token_weight[t]);

        if (!FN(is_zero)(pred[g->lhs[state]])) {
            *mass = FN(sum)(*mass, FN(mul)(s, pred[g->lhs[state]], weight));
            GROW(s->scanned, s->n_scanned, s->max_scanned);
            s->scanned[s->n_scanned++] = (FN(scan_t)){ state, (int32_t) i, weight };
        }
    }
    return ZL_OK;
}

/* Next token probabilities after column i, whose prefix probability is `mass`. */
static void
FN(spread)(FN(chart_t) *s, const zl_earley_t *g, int64_t i, NUM ended, double mass, double *next)
{
    const NUM *pred = s->pred + i * g->n;

    for (int64_t a = 1; a <= g->n_terminals; a++) {
        next[a] = 0;
    }
    next[0] = FN(number)(ended) / mass;
    for (int64_t j = 0; j < s->n_scans; j++) {
        const FN(scan_t) *item = &s->scans[j];

        next[g->sym[item->state]] += FN(number)(
            FN(mul)(s, s->pred[(int64_t) item->origin * g->n + g->lhs[item->state]], item->inner)) / mass;
    }
    for (int64_t a = 1; s->predicted[i] && a <= g->n_terminals; a++) {
        for (int64_t t = g->token_offset[a]; t < g->token_offset[a + 1]; t++) {
            const NUM weight = FN(of)(g->token_weight[t]);

            next[a] += FN(number)(FN(mul)(s, pred[g->lhs[g->token_state[t]]], weight)) / mass;
        }
    }
}

/* Parse one sentence of `length` tokens. `last` is what follows it: 0 (its end), ANY (next token probabilities are
 * wanted) or CUT (nothing is known). *nll grows by -ln p; positions, unless NULL, gets one value a token and one for
 * the end. On ZL_ERR_IMPOSSIBLE *where is the position in the sentence. */
static int
FN(sentence)(FN(chart_t) *s, const zl_earley_t *g, const uint32_t *x, int64_t length, uint32_t last, double *nll,
             double *positions, double *next, int64_t *where)
{
    int64_t exponent = 0;
    double before = 1, mantissa = 1;
    NUM mass, ended = FN(of)(0);
    int ret = FN(chart_fit)(s, g, length + 1);

    if (ret != ZL_OK) {
        return ret;
    }
    s->dirty = 1;
    s->risk = 0;
    s->n_waits = 0;
    s->n_tails = 0;
    s->n_scans = 0;
    s->predicted[0] = 1;
    for (int64_t j = 0; j < g->n; j++) {
        s->pred[j] = FN(of)(g->begin[j]);
        s->lists[j] = (zl_lists_t){ -1, -1, -1 };
    }
    for (int64_t i = 0; i < length; i++) {
        const uint32_t b = i + 1 < length ? x[i + 1] : last;
        const int64_t first = s->n_waits;
        NUM factor;
        int shift;

        ret = FN(scan)(s, g, i, x[i], &mass);
        if (ret != ZL_OK) {
            return ret;
        }
        if (FN(is_zero)(mass)) {
            *where = i;
            return s->risk ? REDO : ZL_ERR_IMPOSSIBLE;
        }
        mantissa = FN(split)(mass, &shift);
        exponent += shift;
        if (positions != NULL) {
            positions[i] = minus_log(mantissa / before, shift);
        }
        before = mantissa;
        if (b == CUT) {
            break;
        }
        for (int64_t j = 0; j < g->n; j++) {
            s->lists[(i + 1) * g->n + j] = (zl_lists_t){ -1, -1, -1 };
        }
        /* (state, origin) is unique within a column only */
        table_clear(&s->table);
        /* everything in column i + 1 is made from these items, so that scaling them scales the column */
        factor = FN(power)(-shift);
        for (int64_t j = 0; j < s->n_scanned; j++) {
            const FN(scan_t) *item = &s->scanned[j];

            ret = FN(file)(s, g, i + 1, b, item->state, item->origin, FN(mul)(s, item->inner, factor), 1);
            if (ret != ZL_OK) {
                return ret;
            }
        }
        /* later origins first: what they complete may complete something of an earlier origin, never the reverse */
        for (int64_t word = i / 64; word >= 0; word--) {
            while (s->origins[word] != 0) {
                const int bit = highest_bit(s->origins[word]);

                s->origins[word] &= ~(UINT64_C(1) << bit);
                ret = FN(advance)(s, g, i + 1, b, word * 64 + bit, &ended);
                if (ret != ZL_OK) {
                    return ret;
                }
            }
        }
        ret = FN(settle)(s, g, i + 1, first);
        if (ret != ZL_OK || s->risk) {
            return ret != ZL_OK ? ret : REDO;
        }
    }
    if (last == 0) {
        int shift;

        if (FN(is_zero)(ended)) {
            *where = length;
            return s->risk ? REDO : ZL_ERR_IMPOSSIBLE;
        }
        mantissa = FN(split)(ended, &shift);
        exponent += shift;
        if (positions != NULL) {
            positions[length] = minus_log(mantissa / before, shift);
        }
    }
    if (next != NULL) {
        FN(spread)(s, g, length, ended, mantissa, next);
    }
    if (s->risk) {
        return REDO;
    }
    *nll += minus_log(mantissa, exponent);
    s->dirty = 0;
    return ZL_OK;
}
