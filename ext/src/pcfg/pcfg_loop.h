/* The sampling loop, included once for each token width: PCFG_TOKEN is the type, PCFG_NAME(x) decorates names.
 *
 * PCFG_LANES documents are derived at a time, each in its lane, so that one lane's table look-ups overlap the others'.
 * A lane writes its documents one after the other and copies runs in whole blocks: what is written past the end of a
 * document is overwritten by the next one. A lane's last documents go through a scratch buffer, so nothing outside is
 * touched. */

typedef struct {
    PCFG_TOKEN *at;     /* where the next token goes */
    PCFG_TOKEN *end;    /* of the document */
    const uint16_t *piece;
    uint32_t code, top; /* of the state; top counts pushes, modulo 2^32 */
    uint32_t *stack;    /* a ring: stack[top & mask] is the newest item */
    uint64_t document;
    int64_t n_left;     /* documents still to finish, this one counted */
    zl_rng_t rng, following;
    uint16_t pieces[8 + 4 * PCFG_WORDS];
} PCFG_NAME(lane_t);

#define LANE_T PCFG_NAME(lane_t)
#define PIECES_LEFT(lane) ((lane)->pieces + 8 + 4 * PCFG_WORDS - (lane)->piece)

/* Random words are used as four pieces of 16 bits, lowest first. */
static inline void
PCFG_NAME(generate)(LANE_T *lane)
{
    /* a copy that stays in registers: for all the compiler knows, pieces and generator overlap */
    zl_rng_t rng = lane->rng;
    uint16_t *piece = lane->pieces + 8;
    int j;

    for (j = 0; j < PCFG_WORDS; j++, piece += 4) {
        uint64_t word = zl_rng_next(&rng);

        piece[0] = (uint16_t) word;
        piece[1] = (uint16_t) (word >> 16);
        piece[2] = (uint16_t) (word >> 32);
        piece[3] = (uint16_t) (word >> 48);
    }
    lane->rng = rng;
}

/* Call with at most 8 pieces left: they move to the front. */
static ZL_NOINLINE void
PCFG_NAME(refill)(LANE_T *lane)
{
    ptrdiff_t left = PIECES_LEFT(lane);

    memcpy(lane->pieces, lane->pieces + 4 * PCFG_WORDS, 8 * sizeof(uint16_t));
    lane->piece = lane->pieces + 8 - left;
    PCFG_NAME(generate)(lane);
}

static inline void
PCFG_NAME(begin)(LANE_T *lane, const pcfg_sampler_t *self, uint64_t stream_key)
{
    lane->rng = lane->following;
    lane->piece = lane->pieces + 8;
    PCFG_NAME(generate)(lane);
    lane->code = self->document;
    lane->top = 0;
    /* seeding the next document now hides its latency */
    lane->document++;
    zl_rng_seed(&lane->following, stream_key, lane->document);
}

/* Copy a run of any length: PCFG_MAX_RUN tokens always, then blocks of 8 up to limit tokens and a part of a block. */
static ZL_INLINE void
PCFG_NAME(copy)(PCFG_TOKEN *to, const PCFG_TOKEN *from, size_t length, size_t limit)
{
    size_t j;

    memcpy(to, from, PCFG_MAX_RUN * sizeof(*to));
    if (ZL_UNLIKELY(length > PCFG_MAX_RUN)) {
        length = length < limit ? length : limit;
        for (j = PCFG_MAX_RUN; j < length; j += 8) {
            memcpy(to + j, from + j, 8 * sizeof(*to));
        }
    }
}

/* Take the newest pending item: copy its run and go on in its state. */
static inline void
PCFG_NAME(pop)(LANE_T *lane, const pcfg_sampler_t *self, size_t mask, size_t limit)
{
    uint32_t *newest = &lane->stack[lane->top & mask];
    const pcfg_item_t *item = &self->items[*newest];

    PCFG_NAME(copy)(lane->at, (const PCFG_TOKEN *) self->pool + item->offset, item->length, limit);
    lane->at += item->length < limit ? item->length : limit;
    *newest = item->link;
    lane->top -= item->link == 0;
    lane->code = item->next;
}

