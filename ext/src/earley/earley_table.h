/* Small containers of the parser: growing arrays, sets of bits, a hash table that is cleared for free. */
#ifndef ZL_EARLEY_TABLE_H
#define ZL_EARLEY_TABLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

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
    /* after 2^32 columns old entries would count again */
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

#endif
