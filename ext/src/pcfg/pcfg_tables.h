/* The sampler's tables: every state's leaves as records to draw, runs to copy and pending items to push. */
#ifndef ZL_PCFG_TABLES_H
#define ZL_PCFG_TABLES_H

#include "pcfg_leaves.h"

/* rec.length_flags: the length of the run in the upper 28 bits, flags below */
#define PCFG_LONG 1u   /* the run is longer than PCFG_MAX_RUN */
#define PCFG_PUSH 2u   /* items remain pending: push `item` */
#define PCFG_POP 4u    /* nothing is pending here: pop the stack; `next` is 0 */
#define PCFG_FLAG_BITS 4
#define PCFG_MAX_LENGTH ((1u << 28) - 1)

/* A state's code: (its first entry << 5) | (16 - bits). Code 0 is no state. */
#define PCFG_CODE_SHIFT 5

/* One row of a state's alias table of 2^bits rows, for draws of 16 bits. A piece w looks at row j = w >> (16 - bits)
 * and takes leaf j when w < threshold, leaf j + alias when w > threshold. When they are equal, 64 more bits are drawn
 * and held against the row's fraction: see remainders. */
typedef struct {
    uint16_t threshold;
    int16_t alias;
} pcfg_entry_t;

typedef struct {
    uint32_t offset; /* of the run, in the pool */
    uint32_t next;   /* code of the next state; 0 to pop */
    uint32_t item;
    uint32_t length_flags;
} pcfg_rec_t;

typedef struct { /* one pending piece: copy a run, then go on in state `next` */
    uint32_t offset;
    uint32_t length;
    uint32_t next; /* code of a state, never 0 */
    uint32_t link; /* the item after it in its chain; 0 at the end */
} pcfg_item_t;

struct pcfg_sampler {
    uint32_t document;  /* code of the state S' */
    uint32_t pop_again; /* code of a state whose one record pops: `next` of a chain's last item, a mere run */
    int open;          /* whether pushes and pops are frequent: chooses the loop, not the bytes */
    int wide;          /* whether the pool holds uint32 */
    size_t n_entries, n_items, n_pool;
    pcfg_entry_t *entries;
    uint64_t *remainders; /* of the entries: the leaf of the row stands when a word of 64 bits is less */
    pcfg_rec_t *recs;     /* of the entries */
    pcfg_item_t *items;   /* from 1; item 0 is all zeros */
    void *pool;
};

#endif
