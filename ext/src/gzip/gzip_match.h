/* The match that zlib's level 9 finds at a position, without walking its chain of candidates where token ids allow. */
#ifndef ZL_GZIP_MATCH_H
#define ZL_GZIP_MATCH_H

#include <string.h>

#include "bytes.h"
#include "gzip_size.h"

/* zlib's level 9 */
#define MIN_MATCH 3
#define MAX_MATCH 258
#define GOOD_MATCH 32    /* with a match this long in hand zlib looks at no more than ... */
#define SHORT_CHAIN 1024 /* ... this many candidates; else at 4,096, more than a payload of 4,096 bytes has */

/* The longest match at a position, the nearest among the longest. */
typedef struct {
    int length;
    int source;
    int is_final; /* certain that no longer match starts at the next position */
} match_t;

/* A search for a match that starts `gap` zeros before an anchor. */
typedef struct {
    int gap;
    int limit;   /* bytes from the anchor on that a match may cover */
    int best;    /* bytes that the best match covers, or that a match has to exceed */
    int found;   /* where the best match starts, or 0 */
    int blocked; /* a longer one was passed over for want of zeros before it */
} search_t;

static inline int
int_min(int a, int b)
{
    return a < b ? a : b;
}

/* How many first bytes agree, limit at most; those before from are known to. */
static inline int
common_bytes(const uint8_t *a, const uint8_t *b, int from, int limit)
{
    uint64_t difference;
    int n;

    for (n = from; n < limit; n += 8) {
        difference = zl_load64(a + n) ^ zl_load64(b + n);
        if (difference != 0) {
            return int_min(n + zl_equal_bytes(difference), limit);
        }
    }
    return limit;
}

/* Note the bytes from first to last - 1: the anchors among them, and for each byte the next anchor. */
static inline unsigned
add_anchors(zl_gzip_t *self, int first, int last, unsigned anchor)
{
    int i;

    for (i = first; i < last; i++) {
        /* written for every byte, moved on by nonzero ones only: no branch that a processor would have to guess */
        self->anchor_at[i] = (uint16_t) anchor;
        self->position[anchor] = (uint16_t) i;
        anchor += self->bytes[i] != 0;
    }
    return anchor;
}

/* zlib links every position to the earlier ones that start with the same three bytes. Token ids are mostly zero bytes,
 * which makes for long chains. But a match that goes on behind the zeros it starts with must agree on how many they
 * are and on the nonzero byte behind them. So only these, the anchors, are linked. */
