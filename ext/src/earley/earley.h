/* Exact prefix probabilities of a probabilistic context-free grammar (Stolcke 1995, Computational Linguistics 21:2).
 *
 * A grammar is compiled once and only read afterwards, so any number of threads may share it; each thread brings its
 * own workspace. Functions return a code of status.h; outputs come last.
 */
#ifndef ZL_EARLEY_H
#define ZL_EARLEY_H

#include <stdint.h>

typedef struct zl_earley zl_earley_t;
typedef struct zl_earley_space zl_earley_space_t;

/* Compile a grammar given as flat arrays: production p rewrites nonterminal lhs[p] to symbols[offsets[p] ..
 * offsets[p + 1]) with probabilities[p]; a symbol s > 0 is terminal s, s < 0 is nonterminal -s - 1; no right-hand side
 * is empty. start[i] is the probability that a sentence begins with nonterminal i.
 * ZL_ERR_STUCK when rho(LC) >= 1: a leftmost derivation may never reach its next token. */
int zl_earley_new(int32_t n_nonterminals, int32_t n_terminals, int64_t n_productions, const int32_t *lhs,
                  const int32_t *offsets, const int32_t *symbols, const double *probabilities, const double *start,
                  zl_earley_t **grammar);
void zl_earley_free(zl_earley_t *grammar);

int zl_earley_space_new(zl_earley_space_t **space);
void zl_earley_space_free(zl_earley_space_t *space);

/* -ln p of each of n_documents rows of `context` tokens: sentences joined by 0, the last one cut.
 * nll: (n_documents). positions: (n_documents, context), -ln p(x_t | x_<t), or NULL.
 * wide != 0 parses every sentence with wide exponents; otherwise only those that would leave the range of doubles.
 * On ZL_ERR_TOKEN and ZL_ERR_IMPOSSIBLE where[0] is the document, where[1] the position. */
int zl_earley_documents(const zl_earley_t *grammar, zl_earley_space_t *space, const uint32_t *tokens,
                        int64_t n_documents, int64_t context, int wide, double *nll, double *positions,
                        int64_t *where);

/* Probability of each token id 0 .. n_terminals after the given tokens; next: (n_terminals + 1). */
int zl_earley_next(const zl_earley_t *grammar, zl_earley_space_t *space, const uint32_t *tokens, int64_t n_tokens,
                   int wide, double *next, int64_t *where);

#endif