/* Everything out of the ordinary: draws that 16 bits do not decide, long runs, pushes, pops. The piece is taken. */
static ZL_NOINLINE void
PCFG_NAME(step_slowly)(LANE_T *lane, const pcfg_sampler_t *self, size_t row, uint32_t piece, size_t mask, size_t limit)
{
    const pcfg_entry_t entry = self->entries[row];
    const pcfg_rec_t *rec = self->recs + row + (piece < entry.threshold ? 0 : entry.alias);
    size_t length;

    /* the one row of pop_again has threshold 0 and nothing to decide; other rows compare 64 more bits */
    if (piece == entry.threshold && lane->code != self->pop_again) {
        uint64_t word;

        /* four for this, and up to three for the rest of the round */
        if (PIECES_LEFT(lane) < 8) {
            PCFG_NAME(refill)(lane);
        }
        word = (uint64_t) lane->piece[0] | (uint64_t) lane->piece[1] << 16 | (uint64_t) lane->piece[2] << 32
            | (uint64_t) lane->piece[3] << 48;
        lane->piece += 4;
        if (word < self->remainders[row]) {
            rec = self->recs + row;
        }
    }
    length = rec->length_flags >> PCFG_FLAG_BITS;
    PCFG_NAME(copy)(lane->at, (const PCFG_TOKEN *) self->pool + rec->offset, length, limit);
    lane->at += length < limit ? length : limit;
    if (rec->length_flags & PCFG_PUSH) {
        lane->stack[++lane->top & mask] = rec->item;
    }
    lane->code = rec->length_flags & PCFG_POP ? self->pop_again : rec->next;
    /* a full document is not written on: what lies behind it has room for one long run only */
    while (lane->code == self->pop_again && lane->at < lane->end) {
        PCFG_NAME(pop)(lane, self, mask, limit);
    }
}

/* Derive documents in every lane until one lane has none left. n_lanes and open are constants to the compiler.
 *
 * A step is done in two passes over the lanes, so that what a core can look ahead holds the look-ups of all of them. */
static ZL_INLINE int
PCFG_NAME(derive)(LANE_T *lanes, const int n_lanes, const int open, const pcfg_sampler_t *self, uint64_t stream_key,
    int64_t context, size_t mask)
{
    const size_t limit = (size_t) context;
    const pcfg_entry_t *const entries = self->entries;
    const pcfg_rec_t *const recs = self->recs;
    const pcfg_item_t *const items = self->items;
    const PCFG_TOKEN *const pool = self->pool;
    const PCFG_TOKEN *seen_at[PCFG_LANES] = {NULL};
    uint64_t seen_document[PCFG_LANES] = {0};
    const uint32_t slow = open ? PCFG_LONG : PCFG_LONG | PCFG_PUSH | PCFG_POP;
    int64_t round;
    int i, k, finished = 0;

    for (;;) {
        for (round = 0; round < PCFG_ROUNDS; round++) {
            for (i = 0; i < n_lanes; i++) {
                if (ZL_UNLIKELY(PIECES_LEFT(&lanes[i]) < 4)) {
                    PCFG_NAME(refill)(&lanes[i]);
                }
            }
            for (k = 0; k < 4 && !finished; k++) {
                const pcfg_rec_t *drawn[PCFG_LANES];
                size_t rows[PCFG_LANES];
                uint32_t pieces[PCFG_LANES], undecided[PCFG_LANES];

                ZL_UNROLL
                for (i = 0; i < n_lanes; i++) {
                    LANE_T *const lane = &lanes[i];
                    const uint32_t code = lane->code, piece = *lane->piece;
                    const size_t row = (code >> PCFG_CODE_SHIFT) + (piece >> (code & 31));
                    const pcfg_entry_t entry = entries[row];

                    /* no branch: which of the two it is, is as good as random */
                    drawn[i] = recs + row + (entry.alias & -(int32_t) (piece >= entry.threshold));
                    undecided[i] = piece == entry.threshold;
                    rows[i] = row;
                    pieces[i] = piece;
                    /* to pop again takes a step but no random piece */
                    lane->piece += open ? code != self->pop_again : 1;
                }
                ZL_UNROLL
                for (i = 0; i < n_lanes; i++) {
                    LANE_T *const lane = &lanes[i];
                    const pcfg_rec_t *const rec = drawn[i];
                    const uint32_t length_flags = rec->length_flags;
                    PCFG_TOKEN *at = lane->at;

                    if (ZL_UNLIKELY(((length_flags & slow) | undecided[i]) != 0)) {
                        PCFG_NAME(step_slowly)(lane, self, rows[i], pieces[i], mask, limit);
                        at = lane->at;
                    } else {
                        memcpy(at, pool + rec->offset, PCFG_MAX_RUN * sizeof(*at));
                        at += length_flags >> PCFG_FLAG_BITS;
                        if (open) {
                            /* no branch again, in words that compilers do not turn into one: always write where a push
                             * would; a step that does not pop takes item 0, which is all zeros */
                            const uint32_t pops = -(uint32_t) (rec->next == 0);
                            const uint32_t top = lane->top + (rec->item != 0);
                            uint32_t *const newest = &lane->stack[top & mask];
                            const pcfg_item_t *item;
                            size_t length;

                            lane->stack[(lane->top + 1) & mask] = rec->item;
                            item = &items[*newest & pops];
                            length = item->length;
                            *newest = (*newest & ~pops) | item->link;
                            lane->top = top + (pops & -(uint32_t) (item->link == 0));
                            lane->code = rec->next | item->next;
                            memcpy(at, pool + item->offset, PCFG_MAX_RUN * sizeof(*at));
                            if (ZL_UNLIKELY(length > PCFG_MAX_RUN)) {
                                PCFG_NAME(copy)(at, pool + item->offset, length, limit);
                                length = length < limit ? length : limit;
                            }
                            at += length;
                        } else {
                            lane->code = rec->next;
                        }
                    }
                    lane->at = at;
                    if (ZL_UNLIKELY(at >= lane->end)) {
                        finished |= --lane->n_left == 0;
                        lane->at = lane->end;
                        lane->end += context;
                        PCFG_NAME(begin)(lane, self, stream_key);
                    }
                }
            }
            if (finished) {
                return ZL_OK;
            }
        }
        for (i = 0; i < n_lanes; i++) {
            /* neither a token nor a document in all these draws: a derivation that does not get on */
            if (lanes[i].at == seen_at[i] && lanes[i].document == seen_document[i]) {
                return ZL_ERR_STUCK;
            }
            seen_at[i] = lanes[i].at;
            seen_document[i] = lanes[i].document;
        }
    }
}

