/* Runs the sampler's C core over many random grammars, shapes and chunkings; built with sanitizers by the tests.
 * Prints "ok" and ends with 0, or says what differed and ends with 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcfg.h"
#include "rng.h"
#include "status.h"

#define MAX_RULES 6000
#define MAX_SYMBOLS 200000

static int32_t lhs_offsets[400], prod_offsets[MAX_RULES + 1], symbols[MAX_SYMBOLS];
static double probabilities[MAX_RULES], start[400];

static int32_t
below(zl_rng_t *rng, int32_t n)
{
    return (int32_t) (zl_rng_next(rng) % (uint64_t) n);
}

/* Left corners only lead to lower nonterminals, so a derivation always reaches its next token. */
static void
draw_grammar(zl_rng_t *rng, pcfg_grammar_t *g, int32_t n, int32_t n_terminals, int32_t options, int32_t length)
{
    int32_t i, o, k, count, size, p = 0, s = 0;

    for (i = 0; i < n; i++) {
        lhs_offsets[i] = p;
        start[i] = i == 0 || below(rng, 3) > 0 ? 1.0 + below(rng, 5) : 0.0;
        /* as many as make a table of groups */
        count = options < 5000 ? 1 + below(rng, options) : options;
        for (o = 0; o < count && p < MAX_RULES; o++) {
            prod_offsets[p] = s;
            probabilities[p++] = (1.0 + below(rng, 100)) / 1000.0;
            size = 1 + below(rng, length);
            for (k = 0; k < size && s < MAX_SYMBOLS; k++) {
                int32_t nonterminal = below(rng, k == 0 ? i + 1 : n);

                symbols[s++] = below(rng, 3) == 0 && (k > 0 || nonterminal < i) ? -(nonterminal + 1)
                                                                                : 1 + below(rng, n_terminals);
            }
        }
    }
    lhs_offsets[n] = p;
    prod_offsets[p] = s;
    g->n_nonterminals = n;
    g->n_productions = p;
    g->lhs_offsets = lhs_offsets;
    g->prod_offsets = prod_offsets;
    g->symbols = symbols;
    g->probabilities = probabilities;
    g->start = start;
}

static int
check(pcfg_sampler_t *sampler, int64_t n, int64_t context, size_t width, uint32_t highest)
{
    size_t bytes = (size_t) (n * context) * width, row = (size_t) context * width;
    /* exactly as large as asked for, so that a sanitizer sees every stray write */
    char *whole = malloc(bytes), *pieces = malloc(bytes);
    int64_t d, some;
    size_t j;
    int bad = 0;

    memset(whole, 255, bytes);
    bad |= pcfg_sample(sampler, 99, 5, n, context, whole) != ZL_OK;
    pcfg_sampler_set_open(sampler, !pcfg_sampler_is_open(sampler));
    for (d = 0; d < n; d += some) {
        some = 1 + d % 7;
        some = some < n - d ? some : n - d;
        bad |= pcfg_sample(sampler, 99, 5 + (uint64_t) d, some, context, pieces + (size_t) d * row) != ZL_OK;
    }
    bad |= memcmp(whole, pieces, bytes) != 0;
    for (j = 0; j < (size_t) (n * context); j++) {
        bad |= (width == 2 ? ((uint16_t *) (void *) whole)[j] : ((uint32_t *) (void *) whole)[j]) > highest;
    }
    free(whole);
    free(pieces);
    return bad;
}

static int
check_paper(pcfg_paper_t *paper, int64_t n, int64_t context, int64_t depth)
{
    size_t tokens = (size_t) (n * context), j;
    uint16_t *narrow = malloc(tokens * sizeof(*narrow));
    uint32_t *wide = malloc(tokens * sizeof(*wide));
    int32_t *lengths = malloc((size_t) n * sizeof(*lengths));
    int a = pcfg_paper_sample(paper, 99, 5, n, context, depth, narrow, NULL, lengths);
    int b = pcfg_paper_sample(paper, 99, 5, n, context, depth, NULL, wide, lengths), bad = a != b;

    for (j = 0; a == ZL_OK && j < tokens; j++) {
        bad |= narrow[j] != wide[j];
    }
    free(narrow);
    free(wide);
    free(lengths);
    return bad;
}

int
main(void)
{
    static const int32_t shapes[][4] = {{1, 1, 1, 1}, {1, 3, 4, 2}, {3, 20, 2, 2}, {10, 150, 5, 3}, {5, 50, 6, 60},
        {30, 400, 10, 8}, {40, 65000, 20, 15}, {2, 9, 300, 4}, {1, 5, 5000, 3}, {100, 200, 50, 12}, {4, 30, 3, 900}};
    static const int64_t contexts[] = {1, 2, 3, 23, 25, 256, 700}, counts[] = {1, 3, 4, 9, 40, 150};
    size_t s, c, k;
    int repeat, wide;
    zl_rng_t rng;
    pcfg_grammar_t g;
    pcfg_sampler_t *sampler;
    pcfg_paper_t *paper;

    zl_rng_seed(&rng, 1, 2);
    for (s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (repeat = 0; repeat < 3; repeat++) {
            draw_grammar(&rng, &g, shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3]);
            for (wide = 0; wide < 2; wide++) {
                if (pcfg_sampler_new(&sampler, &g, wide) != ZL_OK) {
                    return printf("no sampler for shape %d\n", (int) s), 1;
                }
                for (c = 0; c < sizeof(contexts) / sizeof(contexts[0]); c++) {
                    k = (c + s + (size_t) repeat + (size_t) wide) % (sizeof(counts) / sizeof(counts[0]));
                    if (check(sampler, counts[k], contexts[c], wide ? 4 : 2, (uint32_t) shapes[s][1])) {
                        return printf("shape %d, context %d, n %d differ\n", (int) s, (int) contexts[c],
                                   (int) counts[k]), 1;
                    }
                }
                pcfg_sampler_free(sampler);
            }
            /* short derivations only: all of them may be too deep, which must end in an error */
            if (repeat == 0 && s < 4) {
                if (pcfg_paper_new(&paper, &g) != ZL_OK || check_paper(paper, 9, 256, 991)
                    || check_paper(paper, 5, 3, 40)) {
                    return printf("paper mode differs for shape %d\n", (int) s), 1;
                }
                pcfg_paper_free(paper);
            }
        }
    }
    printf("ok\n");
    return 0;
}