static void
link_anchors(zl_gzip_t *self, int n)
{
    const uint8_t *bytes = self->bytes;
    uint16_t *position = self->position;
    unsigned anchor = 1, next, end, first, hash;
    int log2_table = 6, n_pairs = 0, i;

    /* tables no larger than the payload needs: clearing them would cost more than the search */
    while (1 << log2_table < 2 * n) {
        log2_table++;
    }
    for (i = 0; i + 4 <= n; i += 4) {
        if ((bytes[i] | bytes[i + 1]) != 0) {
            anchor = add_anchors(self, i, i + 4, anchor);
            continue;
        }
        /* a token id below 65,536: three bytes before its low byte have the same next anchor */
        position[anchor] = (uint16_t) (i + 2);
        next = anchor + (bytes[i + 2] != 0);
        position[next] = (uint16_t) (i + 3);
        self->anchor_at[i] = self->anchor_at[i + 1] = self->anchor_at[i + 2] = (uint16_t) anchor;
        self->anchor_at[i + 3] = (uint16_t) next;
        anchor = next + (bytes[i + 3] != 0);
    }
    anchor = add_anchors(self, i, n, anchor);
    position[0] = 0; /* position 0 means "none" to zlib, which never finds a match there: it ends a run of zeros too */
    end = anchor;
    position[end] = (uint16_t) n;
    for (anchor = 1; anchor <= end; anchor++) {
        self->zeros[anchor] = (uint16_t) (position[anchor] - position[anchor - 1] - 1);
    }
    first = 1;
    if (position[1] == 0) {
        self->zeros[1] = self->same1[1] = self->same2[1] = self->same8[1] = 0;
        first = 2;
    }

    memset(self->latest1, 0, sizeof(self->latest1));
    memset(self->latest2, 0, sizeof(*self->latest2) << log2_table);
    for (anchor = first; anchor < end; anchor++) {
        const uint8_t *p = bytes + position[anchor];

        hash = ((p[0] | (unsigned) p[1] << 8) * 0x9e37u & 0xffff) >> (16 - log2_table);
        self->same1[anchor] = self->latest1[p[0]];
        self->same2[anchor] = self->latest2[hash];
        self->latest1[p[0]] = self->latest2[hash] = (uint16_t) anchor;
        n_pairs += self->same2[anchor] == 0;
    }
    /* chains of eight bytes pay where those of two are long */
    self->has_same8 = 2 * n_pairs < (int) end;
    if (self->has_same8) {
        memset(self->latest8, 0, sizeof(*self->latest8) << log2_table);
        for (anchor = first; anchor < end; anchor++) {
            hash = (unsigned) (zl_load64(bytes + position[anchor]) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - log2_table));
            self->same8[anchor] = self->latest8[hash];
            self->latest8[hash] = (uint16_t) anchor;
        }
    }
}

/* Candidates that share eight bytes with the anchor. */
static inline void
search_same8(const zl_gzip_t *self, int anchor, search_t *s)
{
    const uint8_t *bytes = self->bytes, *target = bytes + self->position[anchor], *source;
    const uint64_t head = zl_load64(target);
    uint64_t tail;
    int covered, c = self->same8[anchor];

    if (s->best < 8) { /* the first real candidate beats what is in hand; links by hash may be false */
        for (;; c = self->same8[c]) {
            if (c == 0) {
                return;
            }
            source = bytes + self->position[c];
            if (zl_load64(source) != head) {
                continue;
            }
            if (self->zeros[c] >= s->gap) {
                break;
            }
            s->blocked = 1;
        }
        s->best = common_bytes(target, source, 8, s->limit);
        s->found = self->position[c] - s->gap;
        c = self->same8[c];
    }
    if (s->best >= s->limit) {
        return;
    }
    tail = zl_load64(target + s->best - 7);
    for (; c != 0; c = self->same8[c]) {
        source = bytes + self->position[c];
        if (zl_load64(source + s->best - 7) != tail) {
            continue;
        }
        covered = common_bytes(target, source, 0, s->limit);
        if (covered <= s->best) {
            continue;
        }
        if (self->zeros[c] < s->gap) {
            s->blocked = 1;
            continue;
        }
        s->best = covered;
        s->found = self->position[c] - s->gap;
        if (covered >= s->limit) {
            return;
        }
        tail = zl_load64(target + s->best - 7);
    }
}

/* Candidates that share two bytes with the anchor; one that covers enough is the best there is. */
static inline void
search_same2(const zl_gzip_t *self, int anchor, int enough, search_t *s)
{
    const uint8_t *bytes = self->bytes, *target = bytes + self->position[anchor], *source;
    const uint64_t head = zl_load64(target);
    uint64_t difference;
    int covered, c;

    for (c = self->same2[anchor]; c != 0; c = self->same2[c]) {
        source = bytes + self->position[c];
        difference = zl_load64(source) ^ head;
        covered = difference != 0 ? zl_equal_bytes(difference) : common_bytes(target, source, 8, s->limit);
        if (covered <= s->best) {
            continue;
        }
        if (self->zeros[c] < s->gap) {
            s->blocked = 1;
            continue;
        }
        s->best = int_min(covered, s->limit);
        s->found = self->position[c] - s->gap;
        if (covered >= enough) {
            return;
        }
    }
}

