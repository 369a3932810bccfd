/* The sampler's tables: what one random draw may do to a leftmost derivation, expanded several rewrites deep.
 *
 * A state is a string of pending symbols that begins with a nonterminal: each nonterminal N_i; the document symbol S',
 * which rewrites to N_i 0 S'; and, in grammars small enough, each sentence just begun, D_i = N_i 0 S'. The leaves of a
 * state are partial leftmost derivations: a probability, a run of terminals to copy, and the pending rest. One draw
 * picks a leaf. tests/twins/sampler.py says the same in Python, byte for byte. */
#ifndef ZL_PCFG_TABLES_H
#define ZL_PCFG_TABLES_H

#include "pcfg.h"

/* These shape the tables, so they shape the bytes: change one, bump SAMPLER in versions.py. */
#define PCFG_LEAVES 2048  /* grow tables up to this many leaves; larger grammars keep one rewrite a draw */
#define PCFG_MAX_RUN 24   /* no growth into longer runs of terminals: they are copied whole, 24 tokens at a time */
#define PCFG_MAX_REST 32  /* no growth of leaves with more pending symbols */
#define PCFG_SWEEPS 48    /* power iterations for how often states are visited */
#define PCFG_EXTRA_BITS 4 /* a table of up to 2^b - 1 leaves has 2^(b + 4) slots, at most 2^16; in larger grammars 2^(b + 3) */

/* rec.length_flags: the length of the run in the upper 28 bits, flags below */
#define PCFG_ESCAPE 1u /* no leaf: draw again, from the residual table of state `item` */
#define PCFG_LONG 2u   /* the run is longer than PCFG_MAX_RUN */
#define PCFG_PUSH 4u   /* items remain pending: push `item` */
#define PCFG_POP 8u    /* nothing is pending here: pop the stack; `next` is 0 */
#define PCFG_FLAG_BITS 4
#define PCFG_MAX_LENGTH ((1u << 28) - 1)

/* A state's code: (first slot << 5) | (16 - bits). Records of a state start at first slot >> PCFG_EXTRA_BITS. */
#define PCFG_CODE_SHIFT 5

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

typedef struct { /* alias table over 2^bits entries, for draws of 64 bits */
    uint32_t bits;
    uint32_t first;
} pcfg_alias_t;

struct pcfg_sampler {
    uint32_t document;  /* code of the state S' */
    uint32_t pop_again; /* code of a state whose one record pops: `next` of a chain's last item when only a run is left */
    int open;          /* whether pushes and pops are frequent: chooses the loop, not the bytes */
    int wide;          /* whether the pool holds uint32 */
    size_t n_slots, n_recs, n_items, n_pool, n_residual;
    uint16_t *slots;   /* record number within the state; 0 escapes */
    pcfg_rec_t *recs;
    pcfg_item_t *items; /* from 1 */
    void *pool;
    pcfg_alias_t *residual; /* one per state */
    uint64_t *thresholds;
    uint32_t *aliases;
};

/* Fill an alias table over weights[0..n): draw a word w, take j = w >> (64 - bits); it stands when
 * (w << bits) < thresholds[j], else aliases[j] does. */
int pcfg_alias_fill(const double *weights, size_t n, unsigned bits, uint64_t *thresholds, uint32_t *aliases);

/* The smallest b >= 1 with 2^b >= n. */
unsigned pcfg_bits(size_t n);

#endif
