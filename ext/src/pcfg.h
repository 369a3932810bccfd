/* Sampling fixed-length documents from a probabilistic context-free grammar by leftmost derivation. */
#ifndef ZL_PCFG_H
#define ZL_PCFG_H

#include <stddef.h>
#include <stdint.h>

typedef struct pcfg_sampler pcfg_sampler_t;

/* Flat grammar: see Grammar.arrays(). Nonterminal i is -(i + 1) in symbols; a terminal is its id, from 1 up. */
typedef struct {
    int32_t n_nonterminals;
    int32_t n_productions;
    const int32_t *lhs_offsets;
    const int32_t *prod_offsets;
    const int32_t *symbols;
    const double *probabilities;
    const double *start;
} pcfg_grammar_t;

int pcfg_sampler_new(pcfg_sampler_t **self, const pcfg_grammar_t *grammar);
void pcfg_sampler_free(pcfg_sampler_t *self);

/* Write documents first .. first + n - 1, context tokens each, row after row. The sampler is only read: threads may
 * share it. Exactly one of out16 and out32 is not NULL. */
int pcfg_sample(const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
    uint16_t *out16, uint32_t *out32);

#endif