/* The match of up to `want` zeros, more than m->length: the nearest of the longest runs. */
static void
search_zeros(const zl_gzip_t *self, int at, int anchor, int want, match_t *m)
{
    int c, run;

    if (at >= 2 && self->bytes[at - 1] == 0) {
        m->length = want;
        m->source = at - 1;
        return;
    }
    for (c = anchor - 1; c > 0 && m->length < want; c--) {
        run = int_min(self->zeros[c], want);
        if (run > m->length) {
            m->length = run;
            m->source = self->position[c] - run;
        }
    }
}

/* Look for a match at `at` that is longer than m->length; m is left alone when there is none. *settled is an anchor
 * whose candidates need not be looked at again. */
static inline void
search(const zl_gzip_t *self, int n, int at, int *settled, match_t *m)
{
    const int anchor = self->anchor_at[at], gap = self->position[anchor] - at, limit = int_min(n - at, MAX_MATCH);
    search_t s = { gap, limit - gap, m->length - gap, 0, 0 };
    int c;

    if (m->length >= limit) {
        return;
    }
    if (gap >= limit) {
        if (limit >= MIN_MATCH) {
            search_zeros(self, at, anchor, limit, m);
        }
        m->is_final = 0;
        return;
    }
    if (self->same2[anchor] == 0) {
        *settled = anchor;
    }
    if (anchor != *settled) {
        s.best = s.best < 1 ? 1 : s.best;
        if (self->has_same8 && s.limit >= 8) {
            search_same8(self, anchor, &s);
            if (s.found == 0 && s.best < 7) {
                search_same2(self, anchor, 7, &s);
            }
        } else if (s.limit >= 2) {
            search_same2(self, anchor, s.limit, &s);
        }
        if (!s.blocked && s.best < s.limit) {
            /* No candidate covers more than s.best, whatever the zeros before it. A later position before the same
             * anchor has fewer zeros to offer and so needs as much to cover, or no more than one byte. */
            *settled = anchor;
        }
        if (s.found != 0) {
            m->length = gap + s.best;
            m->source = s.found;
            m->is_final = m->length >= limit || (gap > 0 && !s.blocked);
            return;
        }
    }
    /* nothing covers two bytes from the anchor on: one byte, or the zeros alone */
    m->is_final = gap > 0 && *settled == anchor;
    if (m->length <= gap && gap + 1 >= MIN_MATCH) {
        for (c = self->same1[anchor]; c != 0; c = self->same1[c]) {
            if (self->zeros[c] >= gap) {
                m->length = gap + 1;
                m->source = self->position[c] - gap;
                return;
            }
        }
    }
    if (m->length < gap && gap >= MIN_MATCH) {
        search_zeros(self, at, anchor, gap, m);
        m->is_final = m->is_final && m->length == gap;
    }
}

/* The three bytes by which zlib links positions; different ones may share a chain. */
static inline unsigned
chain_hash(const uint8_t *p)
{
    /* zlib at memLevel 8, which is Python's default: 15 bits, shifted by 5 a byte */
    return ((unsigned) p[0] << 10 ^ (unsigned) p[1] << 5 ^ p[2]) & 0x7fff;
}

/* The search as zlib does it, candidate by candidate, no more than SHORT_CHAIN of them. */
static void
search_short_chain(const zl_gzip_t *self, int n, int at, match_t *m)
{
    const uint8_t *target = self->bytes + at;
    const int limit = int_min(n - at, MAX_MATCH);
    const unsigned hash = chain_hash(target);
    int left = SHORT_CHAIN, source, length;

    for (source = at - 1; source > 0 && left > 0 && m->length < limit; source--) {
        if (chain_hash(self->bytes + source) != hash) {
            continue;
        }
        left--;
        length = common_bytes(target, self->bytes + source, 0, limit);
        if (length > m->length) {
            m->length = length;
            m->source = source;
        }
    }
}

#endif
