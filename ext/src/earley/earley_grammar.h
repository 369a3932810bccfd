/* A compiled grammar: what earley_grammar.c makes and earley.c reads. A state is a position in sym. */
#ifndef ZL_EARLEY_GRAMMAR_H
#define ZL_EARLEY_GRAMMAR_H

#include <stdint.h>

#include "earley.h"

/* products outside are computed again with wide exponents */
#define SMALL 1e-280
#define LARGE 1e280

struct zl_earley {
    int64_t n, n_terminals, n_units;
    int64_t n_words, n_bits; /* 64-bit words of a set of nonterminals, of token ids */
    /* by state: the next symbol (0 at the end of the production), and the nonterminal rewritten */
    int32_t *sym, *lhs;
    /* (n): start probabilities, and those times corner */
    double *start, *begin;
    /* (n, n): reflexive closure of the left-corner matrix, R_L; weights outside least .. most may leave the range of
     * doubles when multiplied with it */
    double *corner, least_weight, most_weight;
    /* (n + 1), columns of the unit closure R_U: what derives a nonterminal by unit productions, itself included */
    int64_t *unit_offset;
    int32_t *unit_symbol;
    double *unit_weight;
    /* (n_terminals + 2), productions by their first terminal: the state after it */
    int64_t *token_offset;
    int32_t *token_state;
    double *token_weight;
    /* (n + 1), productions of two and more symbols by their first nonterminal: the state after it */
    int64_t *corner_offset;
    int32_t *corner_state;
    double *corner_weight;
    /* (n, n_bits): tokens that can begin a nonterminal */
    uint64_t *first;
};

static inline int
can_begin(const zl_earley_t *g, int64_t z, uint32_t token)
{
    return (int) (g->first[z * g->n_bits + token / 64] >> (token % 64) & 1);
}

#endif
