/* The parser under sanitizers with the k-th allocation failing, for every k; see test_earley_c.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long countdown = -1; /* allocations that still succeed, or -1 for all */

static int
fails(void)
{
    if (countdown > 0) {
        countdown--;
        return 0;
    }
    return countdown == 0;
}

static void *
faulty_malloc(size_t n)
{
    return fails() ? NULL : malloc(n);
}

static void *
faulty_calloc(size_t n, size_t size)
{
    return fails() ? NULL : calloc(n, size);
}

static void *
faulty_realloc(void *p, size_t n)
{
    return fails() ? NULL : realloc(p, n);
}

#define malloc faulty_malloc
#define calloc faulty_calloc
#define realloc faulty_realloc
#include "earley.c"
#include "earley_grammar.c"
#undef malloc
#undef calloc
#undef realloc

static void *
load(FILE *file, size_t n, size_t size)
{
    void *data = malloc(n * size + 1);

    if (data == NULL || fread(data, size, n, file) != n) {
        exit(3);
    }
    return data;
}

/* Everything once; the number of failures that were reported, or exit. */
int
main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    int64_t h[6], where[2]; /* nonterminals, terminals, productions, symbols, documents, context */
    int handled = 0;

    if (file == NULL || fread(h, sizeof(*h), 6, file) != 6) {
        return 3;
    }
    int32_t *lhs = load(file, (size_t) h[2], 4), *offsets = load(file, (size_t) h[2] + 1, 4);
    int32_t *symbols = load(file, (size_t) h[3], 4);
    double *probabilities = load(file, (size_t) h[2], 8), *start = load(file, (size_t) h[0], 8);
    uint32_t *tokens = load(file, (size_t) (h[4] * h[5]), 4);
    size_t bytes = (size_t) h[4] * sizeof(double);
    double *nll = malloc(bytes), *wanted = malloc(bytes), *next = malloc(((size_t) h[1] + 1) * sizeof(double));
    double *positions = malloc(bytes * (size_t) h[5]);

    fclose(file);
    for (int wide = 0; wide < 2; wide++) {
        for (long k = -1;; k++) {
            zl_earley_t *g = NULL;
            zl_earley_space_t *space = NULL;
            int ret;

            countdown = k;
            ret = zl_earley_new((int32_t) h[0], (int32_t) h[1], h[2], lhs, offsets, symbols, probabilities, start, &g);
            ret = ret == 0 ? zl_earley_space_new(&space) : ret;
            ret = ret == 0 ? zl_earley_documents(g, space, tokens, h[4], h[5], wide, nll, positions, where) : ret;
            ret = ret == 0 ? zl_earley_next(g, space, tokens, h[5] / 2, wide, next, where) : ret;
            countdown = -1;
            if (k < 0) {
                memcpy(wanted, nll, bytes);
            }
            if (ret == ZL_ERR_MEMORY && k >= 0) {
                handled++;
                /* a workspace must stay usable after a failure */
                ret = space == NULL ? 0 : zl_earley_documents(g, space, tokens, h[4], h[5], wide, nll, NULL, where);
                if (ret != 0 || (space != NULL && memcmp(wanted, nll, bytes) != 0)) {
                    return 1;
                }
                ret = ZL_ERR_MEMORY;
            } else if (ret != 0 || memcmp(wanted, nll, bytes) != 0) {
                return 2;
            }
            zl_earley_space_free(space);
            zl_earley_free(g);
            if (ret == 0 && k >= 0) {
                break;
            }
        }
    }
    printf("%d\n", handled);
    free(lhs);
    free(offsets);
    free(symbols);
    free(probabilities);
    free(start);
    free(tokens);
    free(nll);
    free(wanted);
    free(next);
    free(positions);
    return 0;
}
