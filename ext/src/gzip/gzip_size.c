#include "gzip_size.h"

#include <string.h>

#include "bytes.h"
#include "gzip_match.h"
#include "gzip_tree.h"
#include "status.h"

#define END_OF_BLOCK 256
#define FIRST_LENGTH 257
#define GZIP_OVERHEAD 18 /* ten bytes of header, eight of trailer */

/* Count a match; returns its extra bits. */
static inline int
add_match(zl_gzip_t *self, int length, int distance)
{
    /* deflate's codes: one a value at first, then four lengths, or two distances, a power of two, with the rest in
     * extra bits; the longest match has a code of its own */
    unsigned l = (unsigned) (length - MIN_MATCH), d = (unsigned) (distance - 1);
    int extra = 0, bits;

    if (length == MAX_MATCH) {
        l = 28;
    } else if (l >= 8) {
        bits = zl_log2(l) - 2;
        extra += bits;
        l = 4 * (unsigned) bits + (l >> bits);
    }
    if (d >= 4) {
        bits = zl_log2(d) - 1;
        extra += bits;
        d = 2 * (unsigned) bits + (d >> bits);
    }
    self->symbols[FIRST_LENGTH + l]++;
    self->distances[d]++;
    return extra;
}

/* Count the literals and matches that level 9 chooses; returns the extra bits of the matches. A match waits for one
 * position: a longer one that starts there makes a literal of its first byte. */
static int64_t
parse(zl_gzip_t *self, int n)
{
    const uint8_t *bytes = self->bytes;
    match_t waiting = { MIN_MATCH - 1, 0, 0 }, m;
    int64_t extra = 0;
    int at, settled = 0, has_literal = 1; /* the byte before `at` is not counted yet */

    for (at = 1; at <= n - MIN_MATCH;) {
        m = waiting;
        if (m.length < MAX_MATCH) {
            search(self, n, at, &settled, &m);
            /* with a good match in hand zlib looks at a quarter of its chain; up to a match this near there
             * are fewer candidates than that */
            if (m.length > waiting.length && waiting.length >= GOOD_MATCH && at - m.source > SHORT_CHAIN) {
                m = waiting;
                search_short_chain(self, n, at, &m);
                m.is_final = settled = 0;
            }
        }
        if (m.length <= waiting.length) {
            if (waiting.length >= MIN_MATCH) {
                extra += add_match(self, waiting.length, at - 1 - waiting.source);
                at += waiting.length - 1;
                waiting.length = MIN_MATCH - 1;
                has_literal = 0;
                continue;
            }
            m.length = MIN_MATCH - 1;
        }
        self->symbols[bytes[at - 1]] += (uint32_t) has_literal;
        if (m.length >= MIN_MATCH && m.is_final) {
            extra += add_match(self, m.length, at - m.source);
            at += m.length;
            waiting.length = MIN_MATCH - 1;
            has_literal = 0;
            continue;
        }
        waiting = m;
        has_literal = 1;
        at++;
    }
    if (waiting.length >= MIN_MATCH) {
        extra += add_match(self, waiting.length, at - 1 - waiting.source);
        at += waiting.length - 1;
        has_literal = 0;
    }
    for (at -= has_literal; at < n; at++) {
        self->symbols[bytes[at]]++;
    }
    self->symbols[END_OF_BLOCK]++;
    return extra;
}

/* The size for the n bytes in self->bytes. */
static int64_t
member_bytes(zl_gzip_t *self, int n)
{
    int64_t extra = 0, own, fixed, block;

    /* loads of eight bytes read on behind the payload */
    memset(self->bytes + n, 0, sizeof(self->bytes) - ZL_GZIP_MAX_BYTES);
    memset(self->symbols, 0, sizeof(self->symbols));
    memset(self->distances, 0, sizeof(self->distances));
    if (n > 0) {
        link_anchors(self, n);
        extra = parse(self, n);
    } else {
        self->symbols[END_OF_BLOCK] = 1;
    }
    own = (3 + extra + dynamic_bits(self->symbols, self->distances) + 7) >> 3;
    fixed = (3 + extra + fixed_bits(self->symbols, self->distances) + 7) >> 3;
    block = fixed <= own ? fixed : own;
    if (n + 4 <= block) { /* stored: zlib leaves the byte of the block header out of this comparison */
        block = n + 5;
    }
    return GZIP_OVERHEAD + block;
}

int
zl_gzip_size(zl_gzip_t *self, const uint8_t *payload, size_t n_bytes, int64_t *size)
{
    if (n_bytes > ZL_GZIP_MAX_BYTES) {
        return ZL_ERR_VALUE;
    }
    if (n_bytes > 0) {
        memcpy(self->bytes, payload, n_bytes);
    }
    *size = member_bytes(self, (int) n_bytes);
    return ZL_OK;
}

int
zl_gzip_sizes(zl_gzip_t *self, const uint8_t *payload, const int64_t *offsets, int64_t n_rows, int64_t *sizes)
{
    int64_t i, n;
    int status = ZL_OK;

    for (i = 0; i < n_rows && status == ZL_OK; i++) {
        n = offsets[i + 1] - offsets[i];
        if (n < 0) {
            return ZL_ERR_VALUE;
        }
        if (n > ZL_GZIP_MAX_BYTES) {
            sizes[i] = ZL_GZIP_TOO_LONG;
            continue;
        }
        status = zl_gzip_size(self, payload + offsets[i], (size_t) n, &sizes[i]);
    }
    return status;
}

/* ids may stand at any address; of eight bytes the upper four are zeros */
#define PACK(type)                                                                                                     \
    for (i = 0; i < n; i++) {                                                                                          \
        type id;                                                                                                       \
        memcpy(&id, ids + i * (int64_t) sizeof(id), sizeof(id));                                                       \
        out[4 * i] = (uint8_t) ((uint32_t) id >> 24);                                                                  \
        out[4 * i + 1] = (uint8_t) ((uint32_t) id >> 16);                                                              \
        out[4 * i + 2] = (uint8_t) ((uint32_t) id >> 8);                                                               \
        out[4 * i + 3] = (uint8_t) id;                                                                                 \
    }

static int
pack_ids(uint8_t *restrict out, const uint8_t *restrict ids, int id_bytes, int64_t n)
{
    int64_t i;

    switch (id_bytes) {
    case 1:
        PACK(uint8_t)
        return ZL_OK;
    case 2:
        PACK(uint16_t)
        return ZL_OK;
    case 4:
        PACK(uint32_t)
        return ZL_OK;
    case 8:
        PACK(uint64_t)
        return ZL_OK;
    default:
        return ZL_ERR_VALUE;
    }
}

int
zl_gzip_sizes_of_ids(
    zl_gzip_t *self, const uint8_t *ids, int id_bytes, const int64_t *offsets, int64_t n_rows, int64_t *sizes)
{
    int64_t i, n;
    int status;

    for (i = 0; i < n_rows; i++) {
        n = offsets[i + 1] - offsets[i];
        if (n < 0) {
            return ZL_ERR_VALUE;
        }
        if (n > ZL_GZIP_MAX_BYTES / 4) {
            sizes[i] = ZL_GZIP_TOO_LONG;
            continue;
        }
        status = pack_ids(self->bytes, ids + offsets[i] * id_bytes, id_bytes, n);
        if (status != ZL_OK) {
            return status;
        }
        sizes[i] = member_bytes(self, (int) (4 * n));
    }
    return ZL_OK;
}
