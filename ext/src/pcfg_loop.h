/* The sampling loop, included once for each token width: PCFG_TOKEN is the type, PCFG_NAME(x) decorates names.
 *
 * Four documents are derived at a time, each in its lane, so that one lane's table look-ups overlap the others'. A lane
 * writes its documents one after the other and copies runs in whole blocks: what is written past the end of a document
 * is overwritten by the next one. A lane's last documents go through a scratch buffer, so nothing outside is touched. */

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

/* Copy a run of any length: PCFG_MAX_RUN tokens always, then blocks of 8, no further than limit tokens and a block. */
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

/* Everything out of the ordinary: escapes, long runs, pushes, pops. */
static ZL_NOINLINE void
PCFG_NAME(step_slowly)(LANE_T *lane, const pcfg_sampler_t *self, const pcfg_rec_t *rec, size_t mask, size_t limit)
{
    size_t length;

    if (rec->length_flags & PCFG_ESCAPE) {
        const pcfg_alias_t *residual = &self->residual[rec->item];
        uint64_t word;
        uint32_t j;

        /* four for this, and up to three for the rest of the round */
        if (PIECES_LEFT(lane) < 8) {
            PCFG_NAME(refill)(lane);
        }
        word = (uint64_t) lane->piece[0] | (uint64_t) lane->piece[1] << 16 | (uint64_t) lane->piece[2] << 32
            | (uint64_t) lane->piece[3] << 48;
        lane->piece += 4;
        j = (uint32_t) (word >> (64 - residual->bits));
        if (word << residual->bits >= self->thresholds[residual->first + j]) {
            j = self->aliases[residual->first + j];
        }
        rec += 1 + j;
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

/* Derive documents in every lane until one lane has none left. n_lanes and open are constants to the compiler. */
static ZL_INLINE int
PCFG_NAME(derive)(LANE_T *lanes, const int n_lanes, const int open, const pcfg_sampler_t *self, uint64_t stream_key,
    int64_t context, size_t mask)
{
    const size_t limit = (size_t) context;
    const uint16_t *const slots = self->slots;
    const pcfg_rec_t *const recs = self->recs;
    const PCFG_TOKEN *const pool = self->pool;
    const PCFG_TOKEN *seen_at[4] = {NULL, NULL, NULL, NULL};
    uint64_t seen_document[4] = {0, 0, 0, 0};
    const uint32_t slow = open ? PCFG_ESCAPE | PCFG_LONG : PCFG_ESCAPE | PCFG_LONG | PCFG_PUSH | PCFG_POP;
    int64_t round;
    int i, k;

    for (;;) {
        for (round = 0; round < PCFG_ROUNDS; round++) {
            for (i = 0; i < n_lanes; i++) {
                if (ZL_UNLIKELY(PIECES_LEFT(&lanes[i]) < 4)) {
                    PCFG_NAME(refill)(&lanes[i]);
                }
            }
            ZL_UNROLL
            for (k = 0; k < 4; k++) {
                ZL_UNROLL
                for (i = 0; i < n_lanes; i++) {
                    LANE_T *const lane = &lanes[i];
                    const uint32_t code = lane->code, piece = *lane->piece;
                    const uint32_t number = slots[(code >> PCFG_CODE_SHIFT) + (piece >> (code & 31))];
                    const pcfg_rec_t *const rec = recs + (code >> (PCFG_CODE_SHIFT + PCFG_EXTRA_BITS)) + number;
                    const uint32_t length_flags = rec->length_flags;
                    PCFG_TOKEN *at = lane->at;

                    /* to pop again takes a step but no random piece */
                    lane->piece += open ? code != self->pop_again : 1;
                    if (ZL_UNLIKELY((length_flags & slow) != 0)) {
                        PCFG_NAME(step_slowly)(lane, self, rec, mask, limit);
                        at = lane->at;
                    } else {
                        memcpy(at, pool + rec->offset, PCFG_MAX_RUN * sizeof(*at));
                        at += length_flags >> PCFG_FLAG_BITS;
                        lane->code = rec->next;
                        if (open) {
                            /* without branches: whether a draw pushes or pops is as good as random */
                            const uint32_t pops = rec->next == 0;
                            const uint32_t top = lane->top + (rec->item != 0);
                            const uint32_t newest = rec->item != 0 ? rec->item : lane->stack[top & mask];
                            const pcfg_item_t *const item = &self->items[newest];
                            const uint32_t length = pops ? item->length : 0;

                            lane->stack[top & mask] = pops ? item->link : newest;
                            lane->top = top - (pops & (item->link == 0));
                            lane->code = pops ? item->next : rec->next;
                            memcpy(at, pool + item->offset, PCFG_MAX_RUN * sizeof(*at));
                            if (ZL_UNLIKELY(length > PCFG_MAX_RUN)) {
                                PCFG_NAME(copy)(at, pool + item->offset, length, limit);
                            }
                            at += length < limit ? length : limit;
                        }
                    }
                    lane->at = at;
                    if (ZL_UNLIKELY(at >= lane->end)) {
                        if (--lane->n_left == 0) {
                            return ZL_OK;
                        }
                        lane->at = lane->end;
                        lane->end += context;
                        PCFG_NAME(begin)(lane, self, stream_key);
                    }
                }
            }
        }
        for (i = 0; i < n_lanes; i++) {
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
PCFG_NAME(derive_four)(
    LANE_T *lanes, const pcfg_sampler_t *self, uint64_t stream_key, int64_t context, size_t mask)
{
    return self->open ? PCFG_NAME(derive)(lanes, 4, 1, self, stream_key, context, mask)
                      : PCFG_NAME(derive)(lanes, 4, 0, self, stream_key, context, mask);
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
    /* a run of up to context tokens and a block may be written from the last token of a document on */
    const int64_t slack = context + 2 * PCFG_MAX_RUN, behind = 1 + (slack + context - 1) / context;
    const int64_t share = n / 4, direct = share > behind ? share - behind : 0;
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
    lanes = malloc(4 * sizeof(*lanes));
    stacks = calloc(4 * ring, sizeof(*stacks));
    scratch = malloc((size_t) (context + slack) * sizeof(*scratch));
    if (lanes == NULL || stacks == NULL || scratch == NULL) {
        goto out;
    }
    ret = ZL_OK;
    for (i = 0; i < 4; i++) {
        lanes[i].stack = stacks + (size_t) i * ring;
    }
    if (direct > 0) {
        for (i = 0; i < 4; i++) {
            row = i * share;
            PCFG_NAME(place)(&lanes[i], self, stream_key, first + (uint64_t) row, direct, out + row * context, context);
        }
        ret = PCFG_NAME(derive_four)(lanes, self, stream_key, context, ring - 1);
        for (i = 0; i < 4 && ret == ZL_OK; i++) {
            if (lanes[i].n_left > 0) {
                ret = PCFG_NAME(derive_one)(&lanes[i], self, stream_key, context, ring - 1);
            }
        }
    }
    /* the last documents of each lane, and those that do not divide by four */
    for (j = 0; j < n && ret == ZL_OK; j++) {
        if (j < 4 * share && j % share < direct) {
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
