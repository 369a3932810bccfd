#include "pcfg_alias.h"

#include <stdlib.h>

#include "status.h"

unsigned
pcfg_bits(size_t n)
{
    /* one bit at least: a shift by 64 - 0 has no meaning in C */
    unsigned bits = 1;

    while (bits < 63 && ((size_t) 1 << bits) < n) {
        bits++;
    }
    return bits;
}

int
pcfg_alias_fill(const double *weights, size_t n, unsigned bits, uint64_t *thresholds, uint32_t *aliases)
{
    int ret = ZL_ERR_MEMORY;
    size_t size = (size_t) 1 << bits, j, n_small = 0, n_large = 0;
    double total = 0.0;
    double *share = calloc(size, sizeof(*share));
    size_t *small = malloc(size * sizeof(*small));
    size_t *large = malloc(size * sizeof(*large));

    if (share == NULL || small == NULL || large == NULL) {
        goto out;
    }
    for (j = 0; j < n; j++) {
        total += weights[j];
    }
    for (j = 0; j < size; j++) {
        /* rows behind the last weight have a share of nothing: they always give their alias */
        share[j] = j < n && total > 0.0 ? weights[j] / total * (double) size : 0.0;
        if (share[j] < 1.0) {
            small[n_small++] = j;
        } else {
            large[n_large++] = j;
        }
    }
    while (n_small > 0 && n_large > 0) {
        size_t s = small[--n_small], l = large[n_large - 1];

        /* a share below 1 is a double of 53 bits: 2^53 of it is a whole number, put in the upper bits of a word */
        thresholds[s] = (uint64_t) (share[s] * 9007199254740992.0) << 11;
        aliases[s] = (uint32_t) l;
        /* what row s lacks of a share of 1 comes from l, which stays until it has less than 1 itself */
        share[l] -= 1.0 - share[s];
        if (share[l] < 1.0) {
            n_large--;
            small[n_small++] = l;
        }
    }
    /* what is left has a share of 1 but for rounding */
    while (n_small + n_large > 0) {
        size_t k = n_small > 0 ? small[--n_small] : large[--n_large];

        thresholds[k] = 0;
        aliases[k] = (uint32_t) k;
    }
    ret = ZL_OK;
out:
    free(share);
    free(small);
    free(large);
    return ret;
}
