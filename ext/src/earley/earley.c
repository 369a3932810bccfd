#include "earley.h"

#include <stdlib.h>
#include <string.h>

#include "earley_grammar.h"
#include "earley_number.h"
#include "earley_table.h"
#include "status.h"

#define ANY UINT32_MAX       /* the next token is unknown and every one is wanted */
#define CUT (UINT32_MAX - 1) /* the next token is unknown and does not matter */
#define REDO 1               /* parse again with wide exponents */

/* Items that await one nonterminal in one column: two chains through waits, the second made a range of tails. */
typedef struct {
    int32_t more, tail, tail_end;
} zl_lists_t;

#define NUM double
#define FN(name) fast_##name
#include "earley_parse.h"
#undef NUM
#undef FN

#define NUM wide_t
#define FN(name) wide_##name
#include "earley_parse.h"
#undef NUM
#undef FN

struct zl_earley_space {
    fast_chart_t fast;
    wide_chart_t wide;
};

int
zl_earley_space_new(zl_earley_space_t **space)
{
    *space = calloc(1, sizeof(**space));
    return *space == NULL ? ZL_ERR_MEMORY : ZL_OK;
}

void
zl_earley_space_free(zl_earley_space_t *space)
{
    if (space != NULL) {
        fast_chart_free(&space->fast);
        wide_chart_free(&space->wide);
        free(space);
    }
}

static int
sentence(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *x, int64_t length, uint32_t last, int wide,
         double *nll, double *positions, double *next, int64_t *where)
{
    int ret = REDO;

    if (!wide) {
        ret = fast_sentence(&space->fast, g, x, length, last, nll, positions, next, where);
    }
    if (ret == REDO) {
        ret = wide_sentence(&space->wide, g, x, length, last, nll, positions, next, where);
    }
    return ret;
}

/* One document; when `next` is given, the next token's probabilities instead of the cut sentence's. */
static int
document(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *x, int64_t n, int wide, double *nll,
         double *positions, double *next, int64_t *where)
{
    int64_t begin = 0;
    int ret = ZL_OK;

    *nll = 0;
    for (int64_t i = 0; i < n; i++) {
        if (x[i] > (uint32_t) g->n_terminals) {
            *where = i;
            return ZL_ERR_TOKEN;
        }
    }
    /* sentences are independent, so their -ln p add up; the last one is cut, and counts as the prefix that it is */
    for (int64_t i = 0; i <= n && ret == ZL_OK; i++) {
        if (i < n && x[i] != 0) {
            continue;
        }
        ret = sentence(g, space, x + begin, i - begin, i < n ? 0 : next != NULL ? ANY : CUT, wide, nll,
                       positions == NULL ? NULL : positions + begin, i < n ? NULL : next, where);
        if (ret == ZL_OK) {
            begin = i + 1;
        }
    }
    *where += begin;
    return ret;
}

int
zl_earley_documents(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *tokens, int64_t n_documents,
                    int64_t context, int wide, double *nll, double *positions, int64_t *where)
{
    for (int64_t d = 0; d < n_documents; d++) {
        int ret;

        where[0] = d;
        where[1] = 0;
        ret = document(g, space, tokens + d * context, context, wide, nll + d,
                       positions == NULL ? NULL : positions + d * context, NULL, where + 1);
        if (ret != ZL_OK) {
            return ret;
        }
    }
    return ZL_OK;
}

int
zl_earley_next(const zl_earley_t *g, zl_earley_space_t *space, const uint32_t *tokens, int64_t n_tokens, int wide,
               double *next, int64_t *where)
{
    double nll;

    where[0] = 0;
    where[1] = 0;
    return document(g, space, tokens, n_tokens, wide, &nll, NULL, next, where + 1);
}
