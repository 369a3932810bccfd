/* Sampling fixed-length documents from a probabilistic context-free grammar by leftmost derivation. */
#ifndef ZL_PCFG_H
#define ZL_PCFG_H

#include <stddef.h>
#include <stdint.h>

typedef struct pcfg_sampler pcfg_sampler_t;
typedef struct pcfg_paper pcfg_paper_t;

/* Flat grammar: see Grammar.arrays(). Nonterminal i is -(i + 1) in symbols; a terminal is its id, from 1 up. The
 * caller has checked it: every nonterminal has a production, no right-hand side is empty, no probability is 0. */
typedef struct {
    int32_t n_nonterminals;
    int32_t n_productions;
    const int32_t *lhs_offsets;
    const int32_t *prod_offsets;
    const int32_t *symbols;
    const double *probabilities;
    const double *start;
} pcfg_grammar_t;

/* Build tables; wide says that token ids need 32 bits. Nothing of the grammar is kept. */
int pcfg_sampler_new(pcfg_sampler_t **self, const pcfg_grammar_t *grammar, int wide);
void pcfg_sampler_free(pcfg_sampler_t *self);

/* Write documents first .. first + n - 1, context >= 1 tokens each, row after row. out holds uint32 when the sampler is
 * wide, else uint16. The sampler is only read: threads may share it. */
int pcfg_sample(
    const pcfg_sampler_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context, void *out);

/* Two loops give the same bytes; which is faster depends on how often derivations push and pop. For tests. */
int pcfg_sampler_is_open(const pcfg_sampler_t *self);
void pcfg_sampler_set_open(pcfg_sampler_t *self, int open);

/* The same with the habits of the paper's published code: terminal t is written t - 1, a sentence whose derivation is
 * deeper than max_depth is skipped whole, and a document whose last sentence ends one token early stays short: lengths
 * receives context or context - 1, and the missing token is written 0. The grammar must outlive the sampler. */
int pcfg_paper_new(pcfg_paper_t **self, const pcfg_grammar_t *grammar);
void pcfg_paper_free(pcfg_paper_t *self);
int pcfg_paper_sample(const pcfg_paper_t *self, uint64_t stream_key, uint64_t first, int64_t n, int64_t context,
    int64_t max_depth, uint16_t *out16, uint32_t *out32, int32_t *lengths);

#endif
