/* What one random draw may do to a leftmost derivation, expanded several rewrites deep.
 *
 * A state is a string of pending symbols that begins with a nonterminal: each nonterminal N_i; the document symbol S',
 * which rewrites to N_i 0 S'; and, in grammars small enough, each sentence just begun, D_i = N_i 0 S'. The leaves of a
 * state are partial leftmost derivations: a probability, a run of terminals to copy, and the pending rest. One draw
 * picks a leaf, or two where a state has very many. tests/twins/sampler.py says the same in Python, byte for byte. */
#ifndef ZL_PCFG_LEAVES_H
#define ZL_PCFG_LEAVES_H

#include "pcfg.h"

/* These shape the tables, so they shape the bytes: change one, bump SAMPLER in versions.py. */
#define PCFG_LEAVES 2048  /* grow tables up to this many leaves; larger grammars keep one rewrite a leaf */
#define PCFG_MAX_RUN 24   /* no growth into longer runs of terminals: they are copied whole, 24 tokens at a time */
#define PCFG_MAX_REST 32  /* no growth of leaves with more pending symbols */
#define PCFG_SWEEPS 48    /* power iterations for how often states are visited */
#define PCFG_TABLE_BITS 12 /* a state of more than 2^12 leaves first draws a group of them, then one of the group */

#define PCFG_MAX_SYMBOLS ((size_t) 1 << 30)

typedef struct {
    double p, priority;
    size_t symbols; /* where its symbols start in the arena: the run, then the rest */
    int32_t n_run, n_rest;
    int32_t state;
    int dead;
} pcfg_leaf_t;

typedef struct {
    const pcfg_grammar_t *g;
    int32_t n, n_states;
    int with_sentences; /* whether the states D_i exist */
    double *q;          /* normalised probabilities of the productions */
    double *start;
    int32_t n_start;    /* nonterminals with a positive start probability */
    pcfg_leaf_t *leaves;
    size_t n_leaves, max_leaves, n_live;
    int32_t *arena;
    size_t n_arena, max_arena;
    size_t *heap;
    size_t n_heap;
    double *visits;
} pcfg_leaves_t;

/* Make all states' leaves; free them in either case. *traffic receives the share of draws that push or pop. */
int pcfg_leaves_make(pcfg_leaves_t *b, const pcfg_grammar_t *grammar, double *traffic);
void pcfg_leaves_free(pcfg_leaves_t *b);

/* The state in which a rest starts, and how many of its symbols that state covers. */
int32_t pcfg_state_of(const pcfg_leaves_t *b, const int32_t *rest, int32_t n_rest, int32_t *covered);

#endif