/* Only the loop that a document was begun with may go on with it: the open one can stop between two pops. */
static ZL_NOINLINE int
PCFG_NAME(derive_all)(
    LANE_T *lanes, const pcfg_sampler_t *self, uint64_t stream_key, int64_t context, size_t mask)
{
    return self->open ? PCFG_NAME(derive)(lanes, PCFG_LANES, 1, self, stream_key, context, mask)
                      : PCFG_NAME(derive)(lanes, PCFG_LANES, 0, self, stream_key, context, mask);
}

static ZL_NOINLINE int
PCFG_NAME(derive_one)(LANE_T *lane, const pcfg_sampler_t *self, uint64_t stream_key, int64_t context, size_t mask)
{
    return self->open ? PCFG_NAME(derive)(lane, 1, 1, self, stream_key, context, mask)
                      : PCFG_NAME(derive)(lane, 1, 0, self, stream_key, context, mask);
}

static void
PCFG_NAME(place)(LANE_T *lane, const pcfg_sampler_t *self, uint64_t stream_key, uint64_t document, int64_t n,
    PCFG_TOKEN *out, int64_t context)
{
    lane->document = document;
    zl_rng_seed(&lane->following, stream_key, document);
    lane->n_left = n;
    lane->at = out;
    lane->end = out + context;
    PCFG_NAME(begin)(lane, self, stream_key);
}

static int
PCFG_NAME(sample)(
    const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context, PCFG_TOKEN *out)
{
    int ret = ZL_ERR_MEMORY;
    /* from the last token of a document on, a run of PCFG_MAX_RUN and one of up to context tokens and a block may be
     * written */
    const int64_t slack = context + 2 * PCFG_MAX_RUN, behind = 1 + (slack + context - 1) / context;
    const int64_t share = n / PCFG_LANES, direct = share > behind ? share - behind : 0;
    size_t ring = 2;
    int64_t j, row;
    int i;
    uint32_t *stacks = NULL;
    PCFG_TOKEN *scratch = NULL;
    LANE_T *lanes = NULL;

    /* pending symbols deeper than a document is long are never reached, so a ring may overwrite them */
    while (ring < (size_t) context + 2) {
        ring *= 2;
    }
    if (n == 0) {
        return ZL_OK;
    }
    lanes = malloc(PCFG_LANES * sizeof(*lanes));
    stacks = calloc(PCFG_LANES * ring, sizeof(*stacks));
    scratch = malloc((size_t) (context + slack) * sizeof(*scratch));
    if (lanes == NULL || stacks == NULL || scratch == NULL) {
        goto out;
    }
    ret = ZL_OK;
    for (i = 0; i < PCFG_LANES; i++) {
        lanes[i].stack = stacks + (size_t) i * ring;
    }
    if (direct > 0) {
        for (i = 0; i < PCFG_LANES; i++) {
            row = i * share;
            PCFG_NAME(place)(&lanes[i], self, stream_key, first + (uint64_t) row, direct, out + row * context, context);
        }
        ret = PCFG_NAME(derive_all)(lanes, self, stream_key, context, ring - 1);
        for (i = 0; i < PCFG_LANES && ret == ZL_OK; i++) {
            if (lanes[i].n_left > 0) {
                ret = PCFG_NAME(derive_one)(&lanes[i], self, stream_key, context, ring - 1);
            }
        }
    }
    /* the last documents of each lane, and those left over when they do not divide by the lanes */
    for (j = 0; j < n && ret == ZL_OK; j++) {
        if (j < PCFG_LANES * share && j % share < direct) {
            j += direct - 1 - j % share;
            continue;
        }
        PCFG_NAME(place)(&lanes[0], self, stream_key, first + (uint64_t) j, 1, scratch, context);
        ret = PCFG_NAME(derive_one)(&lanes[0], self, stream_key, context, ring - 1);
        memcpy(out + j * context, scratch, (size_t) context * sizeof(*out));
    }
out:
    free(lanes);
    free(stacks);
    free(scratch);
    return ret;
}

#undef LANE_T
#undef PIECES_LEFT
